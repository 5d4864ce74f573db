// Crossings that led to no message and are tried again once that may be mended. Part of the state
// of the decider, and pure like it.
#pragma once

#include "runtime/time.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tocsin::drafting {

// One of them.
struct Refused {
    std::string crossed;  // as trigger decided it: a serialised trigger.v1.RuleCrossed
    std::string template_id;
    std::string incident_id;
    runtime::Time draft_until;
    std::int64_t number = 0;           // The order in which they were first refused.
    std::int64_t attempts = 0;         // Refusals so far.
    std::optional<runtime::Time> due;  // Set: it may well come through by now.
};

// Those of one realm. All that is asked for is looked up in order, so that every replay answers the
// same.
class RefusedCrossings {
public:
    // The oldest are forgotten beyond that.
    static constexpr std::size_t kept_max = 200;

    // Takes the place of what was kept of the same crossing, whose attempts go on being counted.
    // One that does not say until when it may be drafted is not kept: nobody would ever forget it.
    // Where only the room was missing it is due at once.
    void refuse(const v1::CrossingRefused& refused, runtime::Time at);
    void forget(const std::string& crossing_id);
    // Those of which nothing may be drafted any more.
    void forget_old(runtime::Time now);
    // What they name is there, or is another; they are due from then on.
    void template_changed(const std::string& template_id, runtime::Time at);
    void incident_changed(const std::string& incident_id, runtime::Time at);

    // Null: it is not kept.
    const Refused* find(const std::string& crossing_id) const;
    // The first that is due, by id.
    std::optional<std::string> first_due() const;
    std::size_t size() const { return all_.size(); }

private:
    using Times = std::set<std::pair<runtime::Time, std::string>>;

    void make_due(const std::string& crossing_id, Refused& refused, runtime::Time at);

    std::map<std::string, Refused> all_;
    std::map<std::int64_t, std::string> by_number_;
    Times by_draft_until_;
    Times due_;
    std::int64_t numbers_ = 0;
};

}  // namespace tocsin::drafting
