// The header of publishing's events, and what its commands are answered with.
#pragma once

#include "runtime/ledger/decider.hpp"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <string>
#include <utility>

namespace tocsin::publishing {

using runtime::Duration;
using runtime::Time;
using Happened = runtime::Happened<v1::Event>;
using Verdict = runtime::Verdict<v1::Event>;

// An event about a release; one about a channel or a hold has no header.
inline v1::Event event_of(std::string release_id) {
    v1::Event event;
    event.set_release_id(std::move(release_id));
    return event;
}

}  // namespace tocsin::publishing
