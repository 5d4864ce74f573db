// Reads that wait for positions to be reached. add(), give_up() and close() are safe from any
// thread, the rest belongs to the ledger thread; callbacks run outside the lock, each once, and a
// throwing one is logged. How many may wait is up to CallSlots.
#pragma once

#include "runtime/base/call_slots.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/ledger/ledger.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace tocsin::runtime {

class PositionWaits {
public:
    using Done = Ledger::Awaited;
    using Callback = std::move_only_function<void(Done)>;
    // A log that is followed, by the driver's number of it, and an offset in it.
    using Place = std::pair<int, std::int64_t>;

    static constexpr std::uint64_t nobody = 0;

    // Calls `done` with `reached` once every place was passed, with `not_yet` at `until` or, at
    // once, after close(). No places: it is reached by the next look.
    std::uint64_t add(const std::vector<Place>& places, Tick until, CallSlots::Slot slot,
                      Callback done);
    // Ends that one with `given_up`, unless it has ended.
    void give_up(std::uint64_t id);
    // Ends what is reached or late. `passed(log)`: the offset before which everything of it is.
    void look(const std::function<std::int64_t(int)>& passed, Tick now);
    // Ends all who wait; from now on nobody can.
    void close();
    std::optional<Tick> next_expiry() const;
    std::size_t size() const;

private:
    struct Wait {
        std::vector<Place> places;  // not passed yet
        Tick until;
        CallSlots::Slot slot;
        Callback done;
    };
    using Waits = std::unordered_map<std::uint64_t, Wait>;
    // With the lock held: one that `by_log_` or `by_time_` names.
    Waits::iterator found_by(std::uint64_t id);
    // With the lock held. `found` is gone afterwards.
    Wait take(Waits::iterator found);
    static void finish(std::vector<Wait>& waits, Done how);

    mutable std::mutex mutex_;
    // Each that waits is in `by_log_` with every place that is not passed, and once in `by_time_`.
    Waits waits_;
    std::map<int, std::set<std::pair<std::int64_t, std::uint64_t>>> by_log_;
    std::set<std::pair<Tick, std::uint64_t>> by_time_;
    std::vector<std::uint64_t> placeless_;  // since the last look; some may have been given up
    std::uint64_t last_ = nobody;
    bool closed_ = false;
};

}  // namespace tocsin::runtime
