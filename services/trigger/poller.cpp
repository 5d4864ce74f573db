#include "trigger/poller.hpp"

#include "runtime/logs.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <coroutine>

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
constexpr milliseconds look_again{1'000};
// No sleep is longer, so that a loop that was replaced ends soon.
constexpr milliseconds nap_most{30'000};
constexpr std::size_t batch_max = 500;
// A reading from further ahead is a clock gone wrong; taken, it would silence all that follow.
constexpr std::chrono::hours ahead_most{1};

milliseconds from_seconds(double seconds) {
    return milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

// Appends to the stream and resumes on the loop thread.
struct AppendAwaiter {
    const PollerLinks& links;
    const std::string& realm;
    std::string body;
    bool stored = false;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        auto done = [this, waiting](bool ok) {
            links.post([this, waiting, ok] {
                stored = ok;
                waiting.resume();
            });
        };
        links.ledger.append_stream("readings", realm, std::move(body), std::move(done));
    }
    bool await_resume() const noexcept { return stored; }
};

std::string bytes_of(const Wanted& wanted, const Series& series, std::size_t begin,
                     std::size_t end) {
    v1::Readings body;
    body.set_source_id(wanted.source.source_id());
    body.set_series(series.name);
    body.set_unit(series.unit);
    for (std::size_t i = begin; i < end; ++i) {
        auto& reading = *body.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(series.readings[i].read_at);
        reading.set_value(series.readings[i].value);
    }
    return body.SerializeAsString();
}

std::int64_t drop_future(Parsed& parsed, Time now) {
    std::int64_t dropped = 0;
    for (Series& series : parsed.series)
        dropped +=
            static_cast<std::int64_t>(std::erase_if(series.readings, [&](const Reading& reading) {
                return reading.read_at > now + ahead_most;
            }));
    return dropped;
}

}  // namespace

milliseconds retry_after(const std::string& header, Time now) {
    std::int64_t seconds = 0;
    const char* end = header.data() + header.size();
    const auto [stopped, error] = std::from_chars(header.data(), end, seconds);
    if (error != std::errc{} || stopped != end) {
        tm date{};
        const char* rest = strptime(header.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
        if (rest == nullptr || *rest != '\0') return milliseconds{0};
        const Time then{std::chrono::seconds{timegm(&date)}};
        seconds = std::chrono::ceil<std::chrono::seconds>(then - now).count();
    }
    const std::int64_t most = retry_after_most.count() / 1000;
    return milliseconds{std::clamp<std::int64_t>(seconds, 0, most) * 1000};
}

milliseconds backoff(int failures, double poll_seconds) {
    const milliseconds first = from_seconds(std::clamp(poll_seconds, 0.5, 5.0));
    return std::min(backoff_most, first * (std::int64_t{1} << std::clamp(failures - 1, 0, 16)));
}

struct Poller::Loop {
    Wanted wanted;
    const SourceFormat* format = nullptr;
    std::map<std::string, Time> appended;  // by series: time of the last reading known stored
    std::string etag, last_modified;       // of the last answer of which all is stored
    int failures = 0;
    bool leading = false;
    bool replaced = false;
    bool ended = false;
    // Owned here, so that a loop that still sleeps at the end is freed with the poller. Last: its
    // frame refers to the members above.
    std::optional<Task<void>> task;

    void forget() {
        appended.clear();
        etag.clear();
        last_modified.clear();
        failures = 0;
    }
};

Poller::Poller(PollerLinks links, HealthBook& health, bool allow_private_addresses)
    : links_(std::move(links)),
      health_(health),
      allow_private_addresses_(allow_private_addresses),
      jitter_(std::random_device{}()) {}

Poller::~Poller() = default;

void Poller::refresh(const std::vector<Wanted>& wanted) {
    std::erase_if(loops_, [](const auto& loop) { return loop->ended; });
    const auto same = [](const Wanted& a, const Wanted& b) {
        return a.realm == b.realm && a.source.source_id() == b.source.source_id() &&
               a.revision == b.revision;
    };
    for (auto& loop : loops_) {
        const bool before =
            std::exchange(loop->replaced, std::ranges::none_of(wanted, [&](const Wanted& one) {
                              return same(one, loop->wanted);
                          }));
        const bool gone = std::ranges::none_of(wanted, [&](const Wanted& one) {
            return one.realm == loop->wanted.realm &&
                   one.source.source_id() == loop->wanted.source.source_id();
        });
        // Nobody polls it any more: what was last seen of it must raise no alarm.
        if (gone && !before && loop->leading) health_.ended(loop->wanted);
    }
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
    loop->format = find_format(wanted.source.format());
    if (loop->format == nullptr) {
        // Put by a newer version of this service.
        health_.polled(wanted, "this version cannot read its format", false, links_.now());
        return;
    }
    Loop& started = *loops_.emplace_back(std::move(loop));
    started.task.emplace(run(started));
    // Runs up to its first wait; nobody awaits its end.
    started.task->await_suspend(std::noop_coroutine()).resume();
}

Task<void> Poller::run(Loop& loop) {
    while (!stopped_ && !loop.replaced) {
        const Tick began = links_.tick();
        Tick next = began + look_again;
        if (leads(loop)) {
            Outcome outcome;
            try {
                outcome = co_await poll(loop);
            } catch (const std::exception& failure) {
                outcome.error = failure.what();
            }
            const milliseconds wait = settle(loop, outcome);
            next = outcome.error.empty() ? std::max(links_.tick(), began + wait)
                                         : links_.tick() + wait;
        }
        co_await pause(loop, next);
    }
    loop.ended = true;
}

Task<void> Poller::pause(Loop& loop, Tick until) {
    // At least once: a late poll must not keep the loop thread to itself.
    do {
        co_await links_.http.sleep_until(std::min(until, links_.tick() + nap_most));
        if (stopped_ || loop.replaced || !loop.leading || !leads(loop)) co_return;
        health_.waited(loop.wanted, links_.now());
    } while (links_.tick() < until);
}

bool Poller::leads(Loop& loop) {
    const bool leading = links_.ledger.ready() && links_.ledger.leads(loop.wanted.realm);
    if (leading && !loop.leading) {
        // How far the one before came is not known here.
        loop.forget();
        health_.began(loop.wanted, links_.now());
    }
    if (!leading && loop.leading) health_.ended(loop.wanted);
    loop.leading = leading;
    return leading;
}

// Records how a poll went; how long to wait before the next.
milliseconds Poller::settle(Loop& loop, const Outcome& outcome) {
    const v1::Source& source = loop.wanted.source;
    if (!loop.replaced) health_.polled(loop.wanted, outcome.error, outcome.unchanged, links_.now());
    if (outcome.error.empty()) {
        if (std::exchange(loop.failures, 0) > 0)
            logs::info("source polled again",
                       {{"realm", loop.wanted.realm}, {"source", source.source_id()}});
        return std::max(from_seconds(source.poll_seconds()), outcome.wait_least);
    }
    if (++loop.failures == 1)
        logs::warn(
            "source not polled",
            {{"realm", loop.wanted.realm}, {"source", source.source_id()}, {"why", outcome.error}});
    const milliseconds longest = backoff(loop.failures, source.poll_seconds());
    std::uniform_int_distribution<std::int64_t> spread(longest.count() / 2, longest.count());
    return std::max(milliseconds{spread(jitter_)}, outcome.wait_least);
}

HttpRequest Poller::request_for(const Loop& loop) const {
    HttpRequest request;
    request.url = loop.wanted.source.url();
    request.timeout = request_timeout;
    request.response_bytes_max = body_bytes_max;
    request.allow_private_addresses = allow_private_addresses_;
    request.headers.emplace_back("Accept", loop.format->accept);
    if (!loop.etag.empty()) request.headers.emplace_back("If-None-Match", loop.etag);
    if (!loop.last_modified.empty())
        request.headers.emplace_back("If-Modified-Since", loop.last_modified);
    return request;
}

Task<Poller::Outcome> Poller::poll(Loop& loop) {
    HttpRequest request = request_for(loop);
    const runtime::HttpResult answer = co_await links_.http.send(std::move(request));
    if (!answer) co_return Outcome{answer.error().text.empty() ? "no answer" : answer.error().text};
    if (answer->status == 304) co_return Outcome{{}, true};
    if (answer->status == 200) co_return co_await take(loop, *answer);
    std::string error = fmt::format("HTTP status {}", answer->status);
    if (answer->status >= 300 && answer->status < 400)
        error += fmt::format(": it moved to {}; put that address",
                             answer->header("location").substr(0, 200));
    co_return Outcome{std::move(error), false,
                      retry_after(answer->header("retry-after"), links_.now())};
}

Task<Poller::Outcome> Poller::take(Loop& loop, const HttpResponse& answer) {
    auto parsed = loop.format->read(answer.body);
    if (!parsed) co_return Outcome{std::move(parsed.error())};
    const std::int64_t skipped = parsed->skipped + drop_future(*parsed, links_.now());
    health_.took(loop.wanted, 0, skipped, std::nullopt, links_.now());
    for (const Series& series : parsed->series) {
        const auto& readings = series.readings;
        const auto known = loop.appended.find(series.name);
        auto begin = static_cast<std::size_t>(
            known == loop.appended.end()
                ? 0
                : std::ranges::upper_bound(readings, known->second, {}, &Reading::read_at) -
                      readings.begin());
        while (begin < readings.size()) {
            const std::size_t end = std::min(begin + batch_max, readings.size());
            if (stopped_ || loop.replaced) co_return Outcome{};
            const bool stored = co_await append(loop, series, begin, end);
            if (!stored) co_return Outcome{"the readings could not be stored"};
            loop.appended[series.name] = readings[end - 1].read_at;
            health_.took(loop.wanted, static_cast<std::int64_t>(end - begin), 0,
                         readings[end - 1].read_at, links_.now());
            begin = end;
        }
    }
    loop.etag = answer.header("etag");
    loop.last_modified = answer.header("last-modified");
    co_return Outcome{};
}

Task<bool> Poller::append(const Loop& loop, const Series& series, std::size_t begin,
                          std::size_t end) {
    AppendAwaiter awaiter{links_, loop.wanted.realm, bytes_of(loop.wanted, series, begin, end)};
    co_return co_await awaiter;
}

}  // namespace tocsin::trigger
