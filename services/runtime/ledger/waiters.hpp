// Calls that wait for a decision on their command. Thread-safe; callbacks run on whichever thread
// finishes them, outside the lock, and a throwing one is logged. How many may wait is up to
// CallSlots.
#pragma once

#include "runtime/base/call_slots.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/ledger/ledger.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tocsin::runtime {

class Waiters {
public:
    using Handle = std::uint64_t;

    // Registers a call with the slot that it holds. Nothing, and `done` is left untouched: closed.
    std::optional<Handle> add(const std::string& key, const std::string& body_digest, Tick until,
                              CallSlots::Slot slot, Ledger::Done& done);
    // Takes this very call back, when its command could not be sent; empty: it was ended meanwhile.
    Ledger::Done take_back(Handle handle);
    // Ends all who wait for this request with this body.
    void answer(const std::string& key, const std::string& body_digest, const Answer& answer);
    // Ends those whose time is over with `unavailable`.
    void expire(Tick now, std::string_view why);
    // Ends all who wait; from now on nobody can.
    void close(std::string_view why);
    std::optional<Tick> next_expiry() const;
    std::size_t size() const;
    // Returns once nobody waits, or after `most`.
    void wait_until_none(std::chrono::milliseconds most);

private:
    // A multimap: its places stay valid whatever is added or removed.
    using ByKey = std::multimap<std::string, Handle>;
    struct Waiter {
        ByKey::iterator place;
        std::string body_digest;
        Tick until;
        CallSlots::Slot slot;
        Ledger::Done done;
    };
    // With the lock held: one that `by_key_` or `by_time_` names.
    std::unordered_map<Handle, Waiter>::iterator found_by(Handle handle);
    // With the lock held. `found` is gone afterwards.
    Waiter take(std::unordered_map<Handle, Waiter>::iterator found);
    static void finish(Waiter& waiter, const Answer& answer);

    mutable std::mutex mutex_;
    std::condition_variable none_left_;
    // Each that waits is once in all three.
    std::unordered_map<Handle, Waiter> waiters_;
    ByKey by_key_;
    std::set<std::pair<Tick, Handle>> by_time_;
    Handle last_ = 0;
    bool closed_ = false;
};

}  // namespace tocsin::runtime
