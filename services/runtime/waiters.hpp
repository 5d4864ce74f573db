// Calls that wait: for a decision on their command, or for a position to be reached. Thread-safe;
// callbacks run on whichever thread finishes them, outside the lock. Bounded.
#pragma once

#include "runtime/fold.hpp"
#include "runtime/ledger.hpp"
#include "runtime/partition.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace tocsin::runtime {

class Waiters {
public:
    explicit Waiters(std::size_t most) : most_(most) {}

    // False, and `done` is left untouched: too many are waiting.
    bool add(const std::string& key, const std::string& body_digest, Tick until,
             Ledger::Done& done);
    // Takes the newest one back, when its command could not be sent.
    Ledger::Done take_back(const std::string& key);
    void answer(const std::string& key, const std::string& body_digest, const Answer& answer);
    // Ends those whose time is over with `unavailable`.
    void expire(Tick now, std::string_view why);
    void end_all(std::string_view why);
    std::optional<Tick> next_expiry() const;
    std::size_t size() const;
    // Returns once nobody waits, or at `until`.
    void wait_until_none(Tick until);

private:
    struct Waiter {
        std::string body_digest;
        Tick until;
        Ledger::Done done;
    };
    std::size_t most_;
    mutable std::mutex mutex_;
    std::condition_variable none_left_;
    std::unordered_multimap<std::string, Waiter> waiters_;
    // Entries may be stale: the waiter was answered meanwhile.
    std::multimap<Tick, std::string> by_time_;
};

}  // namespace tocsin::runtime
