#include "trigger/heard.hpp"

#include "runtime/stream_listener.hpp"
#include "trigger/decider.hpp"

#include <algorithm>

namespace tocsin::trigger {
namespace {

// Far more than is on its way at a time. What is never met, since a decision passed it, stays.
constexpr std::size_t expected_max = 10'000;

class ListeningRules final : public runtime::RulesOf<Decider>, public runtime::StreamListener {
public:
    explicit ListeningRules(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}

    std::optional<ledger::v1::Accepted> react(const runtime::Foreign& foreign,
                                              Time now) const override {
        heard_->met(foreign);
        return RulesOf::react(foreign, now);
    }
    // How the series stands all the same.
    void passed(const runtime::Foreign& record) const override { heard_->recall(record); }
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
    learn(known, body, foreign.at, tick);
}

void Heard::recall(const runtime::Foreign& foreign) {
    v1::Readings body;
    if (foreign.events.size() != 1 || !body.ParseFromString(foreign.events[0])) return;
    const std::lock_guard lock(mutex_);
    learn(known_[{foreign.realm, body.source_id()}], body, foreign.at, Tick{});
}

// With the lock held.
void Heard::learn(Known& known, const v1::Readings& record, Time stored, Tick tick) {
    std::vector<Reading> readings = window_of(record, stored);
    if (readings.empty()) return;
    const Time newest = readings.back().read_at;
    // A server that names other series each time takes no room for ever.
    if (known.series.size() >= series_max && !known.series.contains(record.series()))
        known.series.erase(std::ranges::min_element(
            known.series, {}, [](const auto& one) { return one.second.met_at; }));
    Series& series = known.series[record.series()];
    const bool same = series.unit == record.unit() && series.sensor == record.sensor();
    // What is older says nothing of when the newest was met.
    const bool news = !same || series.readings.empty() || newest >= series.readings.back().read_at;
    if (!same) series.readings.clear();
    series.unit = record.unit();
    series.sensor = record.sensor();
    series.readings = merged(series.readings, readings, readings.front().read_at);
    if (news) series.met_at = std::max(series.met_at, tick);
    if (known.source.newest && *known.source.newest >= newest) return;
    known.source.newest = newest;
    known.source.news_at = stored;
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

std::optional<Heard::Series> Heard::series(const std::string& realm, const std::string& source_id,
                                           const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find({realm, source_id});
    if (known == known_.end()) return std::nullopt;
    const auto found = known->second.series.find(name);
    return found == known->second.series.end() ? std::nullopt : std::optional{found->second};
}

std::vector<std::string> Heard::names(const std::string& realm,
                                      const std::string& source_id) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    if (const auto known = known_.find({realm, source_id}); known != known_.end())
        for (const auto& [name, series] : known->second.series) all.push_back(name);
    return all;
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
