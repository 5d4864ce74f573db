// The header of measurement's events, and what its commands are answered with.
#pragma once

#include "runtime/ledger/decider.hpp"
#include "tocsin/measurement/v1/measurement_ledger.pb.h"

#include <string>
#include <utility>

namespace tocsin::measurement {

using runtime::Time;
using Happened = runtime::Happened<v1::Event>;
using Verdict = runtime::Verdict<v1::Event>;

// An event about this message and this release, each empty where it is about none.
inline v1::Event event_of(std::string message_id, std::string release_id = {}) {
    v1::Event event;
    event.set_message_id(std::move(message_id));
    event.set_release_id(std::move(release_id));
    return event;
}

}  // namespace tocsin::measurement
