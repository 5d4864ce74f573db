// `feed`: Tocsin's own public feed. The alert becomes public without a request: it is shown from T0
// on, once its claim counted (see view.hpp). What is left to do is to see it as the public does.
#include "publishing/channel.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5s;
constexpr auto poll_first = 20ms;
constexpr auto poll_max = 250ms;

Task<Prepared> prepare(Wire&, const Job&) { co_return Prepared{.ready = true}; }

Task<Found> look(Wire& wire, const Job& job) {
    runtime::HttpRequest request;
    request.url = job.delivery.fixed().permalink();
    request.timeout = 2s;
    // The feed's address is the operator's own setting, not somebody's input.
    request.allow_private_addresses = true;
    const auto answer = co_await wire.http.send(std::move(request));
    Found found{.url = job.delivery.fixed().permalink(),
                .receipt = job.delivery.fixed().identifier()};
    if (!answer) {
        found.reason = fmt::format("The public feed does not answer: {}. Check the gateway.",
                                   answer.error().text);
    } else if (answer->status != 200) {
        found.reason = fmt::format(
            "The public feed answers {}. Check the gateway and its "
            "publishing-address.",
            answer->status);
    } else if (!job.body || answer->body != job.body->bytes()) {
        found.reason = "The public feed shows other bytes than those approved. Tell an operator.";
    } else {
        found.kind = Found::Kind::found;
    }
    co_return found;
}

Task<Outcome> fire(Wire& wire, const Job& job) {
    if (auto outcome = stopped(wire, job)) co_return std::move(*outcome);
    // For the skew it counts as written at the instant from which this instance's view shows it.
    const Time shown = std::max(wire.now(), runtime::from_proto(job.delivery.fixed().fire_at()));
    const auto deadline = wire.steady_now() + patience;
    std::chrono::milliseconds pause = poll_first;
    while (true) {
        Found seen = co_await look(wire, job);
        if (seen.kind == Found::Kind::found)
            co_return Outcome{.kind = "confirmed",
                              .reason = {},
                              .url = std::move(seen.url),
                              .receipt = std::move(seen.receipt),
                              .written_at = shown,
                              .confirmed_at = wire.now()};
        if (wire.steady_now() + pause >= deadline)
            co_return Outcome{
                .kind = "unknown", .reason = std::move(seen.reason), .written_at = shown};
        co_await wire.http.sleep_until(wire.steady_now() + pause);
        pause = std::min<std::chrono::milliseconds>(pause * 2, poll_max);
    }
}

}  // namespace

const ChannelWire& feed_wire() {
    static const ChannelWire wire{
        .kind = "feed", .absences_needed = 1, .prepare = prepare, .fire = fire, .find = look};
    return wire;
}

}  // namespace tocsin::publishing
