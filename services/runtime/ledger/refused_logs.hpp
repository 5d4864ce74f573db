// Logs that Kafka does not let us write although it answers: rights or replicas are missing, limits
// are exceeded, or they do not exist. One refusal is nothing; a log that is refused again and again
// for some seconds stops all that waits for it, and only its writer knows. Ledger thread only.
//
// One that is needed stays until something is stored there, or nothing is to be written there any
// more: until then the writer tries. One that is not (commands, streams, probes) is dropped a
// minute after its last refusal: there may be no further write, and only a write shows that it is
// accepted.
#pragma once

#include "runtime/host/clock.hpp"

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::runtime {

// A topic, or one partition of it.
struct LogName {
    static constexpr int any = -1;

    std::string topic;
    int partition = any;

    // As `topic/partition`, or `topic`.
    std::string text() const;
    auto operator<=>(const LogName&) const = default;
};

struct RefusedLog {
    LogName name;
    std::string why;  // a sentence for a person
};

class RefusedLogs {
public:
    static constexpr int times_least = 3;
    static constexpr std::chrono::seconds time_least{3};
    static constexpr std::chrono::seconds quiet_most{60};

    // `needed`: nothing can be decided without it.
    void refused(const LogName& log, std::string why, bool needed, Tick tick);
    void taken(const LogName& log) { logs_.erase(log); }
    // Kafka was away: the logs themselves may be well.
    void forget() { logs_.clear(); }
    // Drops those that are not needed and were not refused for a while.
    void drop_quiet(Tick tick);
    // The first of them by name; nothing: all are written.
    std::optional<RefusedLog> first(Tick tick) const { return first(tick, false); }
    std::optional<RefusedLog> first_needed(Tick tick) const { return first(tick, true); }
    // All that the status of one partition is to show.
    std::vector<RefusedLog> of_partition(int partition, Tick tick) const;

private:
    struct Log {
        std::string why;
        bool needed = false;
        int times = 0;
        Tick since{}, last{};
    };
    static bool lasts(const Log& log, Tick tick);
    std::optional<RefusedLog> first(Tick tick, bool needed) const;

    std::map<LogName, Log> logs_;
};

}  // namespace tocsin::runtime
