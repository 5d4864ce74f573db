#include "trigger/poller.hpp"

#include "content/graphemes.hpp"
#include "runtime/base/answered.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/http/asked_wait.hpp"
#include "texts/cut.hpp"
#include "trigger/sources/fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <coroutine>
#include <set>
#include <span>
#include <utility>

namespace tocsin::trigger {

using runtime::HttpRequest;
using runtime::HttpResponse;
using runtime::Task;
using std::chrono::milliseconds;

namespace logs = runtime::logs;

namespace {

constexpr milliseconds request_timeout{10'000};
constexpr milliseconds backoff_most{300'000};
constexpr milliseconds retry_after_most{3'600'000};
// While another instance leads: how soon a take-over is noticed.
constexpr milliseconds look_for_news{1'000};
// A list of series that was sent is heard by then, and sent again after so long.
constexpr milliseconds list_heard_by{60'000};
constexpr milliseconds list_again{3'600'000};
constexpr int stand_in_polls = 5;
constexpr milliseconds stand_in_least{60'000};
// So many polls in a row, see heard.hpp, show that nobody else polls.
constexpr int alone_polls = 2;
// No sleep is longer, so that a loop that was replaced ends soon.
constexpr milliseconds nap_most{30'000};

milliseconds milliseconds_of(double seconds) {
    return milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

// Reads an answer away from the loop thread and resumes on it.
struct ReadAwaiter {
    using Result = std::expected<Parsed, std::string>;
    const PollerLinks& links;
    ReadBody read;
    std::string_view body;
    Result parsed = {};

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        links.aside([this, waiting] {
            try {
                parsed = read(body);
            } catch (const std::exception& failure) {  // Of memory.
                parsed = std::unexpected(std::string{failure.what()});
            }
            links.post([waiting] { waiting.resume(); });
        });
    }
    Result await_resume() { return std::move(parsed); }
};

// A poll that the budget let begin, until all of its answer is dealt with.
class Budgeted {
public:
    Budgeted(PollBudget& budget, const PollerLinks& links, const Wanted& wanted,
             std::size_t bytes_most)
        : budget_(budget),
          links_(links),
          realm_(wanted.realm),
          source_(wanted.source.source_id()),
          bytes_most_(bytes_most) {}
    ~Budgeted() { budget_.settle(realm_, source_, bytes_most_, bytes, links_.tick()); }
    Budgeted(const Budgeted&) = delete;

    std::size_t bytes = 0;

private:
    PollBudget& budget_;
    const PollerLinks& links_;
    std::string realm_, source_;
    std::size_t bytes_most_;
};

// A server chose part of it: not all of that may be answered or logged.
std::string reportable(std::string_view text) {
    constexpr std::size_t bytes_max = 500;
    return std::string(texts::cut(content::printable(text), bytes_max));
}

// Where a redirect leads, without what may be secret of it: everybody reads it in the realm.
std::string moved(const v1::Source& source, const HttpResponse& answer) {
    constexpr std::size_t bytes_max = 200;
    const std::string there = runtime::shown_url(source.url(), answer.header("location"));
    if (there.empty()) return ": it moved; ask who runs it for the address, and put that";
    return fmt::format(": it moved to {}; put that address", texts::cut(there, bytes_max));
}

// What may be sent back as it came. Of anything else, the next answer is simply a whole one.
std::string usable_validator(const std::string& header) {
    constexpr std::size_t bytes_max = 1000;
    const auto plain = [](char c) { return c >= 0x20 && c <= 0x7e; };
    return header.size() <= bytes_max && std::ranges::all_of(header, plain) ? header
                                                                            : std::string{};
}

v1::Readings record_of(const Wanted& wanted) {
    v1::Readings record;
    record.set_source_id(wanted.source.source_id());
    record.set_address(wanted.address);
    return record;
}

v1::Readings record_of(const Wanted& wanted, const Series& series,
                       std::span<const Reading> readings) {
    v1::Readings record = record_of(wanted);
    record.set_series(series.name);
    record.set_unit(series.unit);
    record.set_sensor(series.sensor);
    for (const Reading& each : readings) {
        auto& reading = *record.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(each.read_at);
        reading.set_value(each.value);
    }
    return record;
}

// Without the sensor, if that is part of its name.
std::string_view short_name(const Series& series) {
    std::string_view name = series.name;
    const std::string end = ':' + series.sensor;
    if (!series.sensor.empty() && name.ends_with(end)) name.remove_suffix(end.size());
    return name;
}

// The same reading under both of a series' names is one.
void drop_future(Parsed& parsed, Time now) {
    std::set<std::size_t> dropped;
    for (Series& series : parsed.series) {
        const std::string_view name = short_name(series);
        std::erase_if(series.readings, [&](const Reading& reading) {
            if (reading.read_at <= now + ahead_most) return false;
            const auto at = fmt::format("{}", reading.read_at.time_since_epoch().count());
            const std::size_t what = identity({name, series.sensor, at});
            if (dropped.insert(what).second) parsed.skip({Skip::ahead, what});
            return true;
        });
    }
}

// What `later` brings from `from` on that `earlier` has not, or has otherwise.
std::vector<Reading> news_in(std::span<const Reading> earlier, std::span<const Reading> later,
                             Time from) {
    std::vector<Reading> news;
    for (const Reading& reading : later) {
        if (reading.read_at < from) continue;
        const auto known =
            std::ranges::lower_bound(earlier, reading.read_at, {}, &Reading::read_at);
        if (known == earlier.end() || *known != reading) news.push_back(reading);
    }
    return news;
}

// Takes out what stands at these times; which of them stood there.
std::vector<Time> withdraw(std::vector<Reading>& readings, std::span<const Time> times) {
    std::vector<Time> gone;
    std::erase_if(readings, [&](const Reading& reading) {
        if (!std::ranges::binary_search(times, reading.read_at)) return false;
        gone.push_back(reading.read_at);
        return true;
    });
    return gone;
}

const Series* find(const Parsed& parsed, const std::string& name) {
    const auto found = std::ranges::lower_bound(parsed.series, name, {}, &Series::name);
    return found == parsed.series.end() || found->name != name ? nullptr : &*found;
}

// Whether it is under another, shorter name as well.
bool is_double(const Parsed& parsed, const Series& series) {
    const std::string_view name = short_name(series);
    if (name == series.name) return false;
    const Series* other = find(parsed, std::string{name});
    return other && other->sensor == series.sensor;
}

std::optional<Time> newest_of(const Parsed& parsed) {
    std::optional<Time> newest;
    for (const Series& series : parsed.series) {
        if (series.readings.empty()) continue;
        const Time last = series.readings.back().read_at;
        newest = newest ? std::max(*newest, last) : last;
    }
    return newest;
}

bool same_source(const Wanted& a, const Wanted& b) {
    return a.realm == b.realm && a.source.source_id() == b.source.source_id();
}

}  // namespace

milliseconds retry_after(const std::string& header, Time now) {
    const auto wait = runtime::read_wait(header, now).value_or(runtime::Duration{});
    return std::min(std::chrono::ceil<milliseconds>(wait), retry_after_most);
}

milliseconds backoff(int failures, double poll_seconds) {
    const milliseconds first = milliseconds_of(std::clamp(poll_seconds, 0.5, 5.0));
    return std::min(backoff_most, first * (std::int64_t{1} << std::clamp(failures - 1, 0, 16)));
}

milliseconds stand_in_patience(double poll_seconds) {
    return std::max(stand_in_least, stand_in_polls * milliseconds_of(poll_seconds));
}

// A series that a rule reads, as the stream has it, as far as this loop knows.
struct Poller::Known {
    std::string unit, sensor;
    std::vector<Reading> readings;
    // Times at which it had a value, which the provider withdrew: what is heard late of it is none.
    std::set<Time> withdrawn;
    // It has all that the last answer showed, so that what is older than all of it is new as well;
    // otherwise the stream may have had that before, and nobody here knows.
    bool shown = false;
};

struct Poller::Loop {
    Wanted wanted;
    const SourceFormat* format = nullptr;  // null: of a newer version; it is watched, not polled
    Tick began;
    std::map<std::string, Known> stored;    // series that rules read
    std::set<std::string> sent;             // of those, of which all was sent since it began
    std::map<std::string, Reading> newest;  // of the other series, in the last answer
    std::optional<Heard::Listing> listed;   // as it was sent last
    Tick listed_at{};                       // when
    bool brought = false;                   // its poll, to the stream
    std::string etag, last_modified;        // of the last answer of which all is stored
    int failures = 0;
    bool large = false;               // its answers are larger than usual, which its format may be
    bool put_off = false;             // since its last poll, and people were told
    std::optional<Tick> waits_since;  // for its turn
    Role role = Role::out;
    // While it stands by: since when, or since its last poll; how long without a reading until it
    // polls; how soon at most it may; and the number of its poll.
    Tick quiet_since{};
    milliseconds patience{0};
    Tick not_before{};
    std::int64_t stand_in = 0;
    // For good, even if the same is wanted again: what was known of the source may be forgotten by
    // then, and only a loop that begins is watched anew. From then on it tells nothing.
    bool replaced = false;
    bool ended = false;
    // Owned here, so that a loop that still sleeps at the end is freed with the poller. Last: its
    // frame refers to the members above.
    std::optional<Task<void>> task;

    void forget() {
        stored.clear();
        sent.clear();
        newest.clear();
        listed.reset();
        etag.clear();
        last_modified.clear();
    }
};

Poller::Poller(PollerLinks links, HealthBook& health, bool allow_private_addresses)
    : links_(std::move(links)),
      health_(health),
      allow_private_addresses_(allow_private_addresses),
      jitter_(std::random_device{}()) {}

Poller::~Poller() = default;

void Poller::refresh(const std::vector<Wanted>& wanted,
                     const std::function<bool(const std::string&)>& whole) {
    std::erase_if(resting_, [this](const auto& entry) {
        return std::max(entry.second.asked_until, entry.second.until) <= links_.tick();
    });
    std::erase_if(loops_, [](const auto& loop) { return loop->ended; });
    const auto same = [](const Wanted& a, const Wanted& b) {
        return same_source(a, b) && a.revision == b.revision;
    };
    for (auto& loop : loops_) {
        if (loop->replaced) continue;
        const auto is_its = [&](const Wanted& one) { return same(one, loop->wanted); };
        const auto of_its = [&](const Wanted& one) { return same_source(one, loop->wanted); };
        loop->replaced = std::ranges::none_of(wanted, is_its);
        // Nobody polls it any more: what was last seen of it must raise no alarm.
        if (std::ranges::none_of(wanted, of_its)) health_.forget(loop->wanted);
    }
    std::map<Heard::Key, std::int64_t> in_use;
    for (const Wanted& one : wanted)
        in_use.emplace(Heard::Key{one.realm, one.source.source_id()}, one.address);
    links_.heard.keep_only(in_use, whole);
    for (const Wanted& one : wanted) {
        const bool known = std::ranges::any_of(loops_, [&](const auto& loop) {
            return !loop->replaced && !loop->ended && same(one, loop->wanted);
        });
        if (!known) start(one);
    }
}

void Poller::start(const Wanted& wanted) {
    auto loop = std::make_unique<Loop>();
    loop->wanted = wanted;
    loop->began = links_.tick();
    loop->format = find_format(wanted.source.format());
    for (const auto& before : loops_)
        if (address_of(before->wanted) == address_of(wanted)) loop->large = before->large;
    const auto rest = resting_.find(address_of(wanted));
    if (rest != resting_.end() && rest->second.format == wanted.source.format())
        loop->failures = rest->second.failures;
    health_.watched(wanted, links_.now());
    if (loop->format == nullptr)
        // Put by a newer version of this service.
        health_.polled(wanted, "this version cannot read its format", false, links_.now());
    Loop& started = *loops_.emplace_back(std::move(loop));
    started.task.emplace(run(started));
    // Runs up to its first wait; nobody awaits its end.
    started.task->await_suspend(std::noop_coroutine()).resume();
}

Task<void> Poller::run(Loop& loop) {
    while (!stopped_ && !loop.replaced) {
        const Tick began = links_.tick();
        Tick next = began + look_for_news;
        look(loop);
        const bool leading = loop.role == Role::leading;
        const Tick rests_until = this->rests_until(loop);
        if (began < rests_until) {
            next = leading ? rests_until : next;
        } else if (loop.format != nullptr && (leading || began >= stands_in_at(loop))) {
            if (const auto wait = budget_.begin(loop.wanted.realm, loop.wanted.source.source_id(),
                                                bytes_most(loop), began)) {
                next = began + put_off(loop, *wait);
            } else {
                loop.stand_in = leading ? 0 : ++stand_ins_;
                Outcome outcome;
                try {
                    outcome = co_await poll(loop);
                } catch (const std::exception& failure) {
                    outcome.error = failure.what();
                }
                // Whoever replaced it says how the source does.
                if (loop.replaced) break;
                if (outcome.again_larger) continue;
                const Tick again = end_turn(loop, began, outcome);
                if (leading) next = again;
            }
        }
        co_await pause(loop, next);
    }
    loop.ended = true;
}

// Ends its turn; when the next one is.
Poller::Tick Poller::end_turn(Loop& loop, Tick began, const Outcome& outcome) {
    const milliseconds wait = settle(loop, outcome);
    const Tick again =
        outcome.error.empty() ? std::max(links_.tick(), began + wait) : links_.tick() + wait;
    // It looks on meanwhile: its turn to lead, or another's readings, may come first.
    loop.not_before = again;
    const Address address = address_of(loop.wanted);
    resting_.erase(address);
    if (!outcome.error.empty() || outcome.wait_least.count() > 0)
        resting_[address] = {loop.wanted.source.format(), links_.tick() + outcome.wait_least, again,
                             loop.failures};
    wait_patiently(loop);
    return again;
}

Poller::Address Poller::address_of(const Wanted& wanted) {
    return {wanted.realm, wanted.source.source_id(), wanted.source.url()};
}

// As was found out by whichever loop polled it.
Poller::Tick Poller::rests_until(const Loop& loop) const {
    const auto found = resting_.find(address_of(loop.wanted));
    if (found == resting_.end()) return Tick{};
    const Rest& rest = found->second;
    const bool same = rest.format == loop.wanted.source.format();
    return same ? std::max(rest.asked_until, rest.until) : rest.asked_until;
}

// Why a poll has to wait, for people.
static std::string why_later(const PollBudget::Wait& wait) {
    constexpr auto mebi = [](std::size_t bytes) { return bytes >> 20; };
    switch (wait.why) {
        case PollBudget::Why::its_bytes:
            return fmt::format(
                "polled later: a source may bring {} MiB a minute, and this one brought more; poll "
                "it less often, or smaller files",
                mebi(PollBudget::source_bytes_per_minute));
        case PollBudget::Why::realm_bytes:
            return fmt::format(
                "polled later: the sources of a realm may bring {} MiB a minute, and brought more, "
                "{} most of it; poll less often, or smaller files",
                mebi(PollBudget::realm_bytes_per_minute), wait.largest);
        case PollBudget::Why::turn:
            break;
    }
    return fmt::format(
        "polled later: {} polls of a realm may be under way at a time, and this one has waited for "
        "longer than three of its intervals; poll the realm's sources less often",
        PollBudget::of_realm_max);
}

// How long. Who waits for other polls to end tells nobody, unless it takes long.
milliseconds Poller::put_off(Loop& loop, const PollBudget::Wait& wait) {
    if (wait.why == PollBudget::Why::turn) {
        if (!loop.waits_since) loop.waits_since = links_.tick();
        const auto patience =
            std::max<milliseconds>(3 * interval(loop.wanted.source), milliseconds{10'000});
        if (links_.tick() - *loop.waits_since < patience) return wait.time;
    }
    if (std::exchange(loop.put_off, true)) return wait.time;
    const std::string why = why_later(wait);
    health_.put_off(loop.wanted, why);
    logs::warn(
        "source not polled",
        {{"realm", loop.wanted.realm}, {"source", loop.wanted.source.source_id()}, {"why", why}});
    return wait.time;
}

milliseconds Poller::interval(const v1::Source& source) const {
    return milliseconds_of(
        std::max(source.poll_seconds(), poll_seconds_least(allow_private_addresses_)));
}

Task<void> Poller::pause(Loop& loop, Tick until) {
    // At least once: a late poll must not keep the loop thread to itself.
    do {
        co_await links_.http.sleep_until(std::min(until, links_.tick() + nap_most));
        if (stopped_ || loop.replaced || loop.role != Role::leading) co_return;
        look(loop);
    } while (loop.role == Role::leading && links_.tick() < until);
}

// Who polls, as far as this instance knows, and what was heard of the source.
void Poller::look(Loop& loop) {
    const std::string& realm = loop.wanted.realm;
    const Role role = !links_.ledger.ready()       ? Role::out
                      : links_.ledger.leads(realm) ? Role::leading
                                                   : Role::standing_by;
    const Role before = std::exchange(loop.role, role);
    // How far the one before came is not known here.
    if (role == Role::leading && before != role) loop.forget();
    // Until now it may have been deaf, or have polled itself.
    if (role == Role::standing_by && before != role) {
        links_.heard.doubt(realm, loop.wanted.source.source_id());
        wait_patiently(loop);
    }
    // The next poll, by whoever leads, says how it went.
    if (role != Role::leading && before == Role::leading) health_.ended(loop.wanted);
    const Heard::Source heard = links_.heard.of(realm, loop.wanted.source.source_id());
    if (heard.newest) health_.heard(loop.wanted, *heard.newest);
    judge(loop);
    health_.waited(loop.wanted, role != Role::out, links_.now());
}

// By the series that rules read, each by its own newest reading.
void Poller::judge(const Loop& loop) {
    std::optional<Time> oldest;
    const auto listing = links_.heard.listing(loop.wanted.realm, loop.wanted.source.source_id());
    bool missing = false, never = false;
    for (const auto& [name, needed] : loop.wanted.watched) {
        const auto heard =
            links_.heard.newest(loop.wanted.realm, loop.wanted.source.source_id(), name);
        const auto own = loop.stored.find(name);
        std::optional<Time> newest;
        if (heard && !heard->readings.empty()) newest = heard->readings.back().read_at;
        if (own != loop.stored.end() && !own->second.readings.empty())
            newest = std::max(newest.value_or(Time::min()), own->second.readings.back().read_at);
        missing = missing || (listing && !listing->contains(name));
        never = never || !newest;
        if (newest) oldest = std::min(oldest.value_or(*newest), *newest);
    }
    health_.judged(loop.wanted, !loop.wanted.watched.empty(), never ? std::nullopt : oldest,
                   missing);
}

// At random, so that not all who stand by do it at once; and never sooner.
void Poller::wait_patiently(Loop& loop) {
    loop.quiet_since = links_.tick();
    const milliseconds least = stand_in_patience(loop.wanted.source.poll_seconds());
    std::uniform_int_distribution<std::int64_t> spread(least.count(), least.count() * 3 / 2);
    loop.patience = milliseconds{spread(jitter_)};
}

Poller::Tick Poller::stands_in_at(const Loop& loop) const {
    if (loop.role != Role::standing_by) return Tick::max();
    const v1::Source& source = loop.wanted.source;
    const Heard::Source heard = links_.heard.of(loop.wanted.realm, source.source_id());
    if (heard.alone >= alone_polls) return loop.not_before;
    return std::max(loop.not_before, std::max(loop.quiet_since, heard.others_at) + loop.patience);
}

// Records how a poll went; how long to wait before the next.
milliseconds Poller::settle(Loop& loop, const Outcome& outcome) {
    const v1::Source& source = loop.wanted.source;
    const std::string error = reportable(outcome.error);
    loop.put_off = false;
    loop.waits_since.reset();
    judge(loop);
    health_.polled(loop.wanted, error, outcome.unchanged, links_.now());
    if (error.empty()) {
        if (std::exchange(loop.failures, 0) > 0)
            logs::info("source polled again",
                       {{"realm", loop.wanted.realm}, {"source", source.source_id()}});
        return std::max(interval(source), outcome.wait_least);
    }
    // Whatever was wrong, it must not come of what is asked for.
    loop.etag.clear();
    loop.last_modified.clear();
    if (++loop.failures == 1)
        logs::warn("source not polled",
                   {{"realm", loop.wanted.realm}, {"source", source.source_id()}, {"why", error}});
    const milliseconds longest = backoff(loop.failures, source.poll_seconds());
    std::uniform_int_distribution<std::int64_t> spread(longest.count() / 2, longest.count());
    return std::max(milliseconds{spread(jitter_)}, outcome.wait_least);
}

std::size_t Poller::bytes_most(const Loop& loop) {
    return loop.large ? loop.format->bytes_max : std::min(body_bytes_max, loop.format->bytes_max);
}

HttpRequest Poller::request_for(const Loop& loop) const {
    HttpRequest request;
    request.owner = loop.wanted.realm;
    request.url = loop.wanted.source.url();
    request.timeout = request_timeout;
    request.response_bytes_max = bytes_most(loop);
    request.allow_private_addresses = allow_private_addresses_;
    request.headers.emplace_back("Accept", loop.format->accept);
    if (!loop.etag.empty()) request.headers.emplace_back("If-None-Match", loop.etag);
    if (!loop.last_modified.empty())
        request.headers.emplace_back("If-Modified-Since", loop.last_modified);
    return request;
}

Task<Poller::Outcome> Poller::poll(Loop& loop) {
    Budgeted budgeted{budget_, links_, loop.wanted, bytes_most(loop)};
    HttpRequest request = request_for(loop);
    const runtime::HttpResult answer = co_await links_.http.send(std::move(request));
    // Half of an answer, or too much of one, was brought as well.
    budgeted.bytes = answer ? answer->body.size() : answer.error().received_bytes;
    if (loop.replaced) co_return Outcome{};
    if (!answer && answer.error().kind == runtime::HttpError::Kind::refused_by_limit &&
        bytes_most(loop) < loop.format->bytes_max) {
        loop.large = true;
        Outcome larger;
        larger.again_larger = true;
        co_return larger;
    }
    if (!answer) co_return Outcome{answer.error().text.empty() ? "no answer" : answer.error().text};
    if (answer->status == 304) co_return Outcome{{}, true};
    if (answer->status == 200) co_return co_await take(loop, *answer);
    std::string error = fmt::format("HTTP status {}", answer->status);
    if (answer->status >= 300 && answer->status < 400) error += moved(loop.wanted.source, *answer);
    co_return Outcome{std::move(error), false,
                      retry_after(answer->header("retry-after"), links_.now())};
}

Task<Poller::Outcome> Poller::take(Loop& loop, const HttpResponse& answer) {
    ReadAwaiter reading{links_, loop.format->read, answer.body};
    auto parsed = co_await reading;
    if (loop.replaced || stopped_) co_return Outcome{};
    if (!parsed) co_return Outcome{std::move(parsed.error())};
    drop_future(*parsed, links_.now());
    health_.skipped(loop.wanted, *parsed);
    loop.large = answer.body.size() > body_bytes_max / 4 * 3;
    const bool stored = co_await send_all(loop, *parsed);
    if (loop.replaced || stopped_) co_return Outcome{};
    if (!stored) {
        loop.newest.clear();
        co_return Outcome{"the readings could not be stored"};
    }
    // Once for the whole answer: told batch by batch, the second batch of an old answer would be
    // news.
    if (const auto newest = newest_of(*parsed)) health_.heard(loop.wanted, *newest);
    // What is still ahead must come again, from a server that would not say it twice.
    const bool all_taken = parsed->skipped[Skip::ahead] == 0;
    loop.etag = all_taken ? usable_validator(answer.header("etag")) : std::string{};
    loop.last_modified =
        all_taken ? usable_validator(answer.header("last-modified")) : std::string{};
    co_return Outcome{};
}

// These say whether all could be stored.
Task<bool> Poller::send_all(Loop& loop, const Parsed& parsed) {
    loop.brought = false;
    for (const auto& [name, needed] : loop.wanted.watched) {
        if (stopped_ || loop.replaced) co_return true;
        const Series* series = find(parsed, name);
        const auto none = parsed.no_data.find(name);
        if (!series && none == parsed.no_data.end()) {
            // Of what is no longer in the answer nothing need be known: it would be sent again,
            // which is no harm.
            loop.stored.erase(name);
            continue;
        }
        Series without{name, {}, {}, {}, {}};
        if (!series) without.no_data = none->second;
        if (!co_await send_news(loop, series ? *series : without)) co_return false;
    }
    if (stopped_ || loop.replaced) co_return true;
    if (!co_await send_sign(loop, parsed)) co_return false;
    if (stopped_ || loop.replaced) co_return true;
    co_return co_await send_list(loop, parsed);
}

// Which series there are: what a rule may be put on, and which of them came no more. Again at
// times, for who began since.
Task<bool> Poller::send_list(Loop& loop, const Parsed& parsed) {
    Heard::Listing listing;
    for (const Series& series : parsed.series)
        if (!series.readings.empty()) listing.emplace(series.name, series.unit);
    const auto heard = links_.heard.listing(loop.wanted.realm, loop.wanted.source.source_id());
    const bool as_heard = heard && *heard == listing;
    const Tick now = links_.tick();
    if (!loop.listed && as_heard) {
        loop.listed = std::move(listing);
        loop.listed_at = now;
        co_return true;
    }
    // What was sent just now is perhaps not heard yet.
    if (loop.listed && *loop.listed == listing &&
        now < loop.listed_at + (as_heard ? list_again : list_heard_by))
        co_return true;
    v1::Readings record = record_of(loop.wanted);
    for (const auto& [name, unit] : listing) {
        auto& one = *record.add_listed();
        one.set_series(name);
        one.set_unit(unit);
    }
    if (!co_await append(loop, std::move(record))) co_return false;
    loop.listed = std::move(listing);
    loop.listed_at = now;
    co_return true;
}

// A series that rules read, as it stands.
Task<bool> Poller::send_news(Loop& loop, const Series& series) {
    Known known = as_stored(loop, series);
    const bool first = !loop.sent.contains(series.name);
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
    // At first with all that the source shows: what is too old to start anything is told of once.
    Time from = Time::min();
    if (!first && newest != Time::min()) {
        from = newest - loop.wanted.watched.at(series.name);
        if (!news.empty()) from = std::min(from, news.front().read_at);
        if (!gone.empty()) from = std::min(from, gone.front());
    }
    if (first || !news.empty() || !gone.empty()) {
        const std::vector<Reading> window = merged(known.readings, series.readings, from);
        Series as_known{series.name, known.unit, known.sensor, {}, {}};
        v1::Readings record = record_of(loop.wanted, as_known, window);
        for (const Time time : gone) *record.add_withdrawn() = runtime::to_proto(time);
        const bool stored = co_await append(loop, std::move(record));
        if (loop.replaced || !stored) co_return stored;
        loop.sent.insert(series.name);
        loop.brought = true;
        health_.took(loop.wanted, static_cast<std::int64_t>(news.size()));
    }
    if (!series.readings.empty()) from = std::min(from, series.readings.front().read_at);
    known.readings = merged(known.readings, series.readings, from);
    if (!known.readings.empty())
        known.withdrawn.erase(known.withdrawn.begin(),
                              known.withdrawn.lower_bound(known.readings.front().read_at));
    known.shown = known.shown || !series.readings.empty();
    loop.stored[series.name] = std::move(known);
    co_return true;
}

// Of the series that no rule reads, the newest reading, where nothing else tells that somebody
// polls and the source lives.
Task<bool> Poller::send_sign(Loop& loop, const Parsed& parsed) {
    std::map<std::string, Reading> newest;
    const Series* sign = nullptr;
    std::int64_t news = 0;
    for (const Series& series : parsed.series) {
        if (series.readings.empty() || loop.wanted.watched.contains(series.name)) continue;
        const Reading& last = series.readings.back();
        newest.emplace(series.name, last);
        const auto before = loop.newest.find(series.name);
        if (before != loop.newest.end() && before->second == last) continue;
        if (!is_double(parsed, series)) ++news;
        if (!sign || last.read_at > sign->readings.back().read_at) sign = &series;
    }
    const auto heard = links_.heard.of(loop.wanted.realm, loop.wanted.source.source_id()).newest;
    if (sign && !loop.brought && (!heard || sign->readings.back().read_at > *heard) &&
        !co_await append(loop, record_of(loop.wanted, *sign, std::span{sign->readings}.last(1))))
        co_return false;
    if (loop.replaced) co_return true;
    health_.took(loop.wanted, news);
    loop.newest = std::move(newest);
    co_return true;
}

// Who stands in has weighed what it met in the stream itself, by the rules as they are since this
// loop began: that counts as sent. A leader sends all that it did not send, see poller.hpp.
Poller::Known Poller::as_stored(Loop& loop, const Series& series) const {
    auto heard =
        links_.heard.series(loop.wanted.realm, loop.wanted.source.source_id(), series.name);
    if (heard && loop.stand_in != 0 && heard->met_at >= loop.began) loop.sent.insert(series.name);
    Known known;
    const auto own = loop.stored.find(series.name);
    if (own != loop.stored.end()) {
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
        loop.sent.erase(series.name);
    }
    return known;
}

Task<bool> Poller::append(const Loop& loop, v1::Readings record) {
    const std::string& realm = loop.wanted.realm;
    const std::string body = record.SerializeAsString();
    // A list of series brings no reading, by which others could tell who polls.
    const bool tells = loop.stand_in != 0 && record.readings_size() > 0;
    if (tells) links_.heard.expect(realm, body, loop.stand_in);
    runtime::Answered<bool> appending{
        links_.post,
        [&](auto done) { links_.ledger.append_stream("readings", realm, body, std::move(done)); }};
    const bool stored = co_await appending;
    if (!stored && tells) links_.heard.expect_not(realm, body);
    co_return stored;
}

}  // namespace tocsin::trigger
