#include "sim/release_promises.hpp"

#include "content/channel.hpp"
#include "content/content.hpp"
#include "content/publishers.hpp"
#include "sim/publishing_process.hpp"
#include "sim/violation.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

using publishing::Release;
using texts::enum_name;

// Clocks differ by a little.
static constexpr auto claim_over = publishing::claim_margin;
static constexpr auto clocks_differ = std::chrono::seconds{5};
static constexpr int unchanged_steps = 50;

void ReleasePromises::counted(const ledger::v1::Decision& decision) {
    for (const std::string& bytes : decision.accepted().events()) {
        publishing::v1::Event event;
        event.ParseFromString(bytes);
        note(event, runtime::from_proto(decision.decided_at()));
    }
}

// No account posts more than its budget, nor what is not urgent more than what is not kept.
void ReleasePromises::check_budget(const publishing::v1::Event& claimed, runtime::Time at) {
    const std::string& id = claimed.release_id();
    const Release& release = state_().releases.by_id.at(id);
    for (const std::string& name : claimed.delivery_ids()) {
        const publishing::Delivery* delivery = release.find(name);
        if (delivery == nullptr || !delivery->channel || delivery->channel->budget_posts() == 0)
            continue;
        const publishing::v1::Channel& channel = *delivery->channel;
        auto& posts = posts_[channel.url() + channel.credential()];
        posts.push_back(at);
        if (delivery->retracts()) continue;
        const content::Content content = content::parse(release.content->bytes()).value();
        const bool urgent = content.message_type() != content::v1::MESSAGE_TYPE_ALERT ||
                            content.draft().severity() == content::v1::SEVERITY_EXTREME ||
                            content.draft().severity() == content::v1::SEVERITY_SEVERE;
        const auto most = channel.budget_posts() - (urgent ? 0 : channel.budget_reserve());
        const auto number = std::ranges::count_if(posts, [&](runtime::Time one) {
            return one > at - std::chrono::seconds{channel.budget_seconds()};
        });
        if (number > most)
            throw Violation(
                fmt::format("{} {} is one post too many: {} of {}", id, name, number, most));
    }
}

// A second person ends it, or its time does.
void ReleasePromises::note_hold(const publishing::v1::Event& event, runtime::Time decided_at) {
    if (event.has_hold_placed())
        holds_[event.hold_placed().hold().hold_id()] = event.hold_placed().hold();
    if (!event.has_hold_ended()) return;
    const auto known = holds_.find(event.hold_ended().hold_id());
    if (known == holds_.end()) throw Violation("a hold ended that was none");
    const std::string& who = event.hold_ended().lifted_by();
    if (who == known->second.placed_by()) throw Violation(who + " lifted a hold of their own");
    if (who.empty() && decided_at + clocks_differ < runtime::from_proto(known->second.until()))
        throw Violation("a hold ended before its time");
    holds_.erase(known);
}

// Nothing of a message is claimed while its channel is on hold.
void ReleasePromises::check_not_on_hold(const publishing::v1::Event& claimed) const {
    const std::string& id = claimed.release_id();
    const Release& release = state_().releases.by_id.at(id);
    for (const auto& [hold_id, hold] : holds_)
        for (const std::string& name : claimed.delivery_ids()) {
            const publishing::Delivery* delivery = release.find(name);
            if (delivery == nullptr || delivery->retracts()) continue;
            const bool named =
                hold.channel_id().empty()
                    ? hold.agency_id().empty() || hold.agency_id() == delivery->head.agency_id()
                    : hold.channel_id() == delivery->head.channel_id();
            if (named) throw Violation(fmt::format("{} {} is claimed while on hold", id, name));
        }
}

void ReleasePromises::note(const publishing::v1::Event& event, runtime::Time decided_at) {
    note_hold(event, decided_at);
    if (event.has_deliveries_claimed()) check_not_on_hold(event);
    if (event.has_deliveries_claimed()) check_budget(event, decided_at);
    const auto arm = [&](const auto& armed) {
        for (int i = 0; i < armed.deliveries_size(); ++i)
            armed_[armed.deliveries(i).idempotency_key()] = {
                event.release_id(),
                armed.deliveries(i).delivery_id(),
                armed.renditions(armed.rendition_of(i)).rendition().body(),
                {},
                {}};
    };
    arm(event.release_armed());
    arm(event.stragglers_armed());
    arm(event.retraction_armed());
    if (!event.delivery_rearmed().ordered_by().empty())
        for (const std::string& id : event.delivery_ids()) check_retried(event.release_id(), id);
    if (event.has_delivery_prepared()) check_not_held(event.release_id());
    for (const publishing::v1::Delivery& delivery : event.release_planned().release().deliveries())
        if (delivery.state() == publishing::v1::DELIVERY_STATE_SKIPPED)
            left_out_[event.release_id()].insert(delivery.delivery_id());
    if (event.has_deliveries_skipped())
        left_out_[event.release_id()].insert(event.delivery_ids().begin(),
                                             event.delivery_ids().end());
    if (event.has_deliveries_claimed()) check_in_use(event);
    if (event.has_deliveries_claimed()) check_not_updated(event);
    if (event.has_release_cancelled()) cancelled_.insert(event.release_id());
    if (event.release_cancelled().has_returned() || event.release_ended().has_returned())
        returned_.insert(event.release_id());
    if (!event.has_deliveries_claimed()) return;
    for (const std::string& id : event.delivery_ids())
        for (auto& [key, armed] : armed_)
            if (armed.release == event.release_id() && armed.delivery == id)
                ++armed.claims[event.deliveries_claimed().executor()];
}

// A person's wish makes no second post: what may be public is looked for first.
void ReleasePromises::check_retried(const std::string& id, const std::string& delivery_id) const {
    const publishing::Delivery* delivery = state_().releases.by_id.at(id).find(delivery_id);
    if (delivery != nullptr && delivery->doubted() &&
        delivery->traits().repeats != content::Repeats::exact)
        throw Violation(fmt::format("{} {} may be public, and is sent again", id, delivery_id));
}

// One channel that is not ready keeps no other one waiting, unless the message says so.
void ReleasePromises::check_not_held(const std::string& id) const {
    const Release& release = state_().releases.by_id.at(id);
    const auto in = [&](auto state) {
        return std::ranges::count_if(release.deliveries, [&](const publishing::Delivery& one) {
            return !one.retracts() && one.is(state);
        });
    };
    if (release.prepares() && release.stragglers.wait_seconds() == 0 &&
        release.stragglers.quorum_percent() == 0 && !release.prepare_again_at &&
        in(publishing::v1::DELIVERY_STATE_PLANNED) == 0 &&
        in(publishing::v1::DELIVERY_STATE_READY) > 0)
        throw Violation(id + " is held up by a channel that is not ready");
}

// Nothing more is sent of a message that another one took the place of.
void ReleasePromises::check_not_updated(const publishing::v1::Event& claimed) const {
    const std::string& id = claimed.release_id();
    const Release& release = state_().releases.by_id.at(id);
    for (const auto& [other, later] : state_().releases.by_id) {
        const auto& earlier = later.head.supersedes();
        if (std::ranges::find(earlier, id) == earlier.end() || later.never_left()) continue;
        for (const std::string& name : claimed.delivery_ids())
            if (const auto* delivery = release.find(name); delivery && !delivery->retracts())
                throw Violation(
                    fmt::format("{} {} is sent although {} updates it", id, name, other));
    }
}

// Nothing new goes to a channel that was removed.
void ReleasePromises::check_in_use(const publishing::v1::Event& claimed) const {
    const std::string& id = claimed.release_id();
    const Release& release = state_().releases.by_id.at(id);
    if (claimed.deliveries_claimed().attempt() != 1) return;
    for (const std::string& name : claimed.delivery_ids()) {
        const publishing::Delivery* delivery = release.find(name);
        if (delivery == nullptr || delivery->retracts()) continue;
        if (!state_().channels.by_id.at(delivery->head.channel_id()).channel.active())
            throw Violation(fmt::format("{} {} is sent to a channel that was removed", id, name));
    }
}

// What was not ready in time goes out later, in a world where all is well in the end.
void ReleasePromises::check_followed(const Release& release) const {
    if (!release.is(publishing::v1::RELEASE_STATE_RELEASED) || release.retract_at) return;
    const auto left_out = left_out_.find(release.id());
    for (const publishing::Delivery& delivery : release.deliveries)
        if (delivery.is(publishing::v1::DELIVERY_STATE_SKIPPED) &&
            (left_out == left_out_.end() || !left_out->second.contains(delivery.id())) &&
            release.changed_at + clocks_differ < release.expires)
            throw Violation(fmt::format("{} {} was left behind", release.id(), delivery.id()));
}

std::string ReleasePromises::fault_of(const std::string& incarnation,
                                      const runtime::HttpRequest& request, runtime::Time now) {
    const std::string key = PublicChannels::key_of(request);
    if (key.empty()) return {};
    ++sent_;
    const auto found = armed_.find(key);
    if (found == armed_.end()) return "sent what was never armed";
    Armed& armed = found->second;
    if (++armed.sends[incarnation] > armed.claims[incarnation])
        return "sent without a claim of its own that counts: " + armed.delivery;
    if (cancelled_.contains(armed.release)) return "sent although it was cancelled";
    const Release& release = state_().releases.by_id.at(armed.release);
    // Whoever resolves it has waited for that long.
    const publishing::Delivery* delivery = release.find(armed.delivery);
    if (delivery != nullptr && now > runtime::from_proto(delivery->head.give_up_at()) + claim_over)
        return "sent after its claim was over: " + armed.delivery;
    if (delivery != nullptr && delivery->traits().transport == content::Transport::none)
        return "a request for what Tocsin shows itself: " + armed.delivery;
    if (overtakes(release, armed.delivery, now)) return "a retraction overtakes " + armed.delivery;
    if (delivery != nullptr && !delivery->retracts() && overtakes_earlier(release, *delivery, now))
        return "an update overtakes what it updates: " + armed.delivery;
    if (!approved_.contains(release.head.digest()) || !release.content ||
        content::digest(release.content->bytes()) != release.head.digest())
        return "sent what nobody approved";
    if (delivery != nullptr && !delivery->retracts() && goes_elsewhere(release, *delivery, request))
        return "sent to where nobody approved: " + armed.delivery;
    return {};
}

// Another place than the approved content names, or by another account.
bool ReleasePromises::goes_elsewhere(const Release& release, const publishing::Delivery& delivery,
                                     const runtime::HttpRequest& request) {
    const content::Target target =
        content::find_target(*release.content->parsed(), delivery.head.channel_id());
    if (target.destination == nullptr || !request.url.starts_with(target.destination->url()))
        return true;
    return std::ranges::any_of(
        request.headers, [](const auto& header) { return header.second.contains(other_account); });
}

// An earlier message may still come to its channel.
bool ReleasePromises::overtakes_earlier(const Release& release,
                                        const publishing::Delivery& delivery,
                                        runtime::Time now) const {
    for (const std::string& id : release.head.supersedes()) {
        const auto earlier = state_().releases.by_id.find(id);
        if (earlier == state_().releases.by_id.end()) continue;
        for (const publishing::Delivery& before : earlier->second.deliveries)
            if (!before.retracts() && before.head.channel_id() == delivery.head.channel_id() &&
                (may_still_start(before, now) || before.is(publishing::v1::DELIVERY_STATE_ARMED) ||
                 before.is_unarmed()))
                return true;
    }
    return false;
}

// Whoever may still start the message could do so after its retraction.
bool ReleasePromises::overtakes(const Release& release, const std::string& delivery,
                                runtime::Time now) {
    const std::size_t mark = delivery.find(":cancel");
    if (mark == std::string::npos) return false;
    const publishing::Delivery* original = release.find(delivery.substr(0, mark));
    if (original == nullptr) return false;
    return original->is(publishing::v1::DELIVERY_STATE_ARMED) || may_still_start(*original, now);
}

bool ReleasePromises::may_still_start(const publishing::Delivery& delivery, runtime::Time now) {
    // One that was given up in doubt may yet be carried out until its executor had to stop; the
    // decider goes by a clock that may be ahead.
    const bool under_way = delivery.doubted() &&
                           !delivery.is(publishing::v1::DELIVERY_STATE_CONFIRMED) &&
                           now + clocks_differ < runtime::from_proto(delivery.head.give_up_at());
    return delivery.is(publishing::v1::DELIVERY_STATE_CLAIMED) || under_way ||
           (delivery.is(publishing::v1::DELIVERY_STATE_UNKNOWN) && !delivery.asked);
}

// By one call, whatever became of it by now.
void ReleasePromises::check_stoppable(runtime::Time now, const std::string& agency) {
    const runtime::Asking asking{"", "olga", agency, {"approver"}, "stop"};
    for (const auto& [id, release] : state_().releases.by_id) {
        // What is public can be taken back, however long it has been so.
        if (release.at_rest() &&
            !(release.is(publishing::v1::RELEASE_STATE_RELEASED) && has_words(release)))
            continue;
        // To try it costs much: what did not change is tried again now and then, as time passes.
        auto& [version, left] = tried_[id];
        if (version == release.version && --left > 0) continue;
        version = release.version;
        left = unchanged_steps;
        if (release.is(publishing::v1::RELEASE_STATE_RETRACTING)) {
            check_stopped(release);
            continue;
        }
        publishing::v1::Command command;
        command.mutable_stop_release()->set_release_id(id);
        const auto verdict = publishing::Decider::decide(state_(), asking, command, now);
        if (!verdict)
            throw Violation(fmt::format("{} cannot be stopped, {}: {}", id, verdict.error().code,
                                        standing_of(release)));
    }
}

bool ReleasePromises::has_words(const Release& release) {
    return release.content && release.content->parsed() &&
           !release.content->parsed()->draft().retraction().empty();
}

// From the order on nothing of the message is sent again, and what may be public is taken back
// where there are words for it.
void ReleasePromises::check_stopped(const Release& release) {
    if (release.count(publishing::v1::PURPOSE_MESSAGE, publishing::v1::DELIVERY_STATE_ARMED) > 0)
        throw Violation(release.id() + " is retracted, and would still be sent");
    if (!has_words(release)) return;
    for (const publishing::Delivery& delivery : release.deliveries)
        if (!delivery.retracts() && delivery.may_be_public() &&
            !release.retraction_of(delivery.id()))
            throw Violation(fmt::format("{} {} is {}, and nothing takes it back", release.id(),
                                        delivery.id(), enum_name(delivery.state())));
}

// --- the end ---

void ReleasePromises::check_one_each() const {
    std::map<std::string, std::string> out, updates;
    for (const auto& [id, release] : state_().releases.by_id) {
        const std::string& by = release.head.superseded_by();
        const auto later = state_().releases.by_id.find(by);
        if (later != state_().releases.by_id.end() && returned_.contains(by))
            throw Violation(fmt::format("{} is updated by {}, which is not out", id, by));
        if (release.never_left()) continue;
        if (returned_.contains(id)) throw Violation(id + " went out after its text went back");
        for (const std::string& earlier : release.head.supersedes()) {
            const auto [other, first] = updates.emplace(earlier, id);
            if (!first) throw Violation(fmt::format("{} and {} update one", other->second, id));
            const auto found = state_().releases.by_id.find(earlier);
            if (found != state_().releases.by_id.end() && found->second.head.superseded_by() != id)
                throw Violation(fmt::format("{} updates {}, which does not say so", id, earlier));
        }
        const auto [other, first] = out.emplace(release.head.message_id(), id);
        if (!first) throw Violation(fmt::format("{} and {} are of one message", other->second, id));
    }
}

void ReleasePromises::check_end() const {
    check_one_each();
    for (const auto& [id, release] : state_().releases.by_id) {
        check_release(release);
        check_followed(release);
    }
}

void ReleasePromises::check_release(const Release& release) const {
    for (const publishing::Delivery& delivery : release.deliveries) {
        const std::string& key = delivery.head.idempotency_key();
        if (key.empty() || delivery.traits().transport == content::Transport::none) continue;
        const int shown = channels_.shown(key);
        const std::string what =
            fmt::format("{} {} is {}", release.id(), delivery.id(), enum_name(delivery.state()));
        const bool given_up = release.is(publishing::v1::RELEASE_STATE_ABORTED) ||
                              release.is(publishing::v1::RELEASE_STATE_CANCELLED);
        if (delivery.is(publishing::v1::DELIVERY_STATE_CONFIRMED) && !delivery.retracts() &&
            given_up)
            throw Violation(
                fmt::format("the release is {}: {}", enum_name(release.head.state()), what));
        if (shown > 1) throw Violation("shown twice: " + what);
        if (shown > 0 && cancelled_.contains(release.id()))
            throw Violation("shown although it was cancelled: " + what);
        // An account that shows the very same words, posted for another release, cannot be told
        // from one that shows these.
        if (delivery.is(publishing::v1::DELIVERY_STATE_CONFIRMED) && shown == 0 &&
            !shows_words_of(key))
            throw Violation("not shown: " + what);
        // Only a receiver that cannot be asked may have more than it confirmed.
        if (shown == 1 && !delivery.is(publishing::v1::DELIVERY_STATE_CONFIRMED) &&
            delivery.traits().can_be_queried)
            throw Violation("shown: " + what);
        // A mistake is taken back wherever it may be seen.
        if (shown == 1 && !delivery.retracts() && release.retract_at && has_words(release) &&
            !taken_back(release, delivery))
            throw Violation(fmt::format("never taken back: {}; {}", what, standing_of(release)));
        for (const std::string& body : channels_.bodies(key))
            if (body != channels_.bodies(key).front() ||
                (!delivery.retracts() && body != armed_.at(key).body))
                throw Violation("other bytes than those that were armed: " + what);
    }
}

std::string ReleasePromises::standing_of(const Release& release) {
    std::string all = fmt::format("{}:", enum_name(release.head.state()));
    for (const publishing::Delivery& delivery : release.deliveries)
        all += fmt::format(" {}={} ({})", delivery.id(), enum_name(delivery.state()),
                           delivery.head.reason());
    return all;
}

bool ReleasePromises::shows_words_of(const std::string& key) const {
    return std::ranges::any_of(channels_.keys(), [&](const std::string& other) {
        return channels_.bodies(other).front() == armed_.at(key).body;
    });
}

bool ReleasePromises::taken_back(const Release& release,
                                 const publishing::Delivery& delivery) const {
    return std::ranges::any_of(release.deliveries, [&](const auto& other) {
        if (!other.retracts() || !other.id().starts_with(delivery.id() + ":cancel")) return false;
        const std::string& key = other.head.idempotency_key();
        return channels_.shown(key) == 1 ||
               (other.is(publishing::v1::DELIVERY_STATE_CONFIRMED) && shows_words_of(key));
    });
}

}  // namespace tocsin::sim
