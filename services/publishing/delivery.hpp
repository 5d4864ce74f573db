// Deliveries: one channel's part in a release each, or in its retraction.
#pragma once

#include "content/channel.hpp"
#include "publishing/event.hpp"
#include "publishing/states.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::publishing {

// How long a request that posts something may take, on any channel.
inline constexpr std::chrono::milliseconds post_lifetime{15'000};
// A claim without an outcome is in doubt this long after its executor had to stop.
// It covers what the clocks of two leaders may differ by; an executor itself goes by
// `claim_asked_ns`.
inline constexpr Duration claim_margin = std::chrono::seconds{5};

// What deliveries have in common that send the same.
struct Armed {
    content::v1::Fixed fixed;
    content::v1::Rendition rendition;  // without its body
    std::string digest;                // of the body
};

// The signature of what a delivery sends, and the digest of both.
struct Signature {
    std::string element;
    std::string digest;
};

struct Delivery {
    // Without channel, rendition and fixed values, which are shared.
    v1::Delivery head{};
    // Where it goes, as that was when the release was planned, or changed since. Inactive where
    // the channel was removed or leads elsewhere since it was armed.
    std::shared_ptr<const v1::Channel> channel{};
    // Until it is armed: the channel is not as people approved it, and nothing goes there.
    bool apart = false;
    // Null until it is armed.
    std::shared_ptr<const Armed> armed{};
    // Set when it is armed: it is sent with a signature, or not at all.
    bool wants_signature = false;
    // Null until it is signed.
    std::shared_ptr<const Signature> signature{};
    // The longest text that its channel takes; 0: that of its kind.
    std::int64_t text_max = 0;
    // While it is armed: when it may be sent again; nothing before its first attempt.
    std::optional<Time> retry_at{};
    // Set from its first claim on.
    std::optional<Time> first_claimed_at{};
    // Of its last claim: how long its executor had from then on, and when that asked for it, by its
    // own monotonic clock.
    Duration claim_length{};
    std::int64_t claim_asked_ns = 0;
    // The first attempt that was in doubt; 0: none was. At most the number of attempts.
    int first_doubted = 0;
    // While it is unknown: the channel was queried without a clear answer.
    bool asked = false;
    // What the attempt in doubt came to, whatever was found out since.
    std::string last_answer{};
    // The channel's words, where it refused the attempt in doubt: they stand unless it is found.
    std::string refusal{};
    // That attempt repeated one in doubt: what it was refused for may be that it is there already.
    bool refused_repeat = false;

    const std::string& id() const { return head.delivery_id(); }
    v1::DeliveryState state() const { return head.state(); }
    bool is(v1::DeliveryState state) const { return head.state() == state; }
    bool retracts() const { return head.purpose() == v1::PURPOSE_RETRACTION; }
    const content::v1::Fixed& fixed() const;
    const content::Traits& traits() const { return content::traits_of(head.kind()); }
    // Of the exact bytes, once it is armed; empty before, and before they are signed.
    const std::string& digest() const;
    // What it sends is not fixed yet.
    bool is_unarmed() const { return publishing::is_unarmed(state()); }
    // Nothing more happens to it.
    bool settled() const { return publishing::settled(state()); }
    // The public has it, or may have it.
    bool may_be_public() const;
    // It was given up in doubt: a request that is still under way may yet be carried out.
    bool may_come_late() const { return doubted() && !is(v1::DELIVERY_STATE_CONFIRMED); }
    // Nobody ever had it, for certain.
    bool never_left() const { return !may_be_public() && !doubted(); }
    bool doubted() const { return first_doubted > 0; }
    // What corrects it may go to its channel now: no attempt at it is under way, and none may yet
    // be carried out. One that is armed is stopped by the very decision that lets the other go.
    bool lets_pass(Time now) const;
    // When its claim is over, though nobody recorded an outcome.
    Time claim_over() const { return runtime::from_proto(head.give_up_at()) + claim_margin; }
    // From when on nothing is under way any more that was started at the last moment.
    Time carried_out_by() const { return claim_over() + traits().carried_out_within; }
};

// The delivery that a retraction takes back, and the name of the retraction that is its `number`th.
std::string_view original_of(std::string_view retraction_id);
std::string retraction_id(std::string_view original_id, int number);

// ---- events; the move to another state is the release's: release_events.hpp

void evolve(Delivery& delivery, const v1::DeliveryPrepared& prepared);
void evolve(Delivery& delivery, const v1::DeliveriesClaimed& claimed, Time decided_at);
void evolve(Delivery& delivery, const v1::DeliverySettled& settled);
void evolve(Delivery& delivery, const v1::DeliveryUnknown& unknown);
void evolve(Delivery& delivery, const v1::DeliveryRearmed& rearmed);
void evolve(Delivery& delivery, const v1::RenditionSigned& made);

}  // namespace tocsin::publishing
