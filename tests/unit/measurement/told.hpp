// Publishing's decisions on one release of two channels, as the tests tell them.
#pragma once

#include "support/given.hpp"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

namespace tocsin::measurement::told {

using publishing::v1::Event;
using testing::at;

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

inline Event planned() {
    Event event;
    auto& release = *event.mutable_release_planned()->mutable_release();
    release.set_release_id("rel-1");
    release.set_message_id("msg-1");
    *release.add_deliveries() = delivery("d1", "feed-public");
    *release.add_deliveries() = delivery("d2", "mastodon-city");
    return event;
}

inline Event armed(const std::vector<std::string>& ids = {"d1", "d2"}) {
    Event event;
    auto& body = *event.mutable_release_armed();
    body.set_release_id("rel-1");
    for (const std::string& id : ids)
        *body.add_deliveries() = delivery(id, id == "d1" ? "feed-public" : "mastodon-city");
    return event;
}

inline Event settled(const std::string& id, const std::string& state, int written, int confirmed) {
    Event event;
    auto& body = *event.mutable_delivery_settled();
    body.set_release_id("rel-1");
    body.set_delivery_id(id);
    body.set_state(state);
    if (written >= 0) *body.mutable_written_at() = runtime::to_proto(at(written));
    if (confirmed >= 0) *body.mutable_confirmed_at() = runtime::to_proto(at(confirmed));
    return event;
}

inline Event claimed(const std::string& id) {
    Event event;
    event.mutable_deliveries_claimed()->set_release_id("rel-1");
    event.mutable_deliveries_claimed()->add_delivery_ids(id);
    return event;
}

inline Event unknown(const std::string& id) {
    Event event;
    event.mutable_delivery_unknown()->set_release_id("rel-1");
    event.mutable_delivery_unknown()->set_delivery_id(id);
    event.mutable_delivery_unknown()->set_reason("no answer");
    return event;
}

inline Event rearmed(const std::string& id) {
    Event event;
    event.mutable_delivery_rearmed()->set_release_id("rel-1");
    event.mutable_delivery_rearmed()->set_delivery_id(id);
    return event;
}

inline Event retraction_armed() {
    Event event;
    auto& body = *event.mutable_retraction_armed();
    body.set_release_id("rel-1");
    body.set_reason("wrong bridge");
    *body.add_deliveries() = delivery("r1", "feed-public", publishing::v1::PURPOSE_RETRACTION);
    *body.add_deliveries() = delivery("r2", "mastodon-city", publishing::v1::PURPOSE_RETRACTION);
    return event;
}

inline Event completed(const std::string& state, double skew_ms) {
    Event event;
    auto& body = *event.mutable_release_completed();
    body.set_release_id("rel-1");
    body.set_state(state);
    body.set_skew_ms(skew_ms);
    return event;
}

inline runtime::Foreign publishing(std::vector<Event> events, int seconds) {
    return testing::foreign<Event>("publishing", "bow", std::move(events), at(seconds));
}

}  // namespace tocsin::measurement::told
