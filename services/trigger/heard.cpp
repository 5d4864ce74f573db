#include "trigger/heard.hpp"

#include "trigger/window.hpp"

#include <algorithm>
#include <set>

namespace tocsin::trigger {
namespace {

// Far more than is on its way at a time. What is never met, since a decision passed it, stays.
constexpr std::size_t expected_max = 10'000;

}  // namespace

std::size_t Heard::digest(const std::string& realm, const std::string& body) {
    return std::hash<std::string>{}(body) ^ (std::hash<std::string>{}(realm) << 1);
}

void Heard::met(const runtime::Foreign& foreign) {
    v1::Readings body;
    // What does not parse, the decider refuses.
    if (foreign.events.size() != 1 || !body.ParseFromString(foreign.events[0])) return;
    const Tick tick = tick_();
    const std::lock_guard lock(mutex_);
    const auto poll = expected(foreign.realm, foreign.events[0]);
    Known& known = known_[{foreign.realm, body.source_id()}];
    // Who is late with a poll of the old address polls the new one as little as anybody.
    if (body.address() < known.address) return;
    move(known, body.address());
    Source& source = known.source;
    if (body.readings().empty()) {
        // It shows how the series stand, and holds no reading that is new to the stream.
    } else if (poll) {
        if (std::exchange(known.last_poll, *poll) != *poll) ++source.alone;
    } else {
        source.others_at = tick;
        source.alone = 0;
    }
    learn(known, body, foreign.at, tick);
}

void Heard::recall(const runtime::Foreign& foreign, const std::set<SeriesKey>* only) {
    v1::Readings body;
    if (foreign.events.size() != 1 || !body.ParseFromString(foreign.events[0])) return;
    if (only && !only->contains({foreign.realm, body.source_id(), body.series()})) return;
    const std::lock_guard lock(mutex_);
    Known& known = known_[{foreign.realm, body.source_id()}];
    const auto series = known.series.find(body.series());
    // What was met since this process began is newer.
    if (only && series != known.series.end() && series->second.met_at != Tick{}) return;
    learn(known, body, foreign.at, Tick{});
}

// With the lock held.
void Heard::move(Known& known, std::int64_t address) {
    if (address <= known.address) return;
    known = {};
    known.address = address;
}

// With the lock held.
void Heard::list(Known& known, const v1::Readings& record, Time stored) {
    auto listing = std::make_shared<Listing>();
    for (const auto& one : record.listed()) listing->emplace(one.series(), one.unit());
    for (auto& [name, series] : known.series) {
        if (listing->contains(name))
            series.missing_since.reset();
        else if (!series.missing_since)
            series.missing_since = stored;
    }
    known.listing = std::move(listing);
}

// With the lock held.
void Heard::learn(Known& known, const v1::Readings& record, Time stored, Tick tick) {
    if (record.address() < known.address) return;
    move(known, record.address());
    if (record.series().empty()) return list(known, record, stored);
    const std::vector<Reading> readings = window_of(record, stored);
    std::set<Time> withdrawn;
    for (const auto& time : record.withdrawn()) withdrawn.insert(runtime::from_proto(time));
    if (const auto before = known.series.find(record.series()); before != known.series.end())
        std::erase_if(before->second.readings,
                      [&](const Reading& one) { return withdrawn.contains(one.read_at); });
    if (readings.empty()) return;
    const Time newest = readings.back().read_at;
    // A server that names other series each time takes no room for ever.
    if (known.series.size() >= series_max && !known.series.contains(record.series()))
        known.series.erase(std::ranges::min_element(
            known.series, {}, [](const auto& one) { return one.second.met_at; }));
    Series& series = known.series[record.series()];
    const bool same = series.unit == record.unit() && series.sensor == record.sensor();
    // An older record does not show when the newest was met.
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

std::optional<Heard::Series> Heard::find(const Key& source, const std::string& name,
                                         std::size_t most) const {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(source);
    if (known == known_.end()) return std::nullopt;
    const auto found = known->second.series.find(name);
    Series result;
    if (found != known->second.series.end()) {
        const Series& series = found->second;
        result = {series.unit, series.sensor, {}, series.met_at, series.missing_since};
        const std::size_t count = std::min(most, series.readings.size());
        result.readings.assign(series.readings.end() - static_cast<std::ptrdiff_t>(count),
                               series.readings.end());
        return result;
    }
    if (!known->second.listing) return std::nullopt;
    const auto listed = known->second.listing->find(name);
    if (listed == known->second.listing->end()) return std::nullopt;
    result.unit = listed->second;
    return result;
}

std::optional<Heard::Series> Heard::series(const std::string& realm, const std::string& source_id,
                                           const std::string& name) const {
    return find({realm, source_id}, name, window_readings_max);
}

std::optional<Heard::Series> Heard::newest(const std::string& realm, const std::string& source_id,
                                           const std::string& name) const {
    return find({realm, source_id}, name, 1);
}

std::vector<std::string> Heard::names(const std::string& realm,
                                      const std::string& source_id) const {
    std::set<std::string> all;
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find({realm, source_id}); known != known_.end()) {
        for (const auto& [name, series] : known->second.series) all.insert(name);
        if (known->second.listing)
            for (const auto& [name, unit] : *known->second.listing) all.insert(name);
    }
    return {all.begin(), all.end()};
}

std::shared_ptr<const Heard::Listing> Heard::listing(const std::string& realm,
                                                     const std::string& source_id) const {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find({realm, source_id});
    return known == known_.end() ? nullptr : known->second.listing;
}

void Heard::doubt(const std::string& realm, const std::string& source_id) {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find({realm, source_id});
    if (known != known_.end()) known->second.source.alone = 0;
}

void Heard::keep_only(const std::map<Key, std::int64_t>& in_use,
                      const std::function<bool(const std::string&)>& whole) {
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [&](const auto& known) {
        return !in_use.contains(known.first) && whole(known.first.first);
    });
    for (const auto& [source, address] : in_use) move(known_[source], address);
}

}  // namespace tocsin::trigger
