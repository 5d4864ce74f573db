// `feed`: Tocsin's own public feed. The alert becomes public without a request: it is shown from T0
// on, once its claim counted (see view.hpp). What is left to do is to sign it, where the channel
// names a certificate, and to see that it is shown.
#include "publishing/wire.hpp"
#include "publishing/xml_signature.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5s;
constexpr auto poll_first = 20ms;
constexpr auto poll_max = 250ms;

std::string not_signed(const std::string& why) {
    return fmt::format("It could not be signed, so nothing was sent: {} Then retry the delivery.",
                       why);
}

// The certificate of its channel, which is valid at `when`.
std::expected<Certificate, std::string> certificate_of(Wire& wire, const Job& job, Time when) {
    auto credential = credential_of(wire, job);
    if (!credential) return std::unexpected(std::move(credential.error()));
    if (auto why = reason_invalid(credential->certificate, when); !why.empty())
        return std::unexpected(
            fmt::format("The credential `{}` {}.", job.delivery.channel().credential(), why));
    return std::move(credential->certificate);
}

Task<Prepared> prepare(Wire& wire, const Job& job) {
    if (job.delivery.channel().credential().empty()) co_return Prepared{.ready = true};
    if (const auto certificate = certificate_of(wire, job, wire.now()); !certificate)
        co_return Prepared{.reason = certificate.error()};
    co_return Prepared{.ready = true};
}

// By the time that the alert itself states, so that the same bytes come of every attempt.
Task<Signed> sign(Wire& wire, const Job& job) {
    const Time sent = runtime::from_proto(job.delivery.fixed().fire_at());
    const auto certificate = certificate_of(wire, job, sent);
    if (!certificate) co_return Signed{.reason = not_signed(certificate.error())};
    if (!job.body || !job.body->intact())
        co_return Signed{
            .reason = not_signed("The bytes are not those that were armed. Inform an operator.")};
    const auto make = [&] { return sign_alert(job.body->bytes(), *certificate); };
    const auto made =
        co_await runtime::read_aside(wire.aside, job.realm, job.body->bytes().size(), make);
    if (!made) co_return Signed{};
    if (!*made) co_return Signed{.reason = not_signed(made->error())};
    co_return Signed{.element = **made};
}

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
    static const ChannelWire wire{.kind = "feed",
                                  .absences_needed = 1,
                                  .prepare = prepare,
                                  .fire = fire,
                                  .find = find,
                                  .sign = sign};
    return wire;
}

}  // namespace tocsin::publishing
