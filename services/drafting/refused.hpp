// Crossings that led to no message, and are tried again once the reason may be gone: the part of
// crossings (crossing.hpp) in the state of the decider. Pure.
#pragma once

#include "runtime/base/time.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::drafting {

// One of them.
struct Refused {
    std::string crossed;  // as trigger decided it: a serialised trigger.v1.RuleCrossed
    std::string rule_id;
    std::string template_id;
    std::string incident_id;
    runtime::Time draft_until;
    std::int64_t number = 0;           // The order in which they were first refused.
    std::int64_t attempts = 0;         // Refusals so far.
    std::optional<runtime::Time> due;  // Set: the reason may be gone by now.
};

// Those of one realm. Every look-up goes by an order, so that every replay answers the same.
class RefusedCrossings {
public:
    // The oldest are forgotten beyond that.
    static constexpr std::size_t kept_max = 200;
    // Of those that are only known, and not tried again, likewise; and when.
    static constexpr std::size_t known_max = 10'000;
    static constexpr std::chrono::hours known_time{24};

    // Whether it was refused. That matters where the same crossing is read twice: soon after, or
    // while it could be drafted.
    bool knows(const std::string& crossing_id) const { return known_.contains(crossing_id); }
    std::size_t known() const { return known_.size(); }
    // Those of a rule that are kept, by id.
    std::vector<std::string> of_rule(const std::string& rule_id) const;
    // Null: it is not kept.
    const Refused* find(const std::string& crossing_id) const;
    std::size_t size() const { return all_.size(); }

    // ---- events

    // Takes the place of what was kept of the same crossing, whose attempts go on being counted.
    // One that does not say until when it may be drafted is known and not kept: it is not tried
    // again. Where only the room was missing it is due at once.
    void refuse(const v1::CrossingRefused& refused, runtime::Time at);
    // There is a message of it.
    void drafted(const std::string& crossing_id);
    // That they were refused, once that matters no more.
    void forget_old(runtime::Time now);
    // The template or incident that they name is there, or is another; they are due from then on.
    void template_changed(const std::string& template_id, runtime::Time at);
    void incident_changed(const std::string& incident_id, runtime::Time at);

    // ---- due times

    // The first to be tried again, and when: its reason may be gone then, or it is too old from
    // then on, which the refusal says.
    std::optional<std::pair<runtime::Time, std::string>> first_due() const;

private:
    using Times = std::set<std::pair<runtime::Time, std::string>>;

    struct Known {
        std::int64_t number = 0;
        runtime::Time until;
    };

    void make_due(const std::string& crossing_id, Refused& refused, runtime::Time at);
    void remember(const std::string& crossing_id, runtime::Time until);
    void forget(const std::string& crossing_id);
    void forget_known(const std::string& crossing_id);

    // At most `known_max`, each in both indexes.
    std::map<std::string, Known> known_;
    std::map<std::int64_t, std::string> known_by_number_;
    Times known_by_time_;
    // At most `kept_max`, each in the two indexes after it, and in `due_` exactly those with `due`.
    std::map<std::string, Refused> all_;
    std::map<std::int64_t, std::string> by_number_;
    Times by_draft_until_;
    Times due_;
    // Never falls: a number is given once, by the ledger's order.
    std::int64_t numbers_ = 0;
};

}  // namespace tocsin::drafting
