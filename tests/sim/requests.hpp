// What callers asked of one service, and what they were told.
#pragma once

#include "runtime/ledger/ledger.hpp"
#include "sim/oracle.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::sim {

struct Request {
    // Asked again, it is asked as it was.
    Request(runtime::Submission asked, int of_partition);

    runtime::Submission submission;
    int partition;
    std::string key, digest;
    std::optional<Settled> answer;
    bool answered_late = false;
    Tick retry_at{};

    std::string name() const { return key + digest; }
};

class Requests {
public:
    // The one that is there already, if it is.
    Request& add(Request request);
    bool empty() const { return order_.empty(); }
    int size() const { return static_cast<int>(order_.size()); }
    // In the order in which they were made.
    Request& at(int place) { return all_.at(order_.at(static_cast<std::size_t>(place))); }
    // By name.
    std::map<std::string, Request>& all() { return all_; }

    // Somebody was told; throws Violation where that is not what the ledger says. A ledger that
    // lost its tail may say something else later.
    void told(const std::string& name, const runtime::Answer& given, const Oracle& oracle,
              bool history_lost);
    bool all_answered() const;
    // Every answer of this partition is in its ledger.
    void check(const Oracle& oracle, int partition) const;

private:
    std::map<std::string, Request> all_;
    std::vector<std::string> order_;
};

}  // namespace tocsin::sim
