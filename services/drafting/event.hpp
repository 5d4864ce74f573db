// The header of drafting's events, and the answers to its commands.
#pragma once

#include "drafting/message_state.hpp"
#include "runtime/ledger/decider.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <cstdint>
#include <string>

namespace tocsin::drafting {

using runtime::Time;
using Happened = runtime::Happened<v1::Event>;
using Verdict = runtime::Verdict<v1::Event>;

// An event about that message; without an id, about something else.
v1::Event event_of(std::string message_id);

// One that moves a message on. Throws std::logic_error for a move that is not allowed: a decision
// knows the state of its message.
v1::Event move_of(std::string message_id, v1::MessageState from, v1::MessageState to);

// One event, after which its subject has that version.
Happened one(v1::Event event, std::string subject, std::int64_t version);

}  // namespace tocsin::drafting
