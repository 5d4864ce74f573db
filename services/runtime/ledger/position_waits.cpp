#include "runtime/ledger/position_waits.hpp"

#include "runtime/base/invariant.hpp"
#include "runtime/host/logs.hpp"

#include <utility>

namespace tocsin::runtime {

void PositionWaits::finish(std::vector<Wait>& waits, Done how) {
    for (Wait& wait : waits) {
        wait.slot.reset();
        try {
            wait.done(how);
        } catch (const std::exception& error) {
            logs::error("a waiting read could not be answered", {{"why", error.what()}});
        }
    }
}

std::uint64_t PositionWaits::add(const std::vector<Place>& places, Tick until, CallSlots::Slot slot,
                                 Callback done) {
    {
        const std::lock_guard guard(mutex_);
        if (!closed_) {
            const std::uint64_t id = ++last_;
            if (places.empty()) placeless_.push_back(id);
            for (const auto& [log, offset] : places) by_log_[log].emplace(offset, id);
            by_time_.emplace(until, id);
            waits_.emplace(id, Wait{places, until, std::move(slot), std::move(done)});
            return id;
        }
    }
    slot.reset();
    done(Done::not_yet);
    return nobody;
}

void PositionWaits::give_up(std::uint64_t id) {
    std::vector<Wait> one;
    {
        const std::lock_guard guard(mutex_);
        const auto found = waits_.find(id);
        if (found == waits_.end()) return;
        one.push_back(take(found));
    }
    finish(one, Done::given_up);
}

PositionWaits::Waits::iterator PositionWaits::found_by(std::uint64_t id) {
    const auto found = waits_.find(id);
    invariant(found != waits_.end(), "a read that has a place or a deadline waits");
    return found;
}

PositionWaits::Wait PositionWaits::take(Waits::iterator found) {
    Wait wait = std::move(found->second);
    for (const auto& [log, offset] : wait.places) by_log_[log].erase({offset, found->first});
    by_time_.erase({wait.until, found->first});
    waits_.erase(found);
    return wait;
}

void PositionWaits::look(const std::function<std::int64_t(int)>& passed, Tick now) {
    std::vector<Wait> reached, late;
    {
        const std::lock_guard guard(mutex_);
        for (const std::uint64_t id : std::exchange(placeless_, {}))
            if (const auto found = waits_.find(id); found != waits_.end())
                reached.push_back(take(found));
        for (auto& [log, waiting] : by_log_) {
            if (waiting.empty()) continue;
            const std::int64_t before = passed(log);
            while (!waiting.empty() && waiting.begin()->first < before) {
                const auto [offset, id] = *waiting.begin();
                waiting.erase(waiting.begin());
                const auto found = found_by(id);
                // The same place may be named twice; both are passed at once.
                std::erase(found->second.places, Place{log, offset});
                if (found->second.places.empty()) reached.push_back(take(found));
            }
        }
        while (!by_time_.empty() && by_time_.begin()->first <= now)
            late.push_back(take(found_by(by_time_.begin()->second)));
    }
    finish(reached, Done::reached);
    finish(late, Done::not_yet);
}

void PositionWaits::close() {
    std::vector<Wait> all;
    {
        const std::lock_guard guard(mutex_);
        closed_ = true;
        while (!waits_.empty()) all.push_back(take(waits_.begin()));
    }
    finish(all, Done::not_yet);
}

std::optional<Tick> PositionWaits::next_expiry() const {
    const std::lock_guard guard(mutex_);
    if (by_time_.empty()) return std::nullopt;
    return by_time_.begin()->first;
}

std::size_t PositionWaits::size() const {
    const std::lock_guard guard(mutex_);
    return waits_.size();
}

}  // namespace tocsin::runtime
