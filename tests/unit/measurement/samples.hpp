// Decisions of other services on one message: its draft, and its release to two channels.
#pragma once

#include "measurement/decider.hpp"
#include "support/given.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

namespace tocsin::measurement::samples {

using publishing::v1::Event;
using testing::at;
using testing::foreign;
using testing::Given;

// ---- drafting

inline drafting::v1::Event message_created() {
    drafting::v1::Event event;
    event.set_message_id("msg-1");
    auto& body = *event.mutable_message_created();
    body.set_agency("calgary");
    body.set_crossing_id("crx-1");
    return event;
}

// Concerns calgary and alberta, and the duty officers of banff.
inline drafting::v1::Event joint_message() {
    drafting::v1::Event event = message_created();
    auto& body = *event.mutable_message_created();
    for (const char* agency : {"calgary", "alberta"}) body.mutable_draft()->add_agencies(agency);
    for (const char* agency : {"calgary", "alberta", "banff"}) body.add_incident_agencies(agency);
    return event;
}

inline Given<Decider> joint_draft() {
    Given<Decider> given;
    given.when(foreign<drafting::v1::Event>("drafting", "bow", {joint_message()}, at(8)));
    return given;
}

// ---- publishing

// States of deliveries, and of the release.
inline constexpr auto confirmed = publishing::v1::DELIVERY_STATE_CONFIRMED;
inline constexpr auto refused = publishing::v1::DELIVERY_STATE_REFUSED;
inline constexpr auto released = publishing::v1::RELEASE_STATE_RELEASED;
inline constexpr auto retracted = publishing::v1::RELEASE_STATE_RETRACTED;

inline publishing::v1::Delivery delivery(
    const std::string& id, const std::string& channel,
    publishing::v1::Purpose purpose = publishing::v1::PURPOSE_MESSAGE) {
    publishing::v1::Delivery result;
    result.set_delivery_id(id);
    result.set_channel_id(channel);
    result.set_kind(channel.substr(0, channel.find('-')));
    result.set_agency_id("calgary");
    result.set_purpose(purpose);
    return result;
}

inline Event of_release() {
    Event event;
    event.set_release_id("rel-1");
    return event;
}

inline Event of_delivery(const std::string& id) {
    Event event = of_release();
    event.add_delivery_ids(id);
    return event;
}

inline Event planned() {
    Event event = of_release();
    auto& release = *event.mutable_release_planned()->mutable_release();
    release.set_release_id("rel-1");
    release.set_message_id("msg-1");
    *release.add_deliveries() = delivery("d1", "feed-public");
    *release.add_deliveries() = delivery("d2", "mastodon-city");
    return event;
}

inline Event armed(const std::vector<std::string>& ids = {"d1", "d2"}) {
    Event event = of_release();
    auto& body = *event.mutable_release_armed();
    for (const std::string& id : ids)
        *body.add_deliveries() = delivery(id, id == "d1" ? "feed-public" : "mastodon-city");
    return event;
}

inline Event stragglers_armed(const std::string& id) {
    Event event = of_delivery(id);
    *event.mutable_stragglers_armed()->add_deliveries() = delivery(id, "mastodon-city");
    return event;
}

inline Event skipped(const std::string& id) {
    Event event = of_delivery(id);
    event.mutable_deliveries_skipped();
    return event;
}

inline Event settled(const std::string& id, publishing::v1::DeliveryState state, int written,
                     int confirmed_at) {
    Event event = of_delivery(id);
    auto& body = *event.mutable_delivery_settled();
    body.set_state(state);
    if (written >= 0) *body.mutable_written_at() = runtime::to_proto(at(written));
    if (confirmed_at >= 0) *body.mutable_confirmed_at() = runtime::to_proto(at(confirmed_at));
    return event;
}

inline Event claimed(const std::string& id) {
    Event event = of_delivery(id);
    event.mutable_deliveries_claimed();
    return event;
}

inline Event unknown(const std::string& id) {
    Event event = of_delivery(id);
    event.mutable_delivery_unknown()->set_reason("no answer");
    return event;
}

inline Event rearmed(const std::string& id) {
    Event event = of_delivery(id);
    event.mutable_delivery_rearmed();
    return event;
}

inline Event retraction_armed() {
    Event event = of_release();
    auto& body = *event.mutable_retraction_armed();
    body.set_reason("wrong bridge");
    *body.add_deliveries() = delivery("r1", "feed-public", publishing::v1::PURPOSE_RETRACTION);
    *body.add_deliveries() = delivery("r2", "mastodon-city", publishing::v1::PURPOSE_RETRACTION);
    return event;
}

inline Event completed(publishing::v1::ReleaseState state, double skew_ms) {
    Event event = of_release();
    auto& body = *event.mutable_release_completed();
    body.set_state(state);
    body.set_skew_ms(skew_ms);
    return event;
}

inline runtime::Foreign publishing(std::vector<Event> events, int seconds) {
    return foreign<Event>("publishing", "bow", std::move(events), at(seconds));
}

}  // namespace tocsin::measurement::samples
