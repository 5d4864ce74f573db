// Taking back what is public, on every channel that has or may have it.
#include "content/content.hpp"
#include "content/texts.hpp"
#include "publishing/limits.hpp"
#include "publishing/rendering.hpp"
#include "publishing/steps.hpp"
#include "runtime/planted.hpp"

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
            Ordered& one = by_original_[item.id().substr(0, item.id().find(":cancel"))];
            ++one.count;
            one.stands = one.stands || (!item.is("refused") && !item.is("stood_down"));
        }
        for (const Item& item : release.items) {
            if (item.delivery.kind() != "feed" || item.retracts() || !item.may_be_public())
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
    delivery.set_delivery_id(original.id() + ":cancel" +
                             (count == 0 ? std::string{} : fmt::format(":{}", count + 1)));
    delivery.set_channel_id(original.delivery.channel_id());
    delivery.set_kind(original.delivery.kind());
    delivery.set_agency_id(original.delivery.agency_id());
    delivery.set_language(original.delivery.language());
    delivery.set_purpose(v1::PURPOSE_RETRACTION);
    const std::string& receipt = original.delivery.receipt();
    if (original.delivery.kind() == "mastodon" && receipt.size() <= reply_bytes_max)
        delivery.set_in_reply_to(receipt);
    return delivery;
}

static std::optional<runtime::Rejection> refuse_retraction(const Release& release, Time now) {
    const auto no = [](std::string code, std::string text) {
        return runtime::Rejection{
            Because::failed_precondition, std::move(code), std::move(text), {}};
    };
    const bool out = std::ranges::any_of(
        release.items, [](const Item& item) { return !item.retracts() && item.may_be_public(); });
    if (!out)
        return no("not_released", fmt::format("nothing is public: the release is {}. Cancel it "
                                              "while it has not started.",
                                              release.head.state()));
    if (!release.content || now >= release.fades().value_or(Time::max()))
        return no("no_retraction",
                  "the message expired long ago and its texts are not kept: publish an update");
    const auto& content = release.content->parsed();
    if (!content || content->draft().retraction().empty())
        return no("no_retraction",
                  "no retraction was approved with the message: publish an update");
    for (const content::Text& text : content->draft().texts())
        if (content::find_text(content->draft().retraction(), text.language()) < 0)
            return no(
                "no_retraction",
                fmt::format("the retraction has no {} text: publish an update", text.language()));
    return std::nullopt;
}

Verdict retract_release(const State& state, const runtime::Asking& asking,
                        const v1::RetractReleaseRequest& request, Time now) {
    const auto known = state.releases.find(request.release_id());
    if (known == state.releases.end()) return no_release(state, request.release_id());
    Turn turn{known->second, now, {}};
    const Release& release = known->second;
    if (auto refusal = refuse_outsider(asking, release))
        return std::unexpected(std::move(*refusal));
    if (auto refusal = refuse_retraction(release, now)) return std::unexpected(std::move(*refusal));

    // Never before the message itself: a claim may still wait for its T0.
    const Time fire_at = std::max(now, from_proto(release.head.fire_at())) + retraction_lead;
    const Orders orders{release};
    Arming<v1::RetractionArmed> arming{release};
    std::string problem;
    for (const Item& item : release.items) {
        if (item.retracts() || !item.may_be_public()) continue;
        const Ordered before = orders.of(item);
        if (before.stands) continue;
        if (planted(runtime::Bug::retracts_one) && !arming.event().deliveries().empty()) break;
        const std::string group = fmt::format("{}\n{}", item.fixed().identifier(), before.count);
        const auto added = arming.add(retraction_of(item, before.count), item.text_max, group, [&] {
            return fix_retraction(release, item, orders, fire_at);
        });
        if (!added) problem = added.error();
    }
    // A second click adds nothing; one channel that can not carry it does not hold up the others.
    const bool nothing = arming.event().deliveries().empty();
    if (nothing && !problem.empty())
        return reject(Because::failed_precondition, "no_retraction", problem);
    if (nothing) return std::move(turn).done();
    v1::Event event;
    v1::RetractionArmed& armed = *event.mutable_retraction_armed();
    armed = arming.take();
    armed.set_release_id(release.id());
    armed.set_actor(asking.actor);
    armed.set_reason(request.reason());
    *armed.mutable_fire_at() = to_proto(fire_at);
    turn.add(std::move(event));
    return std::move(turn).done();
}

}  // namespace tocsin::publishing
