#include "publishing/delivery.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {

const content::v1::Fixed& Delivery::fixed() const {
    return armed ? armed->fixed : content::v1::Fixed::default_instance();
}

const std::string& Delivery::digest() const {
    static const std::string none;
    if (signature) return signature->digest;
    return armed && !wants_signature ? armed->digest : none;
}

bool Delivery::may_be_public() const {
    if (is(v1::DELIVERY_STATE_CONFIRMED) || is(v1::DELIVERY_STATE_UNKNOWN) ||
        is(v1::DELIVERY_STATE_CLAIMED))
        return true;
    // A channel that cannot be queried may still have the first attempt, however repeats ended.
    if (!traits().can_be_queried && doubted()) return true;
    return traits().public_from_claim && head.attempts() > 0;
}

bool Delivery::lets_pass(Time now) const {
    const bool waits = is_unarmed() || is(v1::DELIVERY_STATE_ARMED);
    if ((settled() || waits) && !may_come_late()) return true;
    // It is shown from T0 on without anybody doing anything.
    if (traits().public_from_claim && head.attempts() > 0) return true;
    const bool ended = settled() || waits || (is(v1::DELIVERY_STATE_UNKNOWN) && asked);
    // Started at the last moment, it may still be carried out.
    return ended && now >= carried_out_by();
}

static constexpr std::string_view cancel_mark = ":cancel";

std::string_view original_of(std::string_view retraction_id) {
    return retraction_id.substr(0, retraction_id.find(cancel_mark));
}

std::string retraction_id(std::string_view original_id, int number) {
    return fmt::format("{}{}{}", original_id, cancel_mark,
                       number == 1 ? std::string{} : fmt::format(":{}", number));
}

// ---- events

void evolve(Delivery& delivery, const v1::DeliveryPrepared& prepared) {
    delivery.head.set_reason(prepared.reason());
    delivery.text_max = prepared.text_max();
}

void evolve(Delivery& delivery, const v1::DeliveriesClaimed& claimed, Time decided_at) {
    delivery.head.set_executor(claimed.executor());
    delivery.head.set_attempts(claimed.attempt());
    *delivery.head.mutable_give_up_at() = claimed.give_up_at();
    delivery.retry_at.reset();
    delivery.asked = false;
    delivery.last_answer.clear();
    delivery.refusal.clear();
    if (!delivery.first_claimed_at) delivery.first_claimed_at = decided_at;
    delivery.claim_length = runtime::from_proto(claimed.give_up_at()) - decided_at;
    delivery.claim_asked_ns = claimed.asked_at_ns();
}

void evolve(Delivery& delivery, const v1::DeliverySettled& settled) {
    v1::Delivery& head = delivery.head;
    head.set_reason(settled.reason());
    if (!settled.url().empty()) head.set_url(settled.url());
    if (!settled.receipt().empty()) head.set_receipt(settled.receipt());
    if (settled.has_written_at()) *head.mutable_written_at() = settled.written_at();
    if (settled.has_confirmed_at()) *head.mutable_confirmed_at() = settled.confirmed_at();
    delivery.retry_at.reset();
    delivery.last_answer.clear();
    // The one request in doubt was refused, and nothing of it was found; or somebody looked.
    const bool refused = settled.state() == v1::DELIVERY_STATE_REFUSED &&
                         !delivery.refusal.empty() && !delivery.refused_repeat;
    const bool resolved =
        !settled.resolved_by().empty() && settled.state() != v1::DELIVERY_STATE_CONFIRMED;
    if (refused || resolved) delivery.first_doubted = 0;
}

void evolve(Delivery& delivery, const v1::DeliveryUnknown& unknown) {
    v1::Delivery& head = delivery.head;
    if (unknown.refused_unless_found()) {
        delivery.refusal = unknown.reason();
        delivery.refused_repeat = delivery.doubted() && delivery.first_doubted < head.attempts();
    }
    if (!delivery.doubted()) delivery.first_doubted = head.attempts();
    if (!unknown.asked()) delivery.last_answer = unknown.reason();
    delivery.asked = delivery.asked || unknown.asked();
    head.set_reason(unknown.reason());
    if (unknown.has_written_at()) *head.mutable_written_at() = unknown.written_at();
}

void evolve(Delivery& delivery, const v1::DeliveryRearmed& rearmed) {
    delivery.head.set_reason(rearmed.reason());
    delivery.head.clear_written_at();
    delivery.retry_at = runtime::from_proto(rearmed.retry_at());
}

void evolve(Delivery& delivery, const v1::RenditionSigned& made) {
    delivery.signature =
        std::make_shared<const Signature>(Signature{made.signature(), made.digest()});
}

}  // namespace tocsin::publishing
