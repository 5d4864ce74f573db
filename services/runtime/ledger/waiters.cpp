#include "runtime/ledger/waiters.hpp"

#include "runtime/base/invariant.hpp"
#include "runtime/base/planted.hpp"
#include "runtime/host/logs.hpp"

#include <vector>

namespace tocsin::runtime {

std::optional<Waiters::Handle> Waiters::add(const std::string& key, const std::string& body_digest,
                                            Tick until, CallSlots::Slot slot, Ledger::Done& done) {
    const std::lock_guard guard(mutex_);
    if (closed_) return std::nullopt;
    const Handle handle = ++last_;
    waiters_.emplace(handle, Waiter{by_key_.emplace(key, handle), body_digest, until,
                                    std::move(slot), std::move(done)});
    by_time_.emplace(until, handle);
    return handle;
}

std::unordered_map<Waiters::Handle, Waiters::Waiter>::iterator Waiters::found_by(Handle handle) {
    const auto found = waiters_.find(handle);
    invariant(found != waiters_.end(), "a call that has a key or a deadline waits");
    return found;
}

Waiters::Waiter Waiters::take(std::unordered_map<Handle, Waiter>::iterator found) {
    Waiter waiter = std::move(found->second);
    by_key_.erase(waiter.place);
    by_time_.erase({waiter.until, found->first});
    waiters_.erase(found);
    if (waiters_.empty()) none_left_.notify_all();
    return waiter;
}

// Its slot is free before its caller gets the answer, so that the next call of that caller finds
// one.
void Waiters::finish(Waiter& waiter, const Answer& answer) {
    waiter.slot.reset();
    try {
        waiter.done(answer);
    } catch (const std::exception& error) {
        logs::error("an answer could not be given", {{"why", error.what()}});
    }
}

Ledger::Done Waiters::take_back(Handle handle) {
    const std::lock_guard guard(mutex_);
    const auto found = waiters_.find(handle);
    if (found == waiters_.end()) return {};
    return take(found).done;
}

void Waiters::answer(const std::string& key, const std::string& body_digest, const Answer& answer) {
    std::vector<Waiter> ended;
    {
        const std::lock_guard guard(mutex_);
        const auto [begin, end] = by_key_.equal_range(key);
        for (auto place = begin; place != end;) {
            const auto found = found_by((place++)->second);
            if (found->second.body_digest == body_digest || planted(Bug::other_body))
                ended.push_back(take(found));
        }
    }
    for (Waiter& waiter : ended) finish(waiter, answer);
}

void Waiters::expire(Tick now, std::string_view why) {
    if (planted(Bug::calls_linger) && now != Tick::max()) return;
    std::vector<Waiter> ended;
    {
        const std::lock_guard guard(mutex_);
        while (!by_time_.empty() && by_time_.begin()->first <= now)
            ended.push_back(take(found_by(by_time_.begin()->second)));
    }
    for (Waiter& waiter : ended) finish(waiter, unavailable(why));
}

void Waiters::close(std::string_view why) {
    {
        const std::lock_guard guard(mutex_);
        closed_ = true;
    }
    expire(Tick::max(), why);
}

std::optional<Tick> Waiters::next_expiry() const {
    const std::lock_guard guard(mutex_);
    if (by_time_.empty()) return std::nullopt;
    return by_time_.begin()->first;
}

void Waiters::wait_until_none(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    none_left_.wait_for(lock, most, [this] { return waiters_.empty(); });
}

std::size_t Waiters::size() const {
    const std::lock_guard guard(mutex_);
    return waiters_.size();
}

}  // namespace tocsin::runtime
