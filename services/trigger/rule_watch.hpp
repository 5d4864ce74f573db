// Metrics of rules: which are without data, and how many crossings led to no message. Every
// instance judges by itself, by what it met in the stream.
#pragma once

#include "runtime/host/metrics.hpp"
#include "trigger/heard.hpp"
#include "trigger/view.hpp"

#include <set>
#include <string>
#include <utility>

namespace tocsin::trigger {

// One thread.
class RuleWatch {
public:
    RuleWatch(runtime::Metrics& metrics, const TriggerView& view, const Heard& heard);

    // Looks at all rules. `ready`: this instance reads the stream; otherwise it does not know.
    void look(bool ready, Time now);

private:
    using Key = std::pair<std::string, std::string>;  // realm and rule
    prometheus::Gauge& without_data(const Key& rule);
    prometheus::Gauge& refused(const std::string& realm);

    runtime::Metrics& metrics_;
    const TriggerView& view_;
    const Heard& heard_;
    std::set<Key> shown_;
};

}  // namespace tocsin::trigger
