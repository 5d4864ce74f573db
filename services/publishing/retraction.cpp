// Taking back what is public, on every channel that has or may have it.
#include "content/content.hpp"
#include "content/texts.hpp"
#include "publishing/steps.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {

using runtime::Because;
using runtime::from_proto;
using runtime::reject;
using runtime::to_proto;

static constexpr Duration retraction_lead = std::chrono::milliseconds{200};

static std::string base_id(const Item& original) { return original.id() + ":cancel"; }

// How many retractions of `original` were ordered, and whether one of them stands.
struct Ordered {
    int count = 0;
    bool stands = false;
};

static Ordered ordered(const Release& release, const Item& original) {
    Ordered result;
    for (const Item& item : release.items) {
        if (!item.retracts() || !item.id().starts_with(base_id(original))) continue;
        ++result.count;
        result.stands = result.stands || (!item.is("refused") && !item.is("stood_down"));
    }
    return result;
}

static std::string suffix(int count) {
    return count == 0 ? "-cancel" : fmt::format("-cancel-{}", count + 1);
}

static content::v1::Fixed fix_retraction(const Release& release, const Item& original, int count,
                                         Time fire_at) {
    const content::v1::Fixed& first = original.delivery.fixed();
    content::v1::Fixed fixed = fix(release, original.delivery, fire_at);
    fixed.set_retraction(true);
    fixed.set_identifier(first.identifier() + suffix(count));
    content::v1::Reference& retracts = *fixed.mutable_retracts();
    retracts.set_sender(first.sender());
    retracts.set_identifier(first.identifier());
    retracts.set_sent(first.sent());
    // Where the feed cancels too, people are led to the Cancel, else to what they already had.
    fixed.set_permalink(first.permalink());
    for (const Item& item : release.items)
        if (item.delivery.kind() == "feed" && !item.retracts() && item.may_be_public() &&
            item.delivery.fixed().permalink() == first.permalink()) {
            const Ordered there = ordered(release, item);
            fixed.set_permalink(
                permalink(release, item.delivery.fixed().identifier() +
                                       suffix(there.stands ? there.count - 1 : there.count)));
        }
    return fixed;
}

static std::expected<v1::Delivery, std::string> arm_retraction(const Release& release,
                                                               const Item& original, int count,
                                                               Time fire_at) {
    v1::Delivery delivery;
    delivery.set_delivery_id(base_id(original) +
                             (count == 0 ? std::string{} : fmt::format(":{}", count + 1)));
    delivery.set_channel_id(original.delivery.channel_id());
    delivery.set_kind(original.delivery.kind());
    delivery.set_agency_id(original.delivery.agency_id());
    delivery.set_language(original.delivery.language());
    delivery.set_purpose(v1::PURPOSE_RETRACTION);
    delivery.set_state("armed");
    *delivery.mutable_channel() = original.delivery.channel();
    *delivery.mutable_fixed() = fix_retraction(release, original, count, fire_at);
    delivery.set_idempotency_key(delivery_key(release, delivery));
    Item rendered = original;
    rendered.delivery = delivery;
    auto rendition = render(release, rendered, delivery.fixed());
    if (!rendition) return std::unexpected(std::move(rendition.error()));
    *delivery.mutable_rendition() = std::move(*rendition);
    return delivery;
}

static std::optional<runtime::Rejection> refuse_retraction(const Release& release) {
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
    const auto content = content::parse(release.content);
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
    if (known == state.releases.end()) return no_release(request.release_id());
    Turn turn{known->second, now, {}};
    const Release& release = known->second;
    if (auto refusal = refuse_outsider(asking, release))
        return std::unexpected(std::move(*refusal));
    if (auto refusal = refuse_retraction(release)) return std::unexpected(std::move(*refusal));

    // Never before the message itself: a claim may still wait for its T0.
    const Time fire_at = std::max(now, from_proto(release.head.fire_at())) + retraction_lead;
    v1::Event event;
    v1::RetractionArmed& armed = *event.mutable_retraction_armed();
    armed.set_release_id(release.id());
    armed.set_actor(asking.actor);
    armed.set_reason(request.reason());
    *armed.mutable_fire_at() = to_proto(fire_at);
    std::string problem;
    for (const Item& item : release.items) {
        if (item.retracts() || !item.may_be_public()) continue;
        const Ordered before = ordered(release, item);
        if (before.stands) continue;
        auto delivery = arm_retraction(release, item, before.count, fire_at);
        if (!delivery) {
            problem = delivery.error();
            continue;
        }
        if (item.delivery.kind() == "mastodon" && !item.delivery.receipt().empty())
            (*armed.mutable_in_reply_to())[delivery->delivery_id()] = item.delivery.receipt();
        *armed.add_deliveries() = std::move(*delivery);
    }
    // A second click adds nothing; one channel that can not carry it does not hold up the others.
    if (armed.deliveries().empty() && !problem.empty())
        return reject(Because::failed_precondition, "no_retraction", problem);
    if (!armed.deliveries().empty()) turn.add(std::move(event));
    return std::move(turn).done();
}

}  // namespace tocsin::publishing
