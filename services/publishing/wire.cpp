#include "publishing/wire.hpp"

#include "content/content.hpp"
#include "content/publishers.hpp"
#include "publishing/channel_changes.hpp"
#include "runtime/base/planted.hpp"
#include "runtime/http/asked_wait.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {

// Why the message must not go there, whatever was decided before; empty where it may.
static std::string led_elsewhere(const Job& job, const content::Content& content) {
    if (job.delivery.purpose() != v1::PURPOSE_MESSAGE || planted(runtime::Bug::led_elsewhere))
        return {};
    return reason_apart(content::find_target(content, job.delivery.channel_id()),
                        job.delivery.channel());
}

// Why it is a place of the live world; empty where it is none. What a feed shows goes nowhere.
static std::string off_limits(const Wire& wire, const v1::Channel& channel) {
    return wire.off_limits && !channel.url().empty() ? wire.off_limits(channel.url())
                                                     : std::string{};
}

std::optional<Outcome> stopped(const Wire& wire, const Job& job) {
    const auto refused = [](std::string reason) {
        return Outcome{.kind = v1::OUTCOME_REFUSED, .reason = std::move(reason)};
    };
    if (!job.approved || !job.approved->intact())
        return refused(
            "The content is not what was approved: nothing was sent. Inform an operator.");
    const auto& content = job.approved->parsed();
    if (!content) return refused("The approved content cannot be read: nothing was sent.");
    const bool exercise = content->draft().status() == content::v1::STATUS_EXERCISE;
    if (content->world() != wire.world || exercise != (wire.world == "exercise"))
        return refused(
            fmt::format("The content is of the {} world and this process of the {} world: nothing "
                        "was sent. Inform an operator.",
                        content->world(), wire.world));
    if (const std::string why = off_limits(wire, job.delivery.channel()); !why.empty())
        return refused(fmt::format("Nothing was sent: {}.", why));
    if (const std::string apart = led_elsewhere(job, *content); !apart.empty())
        return refused(apart);
    if (!job.body) return refused("There is nothing to send: the delivery was not armed.");
    if (!job.body->intact())
        return refused(
            "The bytes are not those that were armed: nothing was sent. Inform an operator.");
    // Saves a connection that would be of no use; the request checks again before its first byte.
    if (std::string veto = job.veto(); !veto.empty())
        return Outcome{.kind = v1::OUTCOME_STOOD_DOWN, .reason = std::move(veto)};
    return std::nullopt;
}

std::function<std::string()> last_check(const Job& job) {
    if (planted(runtime::Bug::checked_early)) return {};
    return job.veto;
}

std::expected<Credential, std::string> credential_of(Wire& wire, const Job& job) {
    const v1::Channel& channel = job.delivery.channel();
    if (const std::string why = off_limits(wire, channel); !why.empty())
        return std::unexpected(fmt::format("Nothing is sent there: {}.", why));
    return wire.credentials.load(channel.credential(), {.kind = channel.kind(),
                                                        .realm = job.realm,
                                                        .agency = channel.agency_id(),
                                                        .url = channel.url()});
}

Outcome without_credential(const Wire& wire, const Job& job, std::string why) {
    const bool never = !off_limits(wire, job.delivery.channel()).empty();
    return {.kind = never ? v1::OUTCOME_REFUSED : v1::OUTCOME_RETRY_LATER,
            .reason = std::move(why)};
}

Outcome failed(const runtime::HttpError& error) {
    Outcome outcome;
    switch (error.kind) {
        case runtime::HttpError::Kind::vetoed:
            outcome.kind = v1::OUTCOME_STOOD_DOWN;
            outcome.reason = error.text;
            break;
        case runtime::HttpError::Kind::not_sent:
            outcome.kind = v1::OUTCOME_RETRY_LATER;
            outcome.reason = fmt::format("The channel could not be reached: {}.", error.text);
            break;
        case runtime::HttpError::Kind::unknown_outcome:
        case runtime::HttpError::Kind::refused_by_limit:
            outcome.kind = v1::OUTCOME_UNKNOWN;
            outcome.reason = fmt::format("No usable answer: {}.", error.text);
            if (error.written_at != Time{}) outcome.written_at = error.written_at;
            break;
    }
    return outcome;
}

std::optional<Duration> retry_after(const runtime::HttpResponse& response, Time now) {
    const std::string text = response.header("retry-after");
    return text.empty() ? std::nullopt : runtime::read_wait(text, now);
}

std::optional<Duration> asked_wait(const runtime::HttpResponse& response, Time now) {
    for (const char* name : {"retry-after", "x-ratelimit-reset", "ratelimit-reset"}) {
        const std::string text = response.header(name);
        if (text.empty()) continue;
        if (const auto wait = runtime::read_wait(text, now)) return wait;
    }
    return std::nullopt;
}

}  // namespace tocsin::publishing
