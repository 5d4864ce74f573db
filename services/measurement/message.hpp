// Messages: which milestones each has reached, its remarks, and whom it concerns.
#pragma once

#include "measurement/event.hpp"
#include "runtime/base/parties.hpp"

#include <absl/container/btree_set.h>

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace tocsin::measurement {

// What makes two milestones of one message the same. Every message keeps a dozen for ever.
using MilestoneKey = std::array<char, 15>;

struct KeptMessage {
    absl::btree_set<MilestoneKey> reached;
    std::int64_t remarks = 0;  // At most `remarks_max`.
    runtime::KeptParties parties;
};

inline constexpr std::int64_t remarks_max = 1000;

struct Messages {
    std::set<std::string> crossings;  // those that are milestones, drafted or not
    std::map<std::string, KeptMessage> by_id;
};

// The key of a milestone that was reached.
MilestoneKey key_of(const v1::Event& reached);

// ---- commands

Verdict add_remark(const Messages& messages, const runtime::Asking& asking,
                   const v1::AddRemarkRequest& request, Time now);

// ---- events

void evolve(Messages& messages, const v1::Event& event);

}  // namespace tocsin::measurement
