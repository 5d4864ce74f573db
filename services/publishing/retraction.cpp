#include "publishing/retraction.hpp"

#include "content/content.hpp"
#include "content/texts.hpp"
#include "publishing/completing.hpp"
#include "publishing/leads.hpp"
#include "publishing/limits.hpp"
#include "publishing/rendering.hpp"
#include "publishing/settling.hpp"
#include "runtime/base/planted.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using runtime::Because;
using runtime::from_proto;
using runtime::to_proto;

namespace {

// How many retractions of an original were ordered, and whether one of them stands.
struct Ordered {
    int count = 0;
    bool stands = false;
};

// What was ordered before, found once for all originals.
class Orders {
public:
    explicit Orders(const Release& release) {
        for (const Delivery& delivery : release.deliveries) {
            if (!delivery.retracts()) continue;
            Ordered& one = by_original_[std::string{original_of(delivery.id())}];
            ++one.count;
            one.stands = one.stands || (!delivery.is(v1::DELIVERY_STATE_REFUSED) &&
                                        !delivery.is(v1::DELIVERY_STATE_STOOD_DOWN));
        }
        for (const Delivery& delivery : release.deliveries) {
            if (!delivery.traits().public_from_claim || delivery.retracts() ||
                !delivery.may_be_public())
                continue;
            feeds_.emplace(delivery.fixed().permalink(),
                           delivery.fixed().identifier() + suffix(number_on(delivery)));
        }
    }

    Ordered of(const Delivery& original) const {
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
    int number_on(const Delivery& original) const {
        const Ordered there = of(original);
        return there.stands ? there.count - 1 : there.count;
    }

    std::map<std::string, Ordered> by_original_;
    std::map<std::string, std::string> feeds_;
};

}  // namespace

static content::v1::Fixed fix_retraction(const Release& release, const Delivery& original,
                                         const Orders& orders, Time fire_at) {
    const content::v1::Fixed& first = original.fixed();
    content::v1::Fixed fixed = fix(release, original.head.agency_id(), fire_at, {});
    fixed.set_retraction(true);
    *fixed.mutable_expires() = to_proto(std::max(release.expires, fire_at + retraction_lifetime));
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

static v1::Delivery retraction_of(const Delivery& original, int count) {
    v1::Delivery delivery;
    delivery.set_delivery_id(retraction_id(original.id(), count + 1));
    delivery.set_channel_id(original.head.channel_id());
    delivery.set_kind(original.head.kind());
    delivery.set_agency_id(original.head.agency_id());
    delivery.set_language(original.head.language());
    delivery.set_purpose(v1::PURPOSE_RETRACTION);
    const std::string& receipt = original.head.receipt();
    if (original.traits().corrections_reply && receipt.size() <= reply_bytes_max)
        delivery.set_in_reply_to(receipt);
    return delivery;
}

static runtime::Rejection no_retraction(std::string text) {
    return {Because::failed_precondition, "no_retraction", std::move(text), {}};
}

// Why there is no text that takes it back; nothing when there is one in each language.
static std::optional<runtime::Rejection> require_retraction_texts(const Release& release,
                                                                  Time now) {
    if (!release.content || now >= release.fades().value_or(Time::max()))
        return texts_dropped(release.id());
    const auto& content = release.content->parsed();
    if (!content || content->draft().retraction().empty())
        return no_retraction("no retraction was approved with the message; publish an update");
    for (const content::Text& text : content->draft().texts())
        if (content::find_text(content->draft().retraction(), text.language()) < 0)
            return no_retraction(
                fmt::format("the approved retraction has no text in `{}`; publish "
                            "an update",
                            text.language()));
    return std::nullopt;
}

namespace {

struct Retraction {
    v1::RetractionArmed event;
    int rendered = 0;
    // Those that their channel cannot carry, with the reason.
    std::vector<std::pair<std::string, std::string>> refused;
};

// Of all that may be public and has none that stands.
Retraction arm_retraction(const Release& release, Time now, std::size_t used) {
    // Never before the message itself: a claim may still wait for its T0.
    const Time fire_at = std::max(now, from_proto(release.head.fire_at())) +
                         lead(release.arm_lead, release.count(v1::PURPOSE_MESSAGE));
    const Orders orders{release};
    Arming<v1::RetractionArmed> arming{release};
    Retraction all;
    for (const Delivery& delivery : release.deliveries) {
        if (delivery.retracts() || delivery.never_left()) continue;
        const Ordered before = orders.of(delivery);
        if (before.stands) continue;
        if (planted(runtime::Bug::retracts_one) && !arming.event().deliveries().empty()) break;
        const std::string group =
            fmt::format("{}\n{}", delivery.fixed().identifier(), before.count);
        const v1::Delivery back = retraction_of(delivery, before.count);
        const auto added = arming.add(back, delivery.text_max, group, [&] {
            return fix_retraction(release, delivery, orders, fire_at);
        });
        if (added) {
            ++all.rendered;
            continue;
        }
        constexpr std::size_t of_many = 200, framing = 64;
        all.refused.emplace_back(back.delivery_id(), shortened(added.error(), of_many));
        used += back.delivery_id().size() + all.refused.back().second.size() + framing;
        arming.add_unrendered(back);
    }
    all.event = arming.take(used);
    *all.event.mutable_fire_at() = to_proto(fire_at);
    return all;
}

}  // namespace

// ---- steps

// Whether something of the message may still be sent, and nothing stopped it so far.
static bool may_go_out(const Release& release) {
    return !release.retract_at &&
           release.count(
               v1::PURPOSE_MESSAGE,
               {v1::DELIVERY_STATE_PLANNED, v1::DELIVERY_STATE_NOT_READY, v1::DELIVERY_STATE_ARMED,
                v1::DELIVERY_STATE_CLAIMED, v1::DELIVERY_STATE_UNKNOWN}) > 0;
}

std::optional<runtime::Rejection> retract(Turn& turn, const std::string& actor,
                                          const std::string& reason) {
    const Release& release = turn.release;
    // What may still be sent is stopped, whether or not the rest can be taken back.
    const bool stops = may_go_out(release);
    auto refusal = require_retraction_texts(release, turn.now);
    Retraction all;
    if (!refusal) {
        std::size_t used = 0;
        for (const v1::Event& event : turn.events) used += event.ByteSizeLong();
        all = arm_retraction(release, turn.now, used);
        if (!all.refused.empty()) refusal = no_retraction(all.refused.back().second);
    }
    // A second click adds nothing; one channel that cannot carry it does not hold up the others.
    if (all.rendered == 0 && !stops) return refusal;
    v1::RetractionArmed& armed = all.event;
    armed.set_actor(actor);
    armed.set_reason(reason);
    if (!armed.has_fire_at()) *armed.mutable_fire_at() = to_proto(turn.now);
    v1::Event event = event_of(release.id());
    *event.mutable_retraction_armed() = std::move(armed);
    turn.add(std::move(event));
    // There the message stays, and a person has to take it back.
    const Release after = turn.release;
    for (const auto& [id, why] : all.refused)
        settle(turn, *after.find(id), v1::DELIVERY_STATE_REFUSED, why);
    return std::nullopt;
}

// The retraction of a message that never was public would speak of what nobody saw.
void follow_original(Turn& turn, const std::string& delivery_id) {
    const Release before = turn.release;
    const Delivery* original = before.find(delivery_id);
    if (!original || original->retracts() || !original->settled() || !original->never_left())
        return;
    const Delivery* back = before.retraction_of(delivery_id);
    if (back && back->is(v1::DELIVERY_STATE_ARMED))
        settle(turn, *back, v1::DELIVERY_STATE_STOOD_DOWN,
               "This channel never had the message: there is nothing to take back.");
}

}  // namespace tocsin::publishing
