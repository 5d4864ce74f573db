#include "trigger/heard.hpp"

#include "trigger/decider.hpp"

#include <algorithm>

namespace tocsin::trigger {
namespace {

// Far more than is on its way at a time. What is never met, since a decision passed it, stays.
constexpr std::size_t expected_max = 10'000;

class ListeningRules final : public runtime::RulesOf<Decider> {
public:
    explicit ListeningRules(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}

    std::optional<ledger::v1::Accepted> react(const runtime::Foreign& foreign,
                                              Time now) const override {
        heard_->met(foreign);
        return RulesOf::react(foreign, now);
    }
    std::unique_ptr<runtime::Rules> fresh() const override {
        return std::make_unique<ListeningRules>(heard_);
    }

private:
    std::shared_ptr<Heard> heard_;
};

}  // namespace

std::unique_ptr<runtime::Rules> listening_rules(std::shared_ptr<Heard> heard) {
    return std::make_unique<ListeningRules>(std::move(heard));
}

std::size_t Heard::digest(const std::string& realm, const std::string& body) {
    return std::hash<std::string>{}(body) ^ (std::hash<std::string>{}(realm) << 1);
}

void Heard::met(const runtime::Foreign& foreign) {
    v1::Readings body;
    // What does not parse the decider refuses, and says so.
    if (foreign.events.size() != 1 || !body.ParseFromString(foreign.events[0])) return;
    const Tick tick = tick_();
    const std::lock_guard lock(mutex_);
    Known& known = known_[{foreign.realm, body.source_id()}];
    Source& source = known.source;
    if (const auto poll = expected(foreign.realm, foreign.events[0])) {
        if (std::exchange(known.last_poll, *poll) != *poll) ++source.alone;
    } else {
        source.others_at = tick;
        source.alone = 0;
    }
    if (body.readings().empty()) return;
    const auto times = [](const v1::Reading& one) { return runtime::from_proto(one.read_at()); };
    const Time newest = times(*std::ranges::max_element(body.readings(), {}, times));
    // A server that names other series each time takes no room for ever.
    if (known.series.size() >= series_max && !known.series.contains(body.series()))
        known.series.erase(std::ranges::min_element(
            known.series, {}, [](const auto& one) { return one.second.second; }));
    auto& [read_at, met_at] = known.series[body.series()];
    // What is older says nothing of when the newest was met.
    if (newest >= read_at) {
        read_at = newest;
        met_at = tick;
    }
    if (source.newest && *source.newest >= newest) return;
    source.newest = newest;
    source.news_at = foreign.at;
}

// With the lock held.
std::optional<std::int64_t> Heard::expected(const std::string& realm, const std::string& body) {
    if (expected_.empty()) return std::nullopt;
    const auto found = expected_.find(digest(realm, body));
    if (found == expected_.end()) return std::nullopt;
    const std::int64_t poll = found->second;
    expected_.erase(found);
    return poll;
}

void Heard::expect(const std::string& realm, const std::string& body, std::int64_t poll) {
    const std::lock_guard lock(mutex_);
    if (expected_.size() >= expected_max) expected_.clear();
    expected_.emplace(digest(realm, body), poll);
}

void Heard::expect_not(const std::string& realm, const std::string& body) {
    const std::lock_guard lock(mutex_);
    expected(realm, body);
}

Heard::Source Heard::of(const std::string& realm, const std::string& source_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find({realm, source_id});
    return found == known_.end() ? Source{} : found->second.source;
}

std::optional<Time> Heard::newest(const std::string& realm, const std::string& source_id,
                                  const std::string& series, Tick since) const {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find({realm, source_id});
    if (known == known_.end()) return std::nullopt;
    const auto found = known->second.series.find(series);
    if (found == known->second.series.end() || found->second.second < since) return std::nullopt;
    return found->second.first;
}

void Heard::doubt(const std::string& realm, const std::string& source_id) {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find({realm, source_id});
    if (known != known_.end()) known->second.source.alone = 0;
}

void Heard::keep_only(const std::set<Key>& in_use) {
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [&](const auto& known) { return !in_use.contains(known.first); });
}

}  // namespace tocsin::trigger
