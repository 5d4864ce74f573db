// `feed`: Tocsin's own public feed. The alert becomes public without a request: it is shown from T0
// on, once its claim counted (see view.hpp). What is left to do is to see that it is.
#include "publishing/wire.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5s;
constexpr auto poll_first = 20ms;
constexpr auto poll_max = 250ms;

Task<Prepared> prepare(Wire&, const Job&) { co_return Prepared{.ready = true}; }

// Not by its address: gateways only pass on what views show, and a reader that keeps those busy
// must not keep a release in doubt.
Found look(const Wire& wire, const Job& job) {
    const auto& fixed = job.delivery.fixed();
    const auto shown = wire.on_feed(job.realm, fixed.identifier());
    Found found{.url = fixed.permalink(), .receipt = fixed.identifier()};
    if (!shown)
        found.reason = "The feed does not show it. Inform an operator.";
    else if (!job.body || shown->bytes() != job.body->bytes())
        found.reason = "The feed shows other bytes than those approved. Inform an operator.";
    else
        found.kind = Found::Kind::found;
    return found;
}

Task<Found> find(Wire& wire, const Job& job) { co_return look(wire, job); }

Task<Outcome> fire(Wire& wire, const Job& job) {
    if (auto outcome = stopped(wire, job)) co_return std::move(*outcome);
    // For the skew it counts as written at the instant from which this instance's view shows it.
    const Time shown = std::max(wire.now(), runtime::from_proto(job.delivery.fixed().fire_at()));
    const auto deadline = wire.steady_now() + patience;
    std::chrono::milliseconds pause = poll_first;
    while (true) {
        Found seen = look(wire, job);
        if (seen.kind == Found::Kind::found)
            co_return Outcome{.kind = v1::OUTCOME_CONFIRMED,
                              .reason = {},
                              .url = std::move(seen.url),
                              .receipt = std::move(seen.receipt),
                              .written_at = shown,
                              .confirmed_at = wire.now()};
        if (wire.steady_now() + pause >= deadline)
            co_return Outcome{
                .kind = v1::OUTCOME_UNKNOWN, .reason = std::move(seen.reason), .written_at = shown};
        co_await wire.http.sleep_until(wire.steady_now() + pause);
        pause = std::min<std::chrono::milliseconds>(pause * 2, poll_max);
    }
}

}  // namespace

const ChannelWire& feed_wire() {
    static const ChannelWire wire{
        .kind = "feed", .absences_needed = 1, .prepare = prepare, .fire = fire, .find = find};
    return wire;
}

}  // namespace tocsin::publishing
