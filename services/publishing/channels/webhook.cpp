// `webhook`: Standard Webhooks. The id is the same in every attempt, by which the receiver knows a
// repeat; so the answer to "did it arrive?" is to send it again.
#include "publishing/channels/webhook.hpp"

#include "publishing/delivery.hpp"
#include "publishing/wire.hpp"
#include "runtime/base/digest.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {

std::string webhook_signature(const std::vector<std::string>& keys, std::string_view id,
                              int64_t timestamp, std::string_view body) {
    const std::string signed_text = fmt::format("{}.{}.{}", id, timestamp, body);
    std::string all;
    for (const std::string& key : keys)
        all += fmt::format("{}v1,{}", all.empty() ? "" : " ",
                           runtime::base64(runtime::hmac_sha256(key, signed_text)));
    return all;
}

namespace {

using namespace std::chrono_literals;

Task<Prepared> prepare(Wire& wire, const Job& job) {
    const v1::Channel& channel = job.delivery.channel();
    const auto credential = credential_of(wire, job);
    if (!credential) co_return Prepared{.reason = credential.error()};
    runtime::HttpRequest request;
    request.owner = job.realm;
    request.method = "HEAD";
    request.url = channel.url();
    request.timeout = 5s;
    request.allow_private_addresses = wire.allow_private_addresses;
    // Any answer will do, even an error: the name resolves, the host talks, the connection is warm.
    const auto answer = co_await wire.http.send(std::move(request));
    if (!answer && answer.error().kind == runtime::HttpError::Kind::not_sent)
        co_return Prepared{
            .reason = fmt::format("The receiver cannot be reached: {}.", answer.error().text)};
    co_return Prepared{.ready = true};
}

Outcome read_answer(const runtime::HttpResponse& answer, const Job& job, Time now) {
    Outcome outcome;
    outcome.written_at = answer.written_at;
    const int status = answer.status;
    if (status >= 200 && status < 300) {
        outcome.kind = v1::OUTCOME_CONFIRMED;
        outcome.receipt = job.delivery.idempotency_key();
        outcome.confirmed_at = answer.answered_at;
        return outcome;
    }
    if (status == 429 || status == 503) {
        outcome.kind = v1::OUTCOME_RETRY_LATER;
        outcome.reason =
            fmt::format("The receiver answered {}: the message is sent again later.", status);
        outcome.retry_after = asked_wait(answer, now).value_or(Duration{});
        return outcome;
    }
    // It is sent again all the same; but until then a retraction must reach a receiver that may
    // have it. 409 and 422 may be the answer to a repeat of what it has.
    if (status >= 500 || status == 408 || status == 409 || status == 422) {
        outcome.kind = v1::OUTCOME_UNKNOWN;
        outcome.reason = fmt::format("The receiver answered {}: it may have it or not.", status);
        return outcome;
    }
    if (status == 410) {
        outcome.kind = v1::OUTCOME_REFUSED;
        outcome.reason = "The receiver is gone for good (410): remove the channel.";
        return outcome;
    }
    // Standard Webhooks, "Delivery": everything else is tried again.
    outcome.kind = v1::OUTCOME_RETRY_LATER;
    outcome.retry_after = retry_after(answer, now).value_or(Duration{});
    if (status >= 300 && status < 400)
        outcome.reason = fmt::format(
            "The receiver redirects ({}), which is never followed: set the final URL.", status);
    else
        outcome.reason = fmt::format(
            "The receiver answered {}: the message is sent again later; ask the receiver's "
            "operator.",
            status);
    return outcome;
}

Task<Outcome> fire(Wire& wire, const Job& job) {
    const v1::Channel& channel = job.delivery.channel();
    const auto credential = credential_of(wire, job);
    if (!credential) co_return without_credential(wire, job, credential.error());
    const v1::Delivery& delivery = job.delivery;
    const int64_t timestamp =
        std::chrono::floor<std::chrono::seconds>(wire.now()).time_since_epoch().count();
    runtime::HttpRequest request;
    request.owner = job.realm;
    request.method = "POST";
    request.url = channel.url();
    if (job.body) request.body = job.body->bytes();
    request.timeout = post_lifetime;
    request.allow_private_addresses = wire.allow_private_addresses;
    request.headers = {
        {"content-type", delivery.rendition().media_type()},
        {"webhook-id", delivery.idempotency_key()},
        {"webhook-timestamp", fmt::format("{}", timestamp)},
        {"webhook-signature",
         webhook_signature(credential->keys, delivery.idempotency_key(), timestamp, request.body)}};
    if (!job.traceparent.empty()) request.headers.emplace_back("traceparent", job.traceparent);
    request.veto = last_check(job);
    if (auto outcome = stopped(wire, job)) co_return std::move(*outcome);
    const auto answer = co_await wire.http.send(std::move(request));
    if (!answer) co_return failed(answer.error());
    co_return read_answer(*answer, job, wire.now());
}

// The receiver knows a repeat by its id: it is sent again, for the reason that there is already.
Task<Found> find(Wire&, const Job&) { co_return Found{.kind = Found::Kind::absent}; }

}  // namespace

const ChannelWire& webhook_wire() {
    static const ChannelWire wire{
        .kind = "webhook", .absences_needed = 1, .prepare = prepare, .fire = fire, .find = find};
    return wire;
}

}  // namespace tocsin::publishing
