// Taking back what is public, on every channel that has or may have it.
#include "content/content.hpp"
#include "content/texts.hpp"
#include "publishing/limits.hpp"
#include "publishing/rendering.hpp"
#include "publishing/steps.hpp"
#include "runtime/base/planted.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {

using runtime::Because;
using runtime::from_proto;
using runtime::reject;
using runtime::to_proto;

static constexpr Duration retraction_lead = std::chrono::milliseconds{200};

// How many retractions of an original were ordered, and whether one of them stands.
struct Ordered {
    int count = 0;
    bool stands = false;
};

namespace {

// What was ordered before, found once for all originals.
class Orders {
public:
    explicit Orders(const Release& release) {
        for (const Item& item : release.items) {
            if (!item.retracts()) continue;
            Ordered& one = by_original_[std::string{original_of(item.id())}];
            ++one.count;
            one.stands = one.stands || (!item.is("refused") && !item.is("stood_down"));
        }
        for (const Item& item : release.items) {
            if (!item.traits().public_from_claim || item.retracts() || !item.may_be_public())
                continue;
            feeds_.emplace(item.fixed().permalink(),
                           item.fixed().identifier() + suffix(number_on(item)));
        }
    }

    Ordered of(const Item& original) const {
        const auto found = by_original_.find(original.id());
        return found == by_original_.end() ? Ordered{} : found->second;
    }
    // CAP identifier of the Cancel that is or will be on the feed for an alert with this link;
    // empty where there is none.
    std::string cancel_of(const std::string& link) const {
        const auto found = feeds_.find(link);
        return found == feeds_.end() ? std::string{} : found->second;
    }
    static std::string suffix(int count) {
        return count == 0 ? "-cancel" : fmt::format("-cancel-{}", count + 1);
    }

private:
    int number_on(const Item& original) const {
        const Ordered there = of(original);
        return there.stands ? there.count - 1 : there.count;
    }

    std::map<std::string, Ordered> by_original_;
    std::map<std::string, std::string> feeds_;
};

}  // namespace

static content::v1::Fixed fix_retraction(const Release& release, const Item& original,
                                         const Orders& orders, Time fire_at) {
    const content::v1::Fixed& first = original.fixed();
    content::v1::Fixed fixed = fix(release, original.delivery.agency_id(), fire_at, {});
    fixed.set_retraction(true);
    fixed.set_identifier(first.identifier() + Orders::suffix(orders.of(original).count));
    content::v1::Reference& retracts = *fixed.mutable_retracts();
    retracts.set_sender(first.sender());
    retracts.set_identifier(first.identifier());
    retracts.set_sent(first.sent());
    // Where the feed cancels too, people are led to the Cancel, else to what they already had.
    const std::string cancel = orders.cancel_of(first.permalink());
    fixed.set_permalink(cancel.empty() ? first.permalink() : permalink(release, cancel));
    return fixed;
}

static v1::Delivery retraction_of(const Item& original, int count) {
    v1::Delivery delivery;
    delivery.set_delivery_id(retraction_id(original.id(), count + 1));
    delivery.set_channel_id(original.delivery.channel_id());
    delivery.set_kind(original.delivery.kind());
    delivery.set_agency_id(original.delivery.agency_id());
    delivery.set_language(original.delivery.language());
    delivery.set_purpose(v1::PURPOSE_RETRACTION);
    const std::string& receipt = original.delivery.receipt();
    if (original.traits().retraction_replies && receipt.size() <= reply_bytes_max)
        delivery.set_in_reply_to(receipt);
    return delivery;
}

// Why nothing can be said to take it back; empty when it can.
static std::string no_text(const Release& release, Time now) {
    if (!release.content || now >= release.fades().value_or(Time::max()))
        return "the message expired long ago and its texts are not kept: publish an update";
    const auto& content = release.content->parsed();
    if (!content || content->draft().retraction().empty())
        return "no retraction was approved with the message: publish an update";
    for (const content::Text& text : content->draft().texts())
        if (content::find_text(content->draft().retraction(), text.language()) < 0)
            return fmt::format("the retraction has no {} text: publish an update", text.language());
    return {};
}

namespace {

struct Retraction {
    v1::RetractionArmed event;
    std::string problem;  // of a channel that cannot carry it
};

// Of all that may be public and has none that stands.
Retraction arm_retraction(const Release& release, Time now) {
    // Never before the message itself: a claim may still wait for its T0.
    const Time fire_at = std::max(now, from_proto(release.head.fire_at())) + retraction_lead;
    const Orders orders{release};
    Arming<v1::RetractionArmed> arming{release};
    Retraction all;
    for (const Item& item : release.items) {
        if (item.retracts() || item.never_left()) continue;
        const Ordered before = orders.of(item);
        if (before.stands) continue;
        if (planted(runtime::Bug::retracts_one) && !arming.event().deliveries().empty()) break;
        const std::string group = fmt::format("{}\n{}", item.fixed().identifier(), before.count);
        const auto added = arming.add(retraction_of(item, before.count), item.text_max, group, [&] {
            return fix_retraction(release, item, orders, fire_at);
        });
        if (!added) all.problem = added.error();
    }
    all.event = arming.take();
    *all.event.mutable_fire_at() = to_proto(fire_at);
    return all;
}

}  // namespace

Verdict retract_release(const State& state, const runtime::Asking& asking,
                        const v1::RetractReleaseRequest& request, Time now) {
    const auto known = state.releases.find(request.release_id());
    if (known == state.releases.end()) return no_release(state, asking, request.release_id());
    Turn turn{known->second, now, {}};
    const Release& release = known->second;
    if (auto refusal = refuse_outsider(asking, release))
        return std::unexpected(std::move(*refusal));
    if (release.never_left())
        return reject(Because::failed_precondition, "not_released",
                      fmt::format("nothing is public: the release is {}. Cancel it while it is on "
                                  "its way.",
                                  release.head.state()));
    // What may still be sent is stopped, whether or not the rest can be taken back.
    const auto count = [&](const char* in) { return release.count(v1::PURPOSE_MESSAGE, in); };
    const bool stops =
        !release.retract_at && count("armed") + count("claimed") + count("unknown") > 0;
    std::string problem = no_text(release, now);
    v1::RetractionArmed armed;
    if (problem.empty()) {
        auto all = arm_retraction(release, now);
        armed = std::move(all.event);
        problem = std::move(all.problem);
    }
    // A second click adds nothing; one channel that cannot carry it does not hold up the others.
    const bool nothing = armed.deliveries().empty() && !stops;
    if (nothing && !problem.empty())
        return reject(Because::failed_precondition, "no_retraction", problem);
    if (nothing) return std::move(turn).done();
    armed.set_release_id(release.id());
    armed.set_actor(asking.actor);
    armed.set_reason(request.reason());
    if (!armed.has_fire_at()) *armed.mutable_fire_at() = to_proto(now);
    v1::Event event;
    *event.mutable_retraction_armed() = std::move(armed);
    turn.add(std::move(event));
    complete(turn);
    return std::move(turn).done();
}

// The retraction of a message that never was would speak of what nobody saw.
void follow_original(Turn& turn, const std::string& delivery_id) {
    const Release before = turn.release;
    const Item* original = before.find(delivery_id);
    if (!original || original->retracts() || !original->settled() || !original->never_left())
        return;
    const Item* back = before.retraction_of(delivery_id);
    if (back && back->is("armed"))
        settle(turn, *back, "stood_down",
               "This channel never had the message: there is nothing to take back.");
}

}  // namespace tocsin::publishing
