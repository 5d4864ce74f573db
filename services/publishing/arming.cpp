// Arming fixes everything that goes out: the bytes are the same in every attempt from then on.
#include "content/cap.hpp"
#include "content/channels/channel.hpp"
#include "content/content.hpp"
#include "publishing/steps.hpp"
#include "runtime/digest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {

using runtime::to_proto;

std::string permalink(const Release& release, std::string_view identifier) {
    return fmt::format("{}/feeds/{}/alerts/{}.xml", release.feed_base_url,
                       content::parse(release.content)->realm(), identifier);
}

std::string delivery_key(const Release& release, const v1::Delivery& delivery) {
    const std::string_view purpose =
        delivery.purpose() == v1::PURPOSE_RETRACTION ? "retraction" : "message";
    std::string name = release.id();
    name.append(1, '\0').append(delivery.delivery_id()).append(1, '\0').append(purpose);
    // Hexadecimal: a webhook id may not have dots, an HTTP header not much else.
    return runtime::hex(runtime::sha256(name));
}

static std::string identifier_of(const Release& release, const std::string& agency) {
    return fmt::format("tocsin-{}-{}", release.id(), agency);
}

// The alert on the public feed that a delivery links to: its agency's own, else any of the release.
static std::string linked_agency(const Release& release, const v1::Delivery& delivery) {
    std::string other;
    for (const Item& item : release.items) {
        if (item.delivery.kind() != "feed" || item.retracts()) continue;
        if (!item.is("ready") && !item.is("armed")) continue;
        if (item.delivery.agency_id() == delivery.agency_id()) return delivery.agency_id();
        if (other.empty()) other = item.delivery.agency_id();
    }
    return other;
}

content::v1::Fixed fix(const Release& release, const v1::Delivery& delivery, Time fire_at) {
    content::v1::Fixed fixed;
    const std::string& agency = delivery.agency_id();
    fixed.set_release_id(release.id());
    fixed.set_agency(agency);
    fixed.set_identifier(identifier_of(release, agency));
    if (const auto sender = release.senders.find(agency); sender != release.senders.end())
        fixed.set_sender(sender->second);
    if (const auto name = release.sender_names.find(agency); name != release.sender_names.end())
        *fixed.mutable_sender_names() = name->second.names();
    const Time second = std::chrono::floor<std::chrono::seconds>(fire_at);
    fixed.set_sent(content::cap_time(to_proto(second)));
    *fixed.mutable_fire_at() = to_proto(fire_at);
    const std::string linked = linked_agency(release, delivery);
    if (!linked.empty())
        fixed.set_permalink(permalink(release, identifier_of(release, linked)));
    else
        fixed.set_permalink(content::parse(release.content)->draft().web());
    return fixed;
}

std::expected<content::v1::Rendition, std::string> render(const Release& release, const Item& item,
                                                          const content::v1::Fixed& fixed) {
    const content::ChannelKind* kind = content::find_kind(item.delivery.kind());
    if (!kind)
        return std::unexpected(fmt::format("There is no channel kind {}.", item.delivery.kind()));
    content::Limits limits = kind->limits;
    if (item.text_max > 0) limits.text_max = item.text_max;
    const auto content = content::parse(release.content);
    if (!content) return std::unexpected(content.error());
    auto rendition = kind->render(*content, item.delivery.language(), fixed, limits);
    if (!rendition) return std::unexpected(rendition.error().text);
    return std::move(*rendition);
}

std::expected<content::v1::Rendition, std::string> trial(const Release& release, const Item& item,
                                                         Time now) {
    return render(release, item, fix(release, item.delivery, now));
}

void end(Turn& turn, std::string state, std::string reason) {
    v1::Event event;
    v1::ReleaseEnded& ended = *event.mutable_release_ended();
    ended.set_release_id(turn.release.id());
    ended.set_state(std::move(state));
    ended.set_reason(std::move(reason));
    turn.add(std::move(event));
}

static void refuse(Turn& turn, const std::string& delivery_id, const std::string& reason) {
    v1::Event event;
    v1::DeliverySettled& settled = *event.mutable_delivery_settled();
    settled.set_release_id(turn.release.id());
    settled.set_delivery_id(delivery_id);
    settled.set_state("refused");
    settled.set_reason(reason);
    turn.add(std::move(event));
}

void arm(Turn& turn) {
    const Time earliest = turn.now + turn.release.arm_lead;
    const Time fire_at = std::max(turn.release.release_at.value_or(earliest), earliest);
    v1::Event event;
    v1::ReleaseArmed& armed = *event.mutable_release_armed();
    armed.set_release_id(turn.release.id());
    *armed.mutable_fire_at() = to_proto(fire_at);
    const Release before = turn.release;
    for (const Item& item : before.items) {
        if (!item.is("ready")) continue;
        v1::Delivery delivery = item.delivery;
        *delivery.mutable_fixed() = fix(before, delivery, fire_at);
        auto rendition = render(before, item, delivery.fixed());
        if (!rendition) {
            refuse(turn, item.id(), rendition.error());
            continue;
        }
        *delivery.mutable_rendition() = std::move(*rendition);
        delivery.set_idempotency_key(delivery_key(before, delivery));
        delivery.clear_reason();
        delivery.set_state("armed");
        (*armed.mutable_identifiers())[delivery.agency_id()] = delivery.fixed().identifier();
        *armed.add_deliveries() = std::move(delivery);
    }
    if (fire_at >= before.expires)
        return end(turn, "expired", "The message expires before it could be released.");
    if (armed.deliveries().empty())
        return end(turn, "aborted", "No channel can carry the message as it was approved.");
    turn.add(std::move(event));
}

}  // namespace tocsin::publishing
