// A realm of two agencies and one message, with its people and their commands, for tests to vary.
#pragma once

#include "approval/decider.hpp"
#include "content/content.hpp"
#include "content/publishers.hpp"
#include "support/given.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::approval::samples {

using testing::foreign;
using Case = testing::Given<Decider>;

inline constexpr auto id = "msg-1";

inline void add_person(v1::Roster& roster, const char* subject, const char* agency,
                       std::vector<std::string> roles) {
    v1::Person& person = *roster.add_people();
    person.set_subject(subject);
    person.set_agency_id(agency);
    for (auto& role : roles) person.add_roles(role);
}

inline v1::Roster roster() {
    v1::Roster roster;
    for (const char* agency : {"calgary", "police"}) {
        v1::Agency& added = *roster.add_agencies();
        added.set_agency_id(agency);
        added.set_cap_sender(std::string(agency) + ".example");
        (*added.mutable_names())["en-CA"] = agency;
    }
    add_person(roster, "root", "calgary", {"admin"});
    add_person(roster, "ana", "calgary", {"author", "approver"});
    add_person(roster, "ben", "calgary", {"approver"});
    add_person(roster, "cleo", "calgary", {"duty-officer"});
    add_person(roster, "dan", "calgary", {"analyst"});
    add_person(roster, "pia", "police", {"approver"});
    add_person(roster, "pol", "police", {"approver"});
    return roster;
}

inline v1::Event imported(const v1::Roster& with = roster()) {
    v1::Event event;
    *event.mutable_roster_imported()->mutable_roster() = with;
    return event;
}

inline std::string content_bytes(std::vector<std::string> agencies,
                                 const char* headline = "Flood") {
    content::Content content;
    content.set_message_id(id);
    content.set_realm("bow");
    content.mutable_draft()->set_severity(content::v1::SEVERITY_SEVERE);
    for (auto& agency : agencies) {
        content.mutable_draft()->add_agencies(agency);
        content::Publisher& publisher = *content.add_publishers();
        publisher.set_agency_id(agency);
        publisher.set_cap_sender(agency + ".example");
        (*publisher.mutable_names())["en-CA"] = agency;
    }
    content.mutable_draft()->add_texts()->set_headline(headline);
    return content::serialise(content);
}

inline drafting::v1::Event submitted(const std::string& bytes,
                                     std::vector<std::string> editors = {"ana"}) {
    drafting::v1::Event event;
    event.set_message_id(id);
    auto& body = *event.mutable_message_submitted();
    body.set_content(bytes);
    body.set_digest(content::digest(bytes));
    for (auto& editor : editors) body.add_editors(editor);
    return event;
}

inline runtime::Foreign submission(std::vector<std::string> agencies = {"calgary"},
                                   const char* headline = "Flood", std::int64_t round = 1,
                                   std::vector<std::string> editors = {"ana"},
                                   const char* stopper = "") {
    drafting::v1::Event event = submitted(content_bytes(agencies, headline), std::move(editors));
    event.mutable_message_submitted()->set_round(round);
    if (*stopper != 0) event.mutable_message_submitted()->add_stoppers(stopper);
    return foreign<drafting::v1::Event>("drafting", "bow", {event});
}

inline std::string digest_of(std::vector<std::string> agencies = {"calgary"},
                             const char* headline = "Flood") {
    return content::digest(content_bytes(agencies, headline));
}

inline v1::Command approve(const std::string& digest = digest_of()) {
    v1::Command command;
    command.mutable_approve()->set_message_id(id);
    command.mutable_approve()->set_digest(digest);
    return command;
}

inline v1::Command request_changes() {
    v1::Command command;
    command.mutable_request_changes()->set_message_id(id);
    command.mutable_request_changes()->set_reason("say which bank");
    return command;
}

inline v1::Command refuse() {
    v1::Command command;
    command.mutable_reject()->set_message_id(id);
    command.mutable_reject()->set_reason("not ours");
    return command;
}

inline v1::Command take_back() {
    v1::Command command;
    command.mutable_take_back()->set_message_id(id);
    command.mutable_take_back()->set_reason("a typo");
    return command;
}

inline v1::Command import(const v1::Roster& with) {
    v1::Command command;
    *command.mutable_import_roster()->mutable_roster() = with;
    return command;
}

inline v1::Command policy(int quorum, std::vector<std::string> roles) {
    v1::Command command;
    auto& body = *command.mutable_set_policy();
    body.set_severity(content::v1::SEVERITY_SEVERE);
    body.set_quorum(quorum);
    for (auto& role : roles) body.add_roles(role);
    return command;
}

// A realm with a roster and one text in review.
inline Case reviewing(std::vector<std::string> agencies = {"calgary"}) {
    Case test({imported()});
    test.when(submission(agencies));
    return test;
}

inline Case& ana(Case& test) { return test.by("ana", "calgary", {"author", "approver"}); }
inline Case& ben(Case& test) { return test.by("ben", "calgary", {"approver"}); }
inline Case& cleo(Case& test) { return test.by("cleo", "calgary", {"duty-officer"}); }
inline Case& pia(Case& test) { return test.by("pia", "police", {"approver"}); }
inline Case& pol(Case& test) { return test.by("pol", "police", {"approver"}); }
inline Case& root(Case& test) { return test.by("root", "calgary", {"admin"}); }

inline v1::Review review(const Case& test) { return test.state().reviews.latest.at(id).get(); }

inline Case cleared_review() {
    Case test = reviewing();
    ben(test).when(approve());
    cleo(test).when(approve());
    return test;
}

}  // namespace tocsin::approval::samples
