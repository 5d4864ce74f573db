#include "trigger/source_stream.hpp"

#include "runtime/base/answered.hpp"
#include "trigger/answer_news.hpp"
#include "trigger/window.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace tocsin::trigger {

using runtime::Task;

// A list of series that was sent is read back by then, and sent again after so long.
static constexpr std::chrono::milliseconds list_heard_by{60'000};
static constexpr std::chrono::milliseconds list_again{3'600'000};

Task<bool> SourceStream::send(const Parsed& parsed) {
    const bool stored = co_await send_all(parsed);
    if (!stored) newest_.clear();
    co_return stored;
}

void SourceStream::forget() {
    stored_.clear();
    sent_.clear();
    newest_.clear();
    listed_.reset();
}

std::optional<Time> SourceStream::newest(const std::string& series) const {
    const auto found = stored_.find(series);
    if (found == stored_.end() || found->second.readings.empty()) return std::nullopt;
    return found->second.readings.back().read_at;
}

// This and those below say whether all could be stored.
Task<bool> SourceStream::send_all(const Parsed& parsed) {
    brought_ = false;
    for (const auto& [name, needed] : polled_.wanted.watched) {
        if (polled_.over()) co_return true;
        const Series* series = find_series_in(parsed, name);
        const auto none = parsed.no_data.find(name);
        if (!series && none == parsed.no_data.end()) {
            // It is no longer in the answer. Should it come again, all of it is sent again, which
            // does no harm: what it brings of the time before is known by nothing else.
            stored_.erase(name);
            sent_.erase(name);
            continue;
        }
        Series without{name, {}, {}, {}, {}};
        if (!series) without.no_data = none->second;
        if (!co_await send_news(series ? *series : without)) co_return false;
    }
    if (polled_.over()) co_return true;
    if (!co_await send_sign(parsed)) co_return false;
    if (polled_.over()) co_return true;
    co_return co_await send_list(parsed);
}

// A series that rules read, as it stands.
Task<bool> SourceStream::send_news(const Series& series) {
    Known known = as_stored(series);
    const bool first = !sent_.contains(series.name);
    const std::vector<Time> gone = withdraw(known.readings, series.no_data);
    if (series.readings.empty() && gone.empty()) co_return true;
    known.withdrawn.insert(gone.begin(), gone.end());
    for (const Reading& reading : series.readings) known.withdrawn.erase(reading.read_at);
    const bool cut = known.readings.size() + gone.size() >= window_readings_max;
    const bool from_known = !known.readings.empty() && (cut || !(known.shown || first));
    const std::vector<Reading> news = news_in(
        known.readings, series.readings, from_known ? known.readings.front().read_at : Time::min());
    Time newest = Time::min();
    for (const auto& readings :
         {std::span{series.readings}, std::span{std::as_const(known.readings)}})
        if (!readings.empty()) newest = std::max(newest, readings.back().read_at);
    // At first with all that the source shows: what is too old to start anything is noted once.
    Time from = Time::min();
    if (!first && newest != Time::min()) {
        from = newest - polled_.wanted.watched.at(series.name);
        if (!news.empty()) from = std::min(from, news.front().read_at);
        if (!gone.empty()) from = std::min(from, gone.front());
    }
    if (first || !news.empty() || !gone.empty()) {
        const std::vector<Reading> window = merged(known.readings, series.readings, from);
        Series as_known{series.name, known.unit, known.sensor, {}, {}};
        v1::Readings record = record_of(polled_.wanted, as_known, window);
        for (const Time time : gone) *record.add_withdrawn() = runtime::to_proto(time);
        const bool stored = co_await append(std::move(record));
        if (polled_.replaced || !stored) co_return stored;
        sent_.insert(series.name);
        brought_ = true;
        health_.took(polled_.wanted, static_cast<std::int64_t>(news.size()));
    }
    if (!series.readings.empty()) from = std::min(from, series.readings.front().read_at);
    known.readings = merged(known.readings, series.readings, from);
    if (!known.readings.empty())
        known.withdrawn.erase(known.withdrawn.begin(),
                              known.withdrawn.lower_bound(known.readings.front().read_at));
    known.shown = known.shown || !series.readings.empty();
    stored_[series.name] = std::move(known);
    co_return true;
}

// Of the series that no rule reads, the newest reading, where nothing else shows that the source is
// polled and answers.
Task<bool> SourceStream::send_sign(const Parsed& parsed) {
    const Wanted& wanted = polled_.wanted;
    std::map<std::string, Reading> newest;
    const Series* sign = nullptr;
    std::int64_t news = 0;
    for (const Series& series : parsed.series) {
        if (series.readings.empty() || wanted.watched.contains(series.name)) continue;
        const Reading& last = series.readings.back();
        newest.emplace(series.name, last);
        const auto before = newest_.find(series.name);
        if (before != newest_.end() && before->second == last) continue;
        if (!is_double(parsed, series)) ++news;
        if (!sign || last.read_at > sign->readings.back().read_at) sign = &series;
    }
    const auto heard = links_.heard.of(wanted.realm, wanted.source.source_id()).newest;
    if (sign && !brought_ && (!heard || sign->readings.back().read_at > *heard) &&
        !co_await append(record_of(wanted, *sign, std::span{sign->readings}.last(1))))
        co_return false;
    if (polled_.replaced) co_return true;
    health_.took(wanted, news);
    newest_ = std::move(newest);
    co_return true;
}

// Which series there are: what a rule may be put on, and which of them came no more. Again at
// times, for who began since.
Task<bool> SourceStream::send_list(const Parsed& parsed) {
    const Wanted& wanted = polled_.wanted;
    Heard::Listing listing;
    for (const Series& series : parsed.series)
        if (!series.readings.empty()) listing.emplace(series.name, series.unit);
    const auto heard = links_.heard.listing(wanted.realm, wanted.source.source_id());
    const bool as_heard = heard && *heard == listing;
    const Tick now = links_.tick();
    if (!listed_ && as_heard) {
        listed_ = std::move(listing);
        listed_at_ = now;
        co_return true;
    }
    // What was sent just now is perhaps not read back yet.
    if (listed_ && *listed_ == listing &&
        now < listed_at_ + (as_heard ? list_again : list_heard_by))
        co_return true;
    v1::Readings record = record_of(wanted);
    for (const auto& [name, unit] : listing) {
        auto& one = *record.add_listed();
        one.set_series(name);
        one.set_unit(unit);
    }
    if (!co_await append(std::move(record))) co_return false;
    listed_ = std::move(listing);
    listed_at_ = now;
    co_return true;
}

// Who stands in has weighed what it met in the stream itself, by the rules as they are since this
// loop began: that counts as sent. A leader sends all that it did not send, see above.
SourceStream::Known SourceStream::as_stored(const Series& series) {
    const Wanted& wanted = polled_.wanted;
    auto heard = links_.heard.series(wanted.realm, wanted.source.source_id(), series.name);
    if (heard && polled_.stand_in != 0 && heard->met_at >= began_) sent_.insert(series.name);
    Known known;
    const auto own = stored_.find(series.name);
    if (own != stored_.end()) {
        known = own->second;
        if (heard && heard->unit == known.unit && heard->sensor == known.sensor) {
            std::erase_if(heard->readings, [&](const Reading& reading) {
                return known.withdrawn.contains(reading.read_at);
            });
            known.readings = merged(known.readings, heard->readings, Time::min());
        }
    } else if (heard && !heard->readings.empty()) {
        known = {heard->unit, heard->sensor, std::move(heard->readings), {}, false};
    }
    const bool says = !series.readings.empty();
    if (says && (known.unit != series.unit || known.sensor != series.sensor)) {
        known = {series.unit, series.sensor, {}, {}, false};
        sent_.erase(series.name);
    }
    return known;
}

Task<bool> SourceStream::append(v1::Readings record) {
    const std::string& realm = polled_.wanted.realm;
    const std::string body = record.SerializeAsString();
    // A list of series brings no reading, by which others could see who polls.
    const bool shows_poll = polled_.stand_in != 0 && record.readings_size() > 0;
    if (shows_poll) links_.heard.expect(realm, body, polled_.stand_in);
    runtime::Answered<bool> appending{
        links_.post,
        [&](auto done) { links_.ledger.append_stream("readings", realm, body, std::move(done)); }};
    const bool stored = co_await appending;
    if (!stored && shows_poll) links_.heard.expect_not(realm, body);
    co_return stored;
}

}  // namespace tocsin::trigger
