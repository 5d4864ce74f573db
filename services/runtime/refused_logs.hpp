// Logs that Kafka does not let us write although it answers: for want of rights, of replicas, for
// their limits, or because they do not exist. One refusal is nothing; a log that is refused again
// and again for some seconds stops whatever waits for it, and nobody but its writer would know.
// Ledger thread only.
#pragma once

#include "runtime/clock.hpp"

#include <map>
#include <optional>
#include <string>

namespace tocsin::runtime {

class RefusedLogs {
public:
    static constexpr int times_least = 3;
    static constexpr std::chrono::seconds time_least{3};

    // `why` is a sentence for a person. `needed`: nothing can be decided without it.
    void refused(const std::string& log, std::string why, bool needed, Tick tick);
    void taken(const std::string& log) { logs_.erase(log); }
    // Kafka was away, which says nothing of any log.
    void forget() { logs_.clear(); }
    // Why the first of them, by name, is not written; empty: all are.
    std::string first(Tick tick) const { return first(tick, false); }
    std::string first_needed(Tick tick) const { return first(tick, true); }

private:
    struct Log {
        std::string why;
        bool needed = false;
        int times = 0;
        Tick since{};
    };
    std::string first(Tick tick, bool needed) const;

    std::map<std::string, Log> logs_;
};

}  // namespace tocsin::runtime
