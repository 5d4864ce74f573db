// Faults of a rule that its decider cannot know: its crossings would lead to no message, or its
// source brings no such series. They are found while a person puts it, and not when it crosses.
#pragma once

#include "runtime/edge/identity.hpp"
#include "tocsin/trigger/v1/trigger_service.pb.h"
#include "trigger/heard.hpp"
#include "trigger/view.hpp"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace tocsin::trigger {

struct RuleCheck {
    // Why the rule must not be put; nothing: it may.
    std::optional<grpc::Status> refused;
    // Nothing of the source was met yet, so that the series could not be checked.
    bool unheard = false;
};
// `heard`: by this instance; a series that the rule reads already is not held against it.
RuleCheck check_rule(const runtime::Caller& caller, const Realm& realm, const Heard& heard,
                     const v1::PutRuleRequest& put, Time now);

// How long a rule on a source of which nothing was met waits for its first poll: the usual order is
// to put the one right after the other. Neither more than this, nor so long that the caller is gone
// by the time of the decision.
class FirstPoll {
public:
    using Tick = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds patience{3000};

    FirstPoll(Tick begin, std::chrono::milliseconds left) : until_(begin + limit(left)) {}

    // Whether it is worth to look again: `known` is what this instance's own polls brought. One
    // that ended, with an error or without a reading, has no more to say.
    bool may_come(const v1::SourceHealth& known, Tick now) const {
        return now < until_ && known.error().empty() &&
               (known.polls() == 0 || known.readings() > 0);
    }

private:
    static std::chrono::milliseconds limit(std::chrono::milliseconds left) {
        return std::min(patience, std::max(left / 2, std::chrono::milliseconds{0}));
    }
    Tick until_;
};

}  // namespace tocsin::trigger
