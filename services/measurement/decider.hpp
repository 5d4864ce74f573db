// The rules of measurement: what the other services decided, as milestones of a message.
//
// Everything is recorded once; what is told again of the same message, agency, channel and delivery
// yields nothing. The one exception is `fired`, which is recorded again when a delivery turns out
// to have left earlier: the earliest counts.
#pragma once

#include "runtime/base/parties.hpp"
#include "runtime/ledger/decider.hpp"
#include "tocsin/measurement/v1/measurement_ledger.pb.h"

#include <absl/container/btree_set.h>

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace tocsin::measurement {

using runtime::Time;

struct DeliveryState {
    std::string agency, channel, kind, purpose, state;
    std::optional<Time> confirmed_at;
};

struct ReleaseState {
    std::string message_id;
    // Once all has been said of a purpose, those of it that are final are not kept, unless they
    // were refused: nothing more comes of them.
    std::map<std::string, DeliveryState> deliveries;
    std::map<std::string, Time> fired_at;  // by purpose
    bool skew_measured = false;
};

// What makes two milestones of one message the same. Every message keeps a dozen for ever.
using MilestoneKey = std::array<char, 15>;

struct MessageState {
    absl::btree_set<MilestoneKey> reached;
    std::int64_t remarks = 0;
    runtime::KeptParties parties;
};

struct State {
    std::set<std::string> crossings;
    std::map<std::string, MessageState> messages;
    std::map<std::string, ReleaseState> releases;
};

struct Decider {
    using State = measurement::State;
    using Command = v1::Command;
    using Event = v1::Event;

    static runtime::Verdict<Event> decide(const State& state, const runtime::Asking& asking,
                                          const Command& command, Time now);
    static std::optional<runtime::Happened<Event>> react(const State& state,
                                                         const runtime::Foreign& foreign, Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
    // What is a milestone, or becomes one.
    static bool concerns(const runtime::Foreign& foreign);
};

MilestoneKey key_of(const v1::MilestoneReached& reached);
// Whether a delivery stays in this state; one that stood down may still be armed again.
bool is_final(std::string_view state);

}  // namespace tocsin::measurement
