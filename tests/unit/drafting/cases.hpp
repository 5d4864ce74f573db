// What drafting's ledger holds, its commands, and what other services decide, for tests to vary.
#pragma once

#include "content/content.hpp"
#include "drafting/decider.hpp"
#include "support/given.hpp"
#include "support/sample_message.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::drafting::cases {

namespace samples = content::samples;
using testing::foreign;
using Case = testing::Given<Decider>;

// Enough to be written, too little to be submitted.
inline content::v1::Draft rough_draft() {
    content::v1::Draft draft;
    draft.set_title("Bow River");
    draft.add_agencies("calgary");
    draft.add_agencies("alberta");
    return draft;
}

inline v1::Event incident() {
    v1::Event event;
    auto& opened = *event.mutable_incident_opened()->mutable_incident();
    opened.set_incident_id("inc-1");
    for (const char* agency : {"calgary", "alberta"}) opened.add_agencies(agency);
    return event;
}

// A template of the sample with one gap that a reading fills.
inline v1::Event stored_template(const char* gap = "{{value}}") {
    v1::Event event;
    auto& stored = *event.mutable_template_stored()->mutable_template_();
    stored.set_template_id("flood");
    stored.set_version(1);
    stored.set_agency("calgary");
    stored.set_expires_after_seconds(3600 * 6);
    *stored.mutable_draft() = samples::make_draft();
    stored.mutable_draft()->clear_expires();
    stored.mutable_draft()->clear_evidence();
    for (auto& text : *stored.mutable_draft()->mutable_texts())
        text.set_description(text.description() + " " + gap);
    return event;
}

inline v1::Event rough_template() {
    v1::Event event = stored_template();
    auto& draft = *event.mutable_template_stored()->mutable_template_()->mutable_draft();
    draft = rough_draft();
    draft.set_title("Bow River at {{value}}");
    return event;
}

inline v1::Event message(content::v1::Draft draft = samples::make_draft()) {
    v1::Event event = event_of("msg-1");
    auto& created = *event.mutable_message_created();
    created.set_incident_id("inc-1");
    created.set_agency("calgary");
    created.set_author("ana");
    *created.mutable_draft() = std::move(draft);
    created.set_message_type(content::v1::MESSAGE_TYPE_ALERT);
    return event;
}

inline v1::Event revised(const char* author, int revision) {
    v1::Event event = event_of("msg-1");
    event.mutable_message_revised()->set_revision(revision);
    event.mutable_message_revised()->set_author(author);
    *event.mutable_message_revised()->mutable_draft() = samples::make_draft();
    return event;
}

inline v1::Command create(const content::v1::Draft& draft = rough_draft()) {
    v1::Command command;
    command.mutable_create_message()->set_incident_id("inc-1");
    *command.mutable_create_message()->mutable_draft() = draft;
    return command;
}

inline v1::Command create_from_template() {
    v1::Command command;
    command.mutable_create_message()->set_incident_id("inc-1");
    command.mutable_create_message()->set_template_id("flood");
    (*command.mutable_create_message()->mutable_values())["value"] = "1 084";
    return command;
}

inline v1::Command create_incident(std::vector<std::string> agencies = {}) {
    v1::Command command;
    command.mutable_create_incident()->set_kind("flood");
    for (auto& agency : agencies) command.mutable_create_incident()->add_agencies(agency);
    return command;
}

inline v1::Command put_template(const char* etag = "") {
    v1::Command command;
    auto& put = *command.mutable_put_template();
    put.set_template_id("flood");
    put.set_etag(etag);
    put.set_expires_after_seconds(3600);
    *put.mutable_draft() = samples::make_draft();
    put.mutable_draft()->clear_onset();
    put.mutable_draft()->clear_expires();
    put.mutable_draft()->clear_evidence();
    put.mutable_draft()->set_title("at {{value}} {{unit}}");
    return command;
}

inline v1::Command revise(const std::string& etag, content::v1::Draft draft = rough_draft()) {
    v1::Command command;
    command.mutable_revise_message()->set_message_id("msg-1");
    command.mutable_revise_message()->set_etag(etag);
    *command.mutable_revise_message()->mutable_draft() = std::move(draft);
    return command;
}

inline v1::Command submit(const std::string& etag, std::vector<std::string> acknowledged = {}) {
    v1::Command command;
    command.mutable_submit_message()->set_message_id("msg-1");
    command.mutable_submit_message()->set_etag(etag);
    for (auto& code : acknowledged)
        command.mutable_submit_message()->add_acknowledged_warnings(code);
    return command;
}

inline v1::Command withdraw() {
    v1::Command command;
    command.mutable_withdraw_message()->set_message_id("msg-1");
    command.mutable_withdraw_message()->set_reason("no flood after all");
    return command;
}

inline runtime::Foreign returned(const char* id = "msg-1") {
    approval::v1::Event event;
    event.set_message_id(id);
    event.mutable_review_returned()->set_actor("ben");
    event.mutable_review_returned()->set_reason("say which bank");
    return foreign<approval::v1::Event>("approval", "bow", {event});
}

// Its release ended before anything was public; `actor`: the person who stopped it.
inline runtime::Foreign back_from_release(std::int64_t round = 1, const char* actor = "",
                                          bool as_it_is = true) {
    publishing::v1::Event event;
    event.set_release_id("rel-1");
    publishing::v1::TextReturned text;
    text.set_message_id("msg-1");
    text.set_round(round);
    text.set_stopped_by(actor);
    text.set_as_it_is(as_it_is);
    if (*actor == 0) {
        event.mutable_release_ended()->set_reason("No channel was ready.");
        *event.mutable_release_ended()->mutable_returned() = text;
    } else {
        event.mutable_release_cancelled()->set_actor(actor);
        event.mutable_release_cancelled()->set_reason("wrong river");
        *event.mutable_release_cancelled()->mutable_returned() = text;
    }
    return testing::foreign<publishing::v1::Event>("publishing", "bow", {event});
}

inline runtime::Foreign rejected() {
    approval::v1::Event event;
    event.set_message_id("msg-1");
    event.mutable_review_rejected();
    return foreign<approval::v1::Event>("approval", "bow", {event});
}

inline content::v1::Reference alert(const std::string& identifier) {
    content::v1::Reference alert;
    alert.set_sender("alerts@example.org");
    alert.set_identifier(identifier);
    alert.set_sent("2026-06-20T18:00:00-00:00");
    return alert;
}

inline v1::Event update_of(const content::v1::Reference& reference) {
    v1::Event event = message();
    event.mutable_message_created()->set_message_type(content::v1::MESSAGE_TYPE_UPDATE);
    *event.mutable_message_created()->add_references() = reference;
    return event;
}

// Identifiers end with the agency.
inline runtime::Foreign published(const std::vector<std::string>& identifiers,
                                  const std::string& release_id = "rel-1",
                                  Time expires = samples::now + std::chrono::hours{1}) {
    publishing::v1::Event event;
    event.set_release_id(release_id);
    auto& claimed = *event.mutable_deliveries_claimed();
    for (const std::string& identifier : identifiers) {
        content::v1::PublishedAlert& published = *claimed.add_alerts();
        *published.mutable_reference() = alert(identifier);
        published.set_agency_id(identifier.substr(identifier.rfind('-') + 1));
    }
    claimed.set_message_id("msg-of-" + release_id);
    *claimed.mutable_expires() = runtime::to_proto(expires);
    return foreign<publishing::v1::Event>("publishing", "bow", {event});
}

inline trigger::v1::Event crossed(const char* crossing_id = "x-1") {
    trigger::v1::Event event;
    event.set_rule_id("bow-high");
    auto& body = *event.mutable_rule_crossed();
    body.mutable_crossing()->set_crossing_id(crossing_id);
    body.mutable_crossing()->set_rule_id("bow-high");
    body.mutable_crossing()->set_incident_id("inc-1");
    *body.mutable_crossing()->add_evidence() = samples::make_evidence();
    body.set_template_id("flood");
    body.set_agency_id("calgary");
    body.set_time_zone("America/Edmonton");
    return event;
}

inline runtime::Foreign crossing(const trigger::v1::Event& event = crossed()) {
    return foreign<trigger::v1::Event>("trigger", "bow", {event}, samples::now);
}

// A webhook of that agency, as drafting follows it.
inline v1::Event channel(const char* id = "hook", const char* agency = "calgary") {
    v1::Event event;
    auto& followed = *event.mutable_channel_followed();
    followed.set_agency_id(agency);
    followed.mutable_destination()->set_channel_id(id);
    followed.mutable_destination()->set_kind("webhook");
    followed.mutable_destination()->set_url("https://hook.example.org");
    followed.mutable_destination()->set_account("hook-account");
    return event;
}

// Each agency has a channel beside what happened.
inline Case given(std::vector<v1::Event> events = {incident(), message()}) {
    events.push_back(channel());
    events.push_back(channel("siren", "alberta"));
    return Case(std::move(events), samples::now);
}

inline Case& ana(Case& test) { return test.by("ana", "calgary", {"author"}); }
inline Case& ben(Case& test) { return test.by("ben", "alberta", {"duty-officer"}); }
inline Case& stranger(Case& test) { return test.by("zoe", "police", {"author"}); }

inline const Message& only(const Case& test) { return test.state().messages.begin()->second; }

// ---- crossings that are tried again

// Until when anything is drafted from the crossings below.
inline const Time until = samples::now + std::chrono::hours{3};

inline trigger::v1::Event crossed_until(Time draft_until = until, const std::string& id = "x-1") {
    trigger::v1::Event event = crossed(id.c_str());
    *event.mutable_rule_crossed()->mutable_draft_until() = runtime::to_proto(draft_until);
    return event;
}

inline trigger::v1::Event retried(const char* template_id, Time draft_until = until) {
    trigger::v1::Event event;
    event.set_rule_id("bow-high");
    *event.mutable_crossing_retried() = crossed_until(draft_until).rule_crossed();
    event.mutable_crossing_retried()->set_template_id(template_id);
    return event;
}

inline v1::Event template_named(const char* id) {
    v1::Event event = stored_template();
    event.mutable_template_stored()->mutable_template_()->set_template_id(id);
    return event;
}

// The timer that tries again, not the one that says that it is too late.
inline std::optional<runtime::Due<v1::Command>> attempt_due(const State& state) {
    auto due = Decider::next_due(state);
    if (due && due->at >= until) due.reset();
    return due;
}

// As the ledger does, as its own service.
inline Case& fire(Case& test) {
    const auto next = Decider::next_due(test.state());
    EXPECT_TRUE(next);
    test.by("service:drafting", "", {"service"});
    return next ? test.when(next->command) : test;
}

inline std::string reason_of(const Case& test) {
    EXPECT_EQ(test.events().size(), 1u);
    return test.events().at(0).crossing_refused().reason();
}

inline bool says(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace tocsin::drafting::cases
