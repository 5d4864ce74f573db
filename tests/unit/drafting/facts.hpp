// What the ledgers of drafting, approval and publishing say of one message, as the view folds them.
#pragma once

#include "drafting/event.hpp"
#include "drafting/view.hpp"
#include "support/given.hpp"
#include "texts/enum_names.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::drafting::facts {

using testing::at;
using enum publishing::v1::ReleaseState;
using enum v1::MessageState;

struct Fact {
    std::string service;
    std::string event;
};

inline Fact fact(const v1::Event& event) { return {"drafting", event.SerializeAsString()}; }
inline Fact fact(const approval::v1::Event& event) {
    return {"approval", event.SerializeAsString()};
}
inline Fact fact(const publishing::v1::Event& event) {
    return {"publishing", event.SerializeAsString()};
}

inline approval::v1::Event of_review() {
    approval::v1::Event event;
    event.set_message_id("m");
    return event;
}
inline publishing::v1::Event of_release() {
    publishing::v1::Event event;
    event.set_release_id("r");
    return event;
}

inline Fact created(const char* id = "m") {
    v1::Event event = event_of(id);
    event.mutable_message_created()->set_incident_id("inc-1");
    return fact(event);
}
inline Fact submitted(const char* id = "m") {
    v1::Event event = event_of(id);
    event.mutable_message_submitted()->set_content("bytes");
    event.mutable_message_submitted()->set_digest("digest");
    return fact(event);
}
inline Fact handed_back() {
    v1::Event event = event_of("m");
    event.mutable_message_returned()->set_reason("which bank?");
    return fact(event);
}
inline Fact closed() {
    v1::Event event = event_of("m");
    event.mutable_message_closed();
    return fact(event);
}
inline Fact withdrawn() {
    v1::Event event = event_of("m");
    event.mutable_message_withdrawn();
    return fact(event);
}
inline Fact opened() {
    approval::v1::Event event = of_review();
    event.mutable_review_opened()->mutable_review()->set_message_id("m");
    return fact(event);
}
inline Fact fact_of_return() {
    approval::v1::Event event = of_review();
    event.mutable_review_returned()->set_reason("which bank?");
    return fact(event);
}
inline Fact fact_of_rejection() {
    approval::v1::Event event = of_review();
    event.mutable_review_rejected();
    return fact(event);
}
inline Fact cleared() {
    approval::v1::Event event = of_review();
    event.mutable_cleared();
    return fact(event);
}
// Its release gave the text back.
inline Fact given_back() {
    v1::Event event = event_of("m");
    event.mutable_message_returned()->set_release_id("r");
    event.mutable_message_returned()->set_reason("no channel");
    return fact(event);
}
inline Fact planned(std::int64_t round = 1) {
    publishing::v1::Event event = of_release();
    event.mutable_release_planned()->mutable_release()->set_release_id("r");
    event.mutable_release_planned()->mutable_release()->set_round(round);
    event.mutable_release_planned()->mutable_release()->set_message_id("m");
    return fact(event);
}
inline Fact armed() {
    publishing::v1::Event event = of_release();
    event.mutable_release_armed();
    return fact(event);
}
inline Fact claimed() {
    publishing::v1::Event event = of_release();
    event.mutable_deliveries_claimed();
    return fact(event);
}
inline Fact superseded(const char* by = "later") {
    publishing::v1::Event event = of_release();
    event.mutable_release_superseded()->set_by(by);
    return fact(event);
}
inline Fact completed(publishing::v1::ReleaseState state) {
    publishing::v1::Event event = of_release();
    event.mutable_release_completed()->set_state(state);
    return fact(event);
}
inline Fact stopped() {
    publishing::v1::Event event = of_release();
    event.mutable_release_cancelled()->set_reason("wrong river");
    return fact(event);
}
inline Fact ended(publishing::v1::ReleaseState state) {
    publishing::v1::Event event = of_release();
    event.mutable_release_ended()->set_state(state);
    return fact(event);
}

inline void apply(DraftingView& view, const Fact& what, std::int64_t seconds = 0) {
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    decision.mutable_accepted()->add_events(what.event);
    view.apply({what.service, 0, 0, at(seconds), decision, true});
}

inline v1::Message shown(const DraftingView& view, const char* id = "m") {
    return view.read("bow",
                     [&](const Realm& realm) { return realm.message(id).value_or(v1::Message{}); });
}

// As people see it.
inline v1::MessageState state_of(const DraftingView& view) { return shown(view).state(); }

inline v1::MessageState state_after(const std::vector<Fact>& facts) {
    DraftingView view(1);
    for (const Fact& each : facts) apply(view, each);
    return state_of(view);
}

// Calls `use` with every interleaving of the ledgers that keeps each ledger's own order.
inline void interleave(std::vector<std::vector<Fact>> ledgers, std::vector<Fact> so_far,
                       const std::function<void(const std::vector<Fact>&)>& use) {
    bool done = true;
    for (std::size_t i = 0; i < ledgers.size(); ++i) {
        if (ledgers[i].empty()) continue;
        done = false;
        auto rest = ledgers;
        auto next = so_far;
        next.push_back(rest[i].front());
        rest[i].erase(rest[i].begin());
        interleave(std::move(rest), std::move(next), use);
    }
    if (done) use(so_far);
}

inline void expect_in_any_order(const std::vector<std::vector<Fact>>& ledgers,
                                v1::MessageState state) {
    int orders = 0;
    interleave(ledgers, {}, [&](const std::vector<Fact>& order) {
        ++orders;
        DraftingView view(1);
        for (const Fact& each : order) apply(view, each);
        std::string names;
        for (const Fact& each : order) names += each.service + " ";
        EXPECT_EQ(state_of(view), state) << names;
    });
    EXPECT_GT(orders, 1);
}

inline std::vector<std::string> listed(const DraftingView& view, std::string_view incident_id = {},
                                       v1::MessageState state = v1::MESSAGE_STATE_UNSPECIFIED) {
    return view.read("bow", [&](const Realm& realm) {
        std::vector<std::string> ids;
        realm.messages(incident_id, state, 0,
                       [&](std::int64_t, const std::string& id, const Standing&) {
                           ids.push_back(id);
                           return true;
                       });
        return ids;
    });
}

}  // namespace tocsin::drafting::facts
