// How events change a release.
#include "publishing/release.hpp"

#include <utility>

namespace tocsin::publishing {

using runtime::from_proto;

namespace {

void planned(Release& release, const v1::ReleasePlanned& event) {
    release.head = event.release();
    release.head.clear_deliveries();
    release.head.set_state("preparing");
    release.head.set_skew_ms(-1);
    std::set<std::string> feeds;
    for (const v1::Delivery& delivery : event.release().deliveries()) {
        if (content::traits_of(delivery.kind()).public_from_claim)
            feeds.insert(delivery.agency_id());
        Item item{.delivery = delivery};
        item.delivery.set_state("planned");
        release.add(std::move(item));
    }
    release.feeds = std::make_shared<const std::set<std::string>>(std::move(feeds));
    if (!event.content().empty())
        release.content =
            std::make_shared<const Approved>(event.content(), event.release().digest());
    std::map<std::string, Sender> senders;
    for (const auto& [agency, sender] : event.senders()) senders[agency].cap_sender = sender;
    for (const auto& [agency, names] : event.sender_names()) senders[agency].names = names;
    release.senders = std::make_shared<const std::map<std::string, Sender>>(std::move(senders));
    release.feed_base_url = event.feed_base_url();
    release.arm_lead = std::chrono::milliseconds{event.arm_lead_ms()};
    if (event.has_release_at()) release.release_at = from_proto(event.release_at());
    release.expires = from_proto(event.expires());
    release.prepare_until = from_proto(event.prepare_until());
    release.policy = event.straggler_policy();
}

void prepared(Release& release, const v1::DeliveryPrepared& event) {
    release.change(event.delivery_id(), [&](Item& item) {
        item.delivery.set_state(event.ready() ? "ready" : "not_ready");
        item.delivery.set_reason(event.reason());
        item.text_max = event.text_max();
    });
    const bool heard_all = release.count(v1::PURPOSE_MESSAGE, "planned") == 0;
    const bool all_ready =
        release.count(v1::PURPOSE_MESSAGE, "ready") == release.count(v1::PURPOSE_MESSAGE);
    release.head.set_state(heard_all && !all_ready ? "waiting" : "preparing");
}

// What the deliveries of `event` send, by its index there; its bytes are known from now on, or
// missing.
template <class ArmedEvent>
std::vector<std::shared_ptr<const Armed>> take_renditions(Release& release, const ArmedEvent& event,
                                                          Time decided_at) {
    std::vector<std::shared_ptr<const Armed>> all;
    Release::Bodies bodies = release.bodies ? *release.bodies : Release::Bodies{};
    for (const v1::ArmedRendition& one : event.renditions()) {
        Armed armed{{}, one.rendition(), one.digest()};
        delete armed.rendition.release_body();  // To clear it would keep its memory.
        if (one.fixed() >= 0 && one.fixed() < event.fixed_size())
            armed.fixed = event.fixed(one.fixed());
        all.push_back(std::make_shared<const Armed>(std::move(armed)));
        auto& body = bodies[one.digest()];
        if (body || one.rendition().body().empty()) continue;
        body = std::make_shared<const Sealed>(one.rendition().body(), one.digest());
    }
    release.missing = 0;
    for (const auto& [digest, body] : bodies) release.missing += body ? 0 : 1;
    release.missing_since = decided_at;
    release.bodies = std::make_shared<const Release::Bodies>(std::move(bodies));
    return all;
}

template <class ArmedEvent>
std::shared_ptr<const Armed> armed_as(const ArmedEvent& event, int delivery,
                                      const std::vector<std::shared_ptr<const Armed>>& all) {
    const int index = delivery < event.rendition_of_size() ? event.rendition_of(delivery) : -1;
    return index >= 0 && index < static_cast<int>(all.size()) ? all[static_cast<std::size_t>(index)]
                                                              : nullptr;
}

void armed(Release& release, const v1::ReleaseArmed& event, Time decided_at) {
    release.head.set_state("armed");
    *release.head.mutable_fire_at() = event.fire_at();
    *release.head.mutable_identifiers() = event.identifiers();
    const auto renditions = take_renditions(release, event, decided_at);
    for (int i = 0; i < event.deliveries_size(); ++i)
        release.change(event.deliveries(i).delivery_id(), [&](Item& item) {
            item.delivery = event.deliveries(i);
            item.delivery.set_state("armed");
            item.armed = armed_as(event, i, renditions);
        });
    // What is not in the event stays behind; its reason says why.
    release.change_all(
        [](const Item& item) { return !item.is("armed") && !item.settled(); },
        [](Item& item) {
            item.delivery.set_state("skipped");
            if (item.delivery.reason().empty())
                item.delivery.set_reason("It was not ready in time: the others went without it.");
        });
}

void kept(Release& release, const v1::RenditionKept& event, Time decided_at) {
    if (!release.bodies) return;
    const auto known = release.bodies->find(event.digest());
    if (known == release.bodies->end() || known->second) return;
    Release::Bodies bodies = *release.bodies;
    // Without bytes: nothing can be sent under that digest.
    if (event.body().empty())
        bodies.erase(event.digest());
    else
        bodies[event.digest()] = std::make_shared<const Sealed>(event.body(), event.digest());
    release.bodies = std::make_shared<const Release::Bodies>(std::move(bodies));
    --release.missing;
    release.missing_since = decided_at;
}

void claimed(Release& release, const v1::DeliveriesClaimed& event, Time decided_at) {
    for (const std::string& id : event.delivery_ids())
        release.change(id, [&](Item& item) {
            item.delivery.set_state("claimed");
            item.delivery.set_executor(event.executor());
            item.delivery.set_attempts(event.attempt());
            *item.delivery.mutable_give_up_at() = event.give_up_at();
            item.retry_at.reset();
            item.asked = false;
            item.last_answer.clear();
            item.refusal.clear();
            if (!item.first_claimed_at) item.first_claimed_at = decided_at;
            release.went_out = true;
        });
    if (release.went_out && release.is("armed")) release.head.set_state("firing");
}

void settled(Release& release, const v1::DeliverySettled& event) {
    release.change(event.delivery_id(), [&](Item& item) {
        v1::Delivery& delivery = item.delivery;
        delivery.set_state(event.state());
        delivery.set_reason(event.reason());
        if (!event.url().empty()) delivery.set_url(event.url());
        if (!event.receipt().empty()) delivery.set_receipt(event.receipt());
        if (event.has_written_at()) *delivery.mutable_written_at() = event.written_at();
        if (event.has_confirmed_at()) *delivery.mutable_confirmed_at() = event.confirmed_at();
        item.retry_at.reset();
        item.last_answer.clear();
        // The one request in doubt was refused, and nothing of it was found.
        if (event.state() == "refused" && !item.refusal.empty() && !item.refused_repeat)
            item.first_doubted = 0;
    });
}

// Cancelled, aborted or expired.
void ended(Release& release, const std::string& state, const std::string& reason) {
    release.head.set_state(state);
    release.head.set_reason(reason);
    release.change_all([](const Item& item) { return !item.settled(); },
                       [](Item& item) { item.delivery.set_state("stood_down"); });
}

void retraction_armed(Release& release, const v1::RetractionArmed& event, Time decided_at) {
    release.head.set_state("retracting");
    release.head.set_reason(event.reason());
    release.retract_at = from_proto(event.fire_at());
    // What was still to be sent again must not follow its own retraction.
    release.change_all(
        [](const Item& item) { return item.is("armed") && !item.retracts(); },
        [](Item& item) {
            item.delivery.set_state("stood_down");
            item.delivery.set_reason("The message was retracted before this channel confirmed it.");
            item.retry_at.reset();
        });
    const auto renditions = take_renditions(release, event, decided_at);
    std::map<std::string, std::shared_ptr<const v1::Channel>> channels;
    for (const Item& item : release.items)
        channels.emplace(item.delivery.channel_id(), item.channel);
    for (int i = 0; i < event.deliveries_size(); ++i) {
        Item item{.delivery = event.deliveries(i)};
        item.delivery.set_state("armed");
        item.channel = channels[item.delivery.channel_id()];
        item.armed = armed_as(event, i, renditions);
        release.add(std::move(item));
    }
}

void unknown(Release& release, const v1::DeliveryUnknown& event) {
    release.change(event.delivery_id(), [&](Item& item) {
        if (event.refused_unless_found()) {
            item.refusal = event.reason();
            item.refused_repeat = item.doubted() && item.first_doubted < item.delivery.attempts();
        }
        if (!item.doubted()) item.first_doubted = item.delivery.attempts();
        if (!event.asked()) item.last_answer = event.reason();
        item.asked = item.asked || event.asked();
        item.delivery.set_state("unknown");
        item.delivery.set_reason(event.reason());
        if (event.has_written_at()) *item.delivery.mutable_written_at() = event.written_at();
    });
}

void rearmed(Release& release, const v1::DeliveryRearmed& event) {
    release.change(event.delivery_id(), [&](Item& item) {
        item.delivery.set_state("armed");
        item.delivery.set_reason(event.reason());
        item.delivery.clear_written_at();
        item.retry_at = from_proto(event.retry_at());
    });
}

void completed(Release& release, const v1::ReleaseCompleted& event) {
    release.head.set_state(event.state());
    release.head.set_reason(event.reason());
    // The skew of a release is that of its message, not that of its retraction.
    if (!release.retract_at) release.head.set_skew_ms(event.skew_ms());
}

void evolve_body(Release& release, const v1::Event& event, Time decided_at) {
    switch (event.body_case()) {
        case v1::Event::kReleasePlanned:
            return planned(release, event.release_planned());
        case v1::Event::kDeliveryPrepared:
            return prepared(release, event.delivery_prepared());
        case v1::Event::kReleaseArmed:
            return armed(release, event.release_armed(), decided_at);
        case v1::Event::kDeliveriesClaimed:
            return claimed(release, event.deliveries_claimed(), decided_at);
        case v1::Event::kDeliverySettled:
            return settled(release, event.delivery_settled());
        case v1::Event::kReleaseCancelled:
            return ended(release, "cancelled", event.release_cancelled().reason());
        case v1::Event::kReleaseEnded:
            return ended(release, event.release_ended().state(), event.release_ended().reason());
        case v1::Event::kRetractionArmed:
            return retraction_armed(release, event.retraction_armed(), decided_at);
        case v1::Event::kDeliveryUnknown:
            return unknown(release, event.delivery_unknown());
        case v1::Event::kDeliveryRearmed:
            return rearmed(release, event.delivery_rearmed());
        case v1::Event::kReleaseCompleted:
            return completed(release, event.release_completed());
        case v1::Event::kRenditionKept:
            return kept(release, event.rendition_kept(), decided_at);
        case v1::Event::kChannelPut:
        case v1::Event::kChannelRemoved:
        case v1::Event::BODY_NOT_SET:
            return;
    }
}

// Whether a delivery of it may still be sent, or looked for.
bool sends(const Release& release) {
    for (const auto purpose : {v1::PURPOSE_MESSAGE, v1::PURPOSE_RETRACTION})
        for (const char* state : {"armed", "claimed", "unknown"})
            if (release.count(purpose, state) > 0) return true;
    return false;
}

}  // namespace

void evolve(Release& release, const v1::Event& event, Time decided_at) {
    ++release.version;
    const bool rested = release.at_rest();
    evolve_body(release, event, decided_at);
    if (!release.at_rest()) return;
    if (release.bodies && !sends(release)) {
        release.bodies.reset();
        release.missing = 0;
    }
    // Nobody renders it until it is retracted, if ever: only the bytes are kept.
    if (!rested && release.content)
        release.content =
            std::make_shared<const Approved>(release.content->bytes(), release.content->digest());
}

}  // namespace tocsin::publishing
