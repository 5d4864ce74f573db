// The header of publishing's events, and what its commands are answered with.
#pragma once

#include "runtime/ledger/decider.hpp"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <string>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using runtime::Duration;
using runtime::Time;
using Happened = runtime::Happened<v1::Event>;
using Verdict = runtime::Verdict<v1::Event>;

// An event about a release, or about these of its deliveries; one about a channel or a hold has no
// header.
inline v1::Event event_of(std::string release_id,
                          const std::vector<std::string>& delivery_ids = {}) {
    v1::Event event;
    event.set_release_id(std::move(release_id));
    event.mutable_delivery_ids()->Assign(delivery_ids.begin(), delivery_ids.end());
    return event;
}

}  // namespace tocsin::publishing
