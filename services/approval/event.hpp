// The header of approval's events, and what its commands are answered with.
#pragma once

#include "runtime/ledger/decider.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"

#include <string>
#include <utility>

namespace tocsin::approval {

using runtime::Time;
using Happened = runtime::Happened<v1::Event>;
using Verdict = runtime::Verdict<v1::Event>;

// An event about the review of this message; without one, about something else.
inline v1::Event event_of(std::string message_id) {
    v1::Event event;
    event.set_message_id(std::move(message_id));
    return event;
}

}  // namespace tocsin::approval
