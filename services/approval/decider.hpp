// Who may say yes to which exact words: from submission to clearance.
//
// Approval holds the baton from drafting's MessageSubmitted until its own Cleared, ReviewReturned
// or ReviewRejected. What it approves is a digest, never "the current text": every submission opens
// a fresh review and voids what was said to the one before. Pure, as runtime/ledger/decider.hpp
// demands.
#pragma once

#include "runtime/base/shared_bytes.hpp"
#include "runtime/ledger/decider.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::approval {

using runtime::Time;

// What binds an agency that set no policy for a severity: two people, either of these roles. Part
// of the contract (ListPoliciesResponse), so a new default is a new PolicySet and not an edit here.
inline constexpr int default_quorum = 2;
inline constexpr std::array<std::string_view, 2> default_roles{"approver", "duty-officer"};

// One review as it is kept: its content apart from the rest, and both as bytes that the state, the
// view and other services share.
struct Review {
    runtime::Packed<v1::Review> head;  // without content
    // Kept while it is in review: from its end on no decision needs more than the digest.
    runtime::SharedBytes content;

    v1::Review get() const { return head.get(); }
};

// What one realm's ledger adds up to.
struct State {
    v1::Roster roster;
    std::int64_t roster_version = 0;  // Imports so far; 0 while there is no roster.
    struct Policy {
        v1::Policy policy;
        std::int64_t version = 0;
    };
    // By agency and severity.
    std::map<std::pair<std::string, int>, Policy> policies;
    // The latest review of each message.
    std::map<std::string, Review> reviews;
};

// The message whose review an event opens, changes or ends; empty for the others.
std::string message_of(const v1::Event& event);
// What such an event makes of its review, and of nothing else. The view folds with it too: what is
// shown is what is decided upon.
void evolve(Review& review, const v1::Event& event, Time decided_at);

// As somebody of that agency: a person may act for several, with a token for each.
const v1::Person* find_person(const v1::Roster& roster, std::string_view subject,
                              std::string_view agency_id);
const v1::Agency* find_agency(const v1::Roster& roster, std::string_view agency_id);

struct Decider {
    using State = approval::State;
    using Command = v1::Command;
    using Event = v1::Event;

    static runtime::Verdict<Event> decide(const State& state, const runtime::Asking& asking,
                                          const Command& command, Time now);
    // Opens a review for each text that drafting submits.
    static std::optional<runtime::Happened<Event>> react(const State& state,
                                                         const runtime::Foreign& foreign, Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
    // Texts that are submitted.
    static bool concerns(const runtime::Foreign& foreign);
};

}  // namespace tocsin::approval
