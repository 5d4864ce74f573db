#include "runtime/waiters.hpp"

namespace tocsin::runtime {

bool Waiters::add(const std::string& key, const std::string& body_digest, Tick until,
                  Ledger::Done& done) {
    const std::lock_guard guard(mutex_);
    if (waiters_.size() >= most_) return false;
    waiters_.emplace(key, Waiter{body_digest, until, std::move(done)});
    by_time_.emplace(until, key);
    return true;
}

Ledger::Done Waiters::take_back(const std::string& key) {
    const std::lock_guard guard(mutex_);
    const auto found = waiters_.find(key);
    if (found == waiters_.end()) return {};
    Ledger::Done done = std::move(found->second.done);
    waiters_.erase(found);
    return done;
}

void Waiters::answer(const std::string& key, const std::string& body_digest, const Answer& answer) {
    std::vector<Ledger::Done> done;
    {
        const std::lock_guard guard(mutex_);
        const auto [begin, end] = waiters_.equal_range(key);
        for (auto waiter = begin; waiter != end;) {
            if (waiter->second.body_digest != body_digest) {
                ++waiter;
                continue;
            }
            done.push_back(std::move(waiter->second.done));
            waiter = waiters_.erase(waiter);
        }
        if (waiters_.empty()) none_left_.notify_all();
    }
    for (auto& call : done) call(answer);
}

static Answer unavailable(std::string_view why) {
    Answer answer;
    answer.rejection.text = why;
    return answer;
}

void Waiters::expire(Tick now, std::string_view why) {
    std::vector<Ledger::Done> done;
    {
        const std::lock_guard guard(mutex_);
        while (!by_time_.empty() && by_time_.begin()->first <= now) {
            const auto [begin, end] = waiters_.equal_range(by_time_.begin()->second);
            for (auto waiter = begin; waiter != end;) {
                if (waiter->second.until > now) {
                    ++waiter;
                    continue;
                }
                done.push_back(std::move(waiter->second.done));
                waiter = waiters_.erase(waiter);
            }
            by_time_.erase(by_time_.begin());
        }
        if (waiters_.empty()) none_left_.notify_all();
    }
    for (auto& call : done) call(unavailable(why));
}

void Waiters::end_all(std::string_view why) {
    std::unordered_multimap<std::string, Waiter> all;
    {
        const std::lock_guard guard(mutex_);
        all.swap(waiters_);
        by_time_.clear();
    }
    for (auto& [key, waiter] : all) waiter.done(unavailable(why));
}

std::optional<Tick> Waiters::next_expiry() const {
    const std::lock_guard guard(mutex_);
    if (by_time_.empty()) return std::nullopt;
    return by_time_.begin()->first;
}

void Waiters::wait_until_none(Tick until) {
    std::unique_lock lock(mutex_);
    none_left_.wait_until(lock, until, [this] { return waiters_.empty(); });
}

std::size_t Waiters::size() const {
    const std::lock_guard guard(mutex_);
    return waiters_.size();
}

}  // namespace tocsin::runtime
