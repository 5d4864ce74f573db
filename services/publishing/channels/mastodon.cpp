// `mastodon`: any server with Mastodon's client API. Its idempotency key lasts an hour and some
// servers ignore it, so a post that may exist is looked for before it is made again. A long text is
// a thread: its posts are made in order, and a retry goes on with the first that is not there.
#include "content/graphemes.hpp"
#include "publishing/channels/mastodon_account.hpp"
#include "publishing/delivery.hpp"
#include "publishing/limits.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tocsin::publishing {
namespace {

using nlohmann::json;
using runtime::HttpRequest;
using runtime::HttpResponse;
using runtime::HttpResult;

Task<Prepared> prepare(Wire& wire, const Job& job) {
    const auto credential = credential_of(wire, job);
    if (!credential) co_return Prepared{.reason = credential.error()};
    const auto id = co_await account(wire, job, credential->token, true);
    if (!id) co_return Prepared{.reason = id.error()};
    // Whether the text fits is decided by the decider, which renders it with this limit.
    const auto text_max = co_await characters_max(wire, job, credential->token);
    if (!text_max) co_return Prepared{.reason = too_many_answers};
    co_return Prepared{.ready = true, .reason = {}, .text_max = *text_max};
}

Task<Found> find(Wire& wire, const Job& job) {
    const auto credential = credential_of(wire, job);
    if (!credential) co_return Found{.reason = credential.error()};
    const auto shown = co_await look_for_posts(wire, job, credential->token);
    if (!shown) co_return Found{.reason = shown.error()};
    const std::size_t posts = statuses_of(job).size();
    if (shown->posts == 0)
        co_return Found{.kind = Found::Kind::absent,
                        .reason = "The account does not show the post."};
    // What is missing of it is sent like what is missing altogether.
    if (shown->posts < posts)
        co_return Found{.kind = Found::Kind::absent,
                        .reason = fmt::format("The account shows {} of the {} posts of the thread.",
                                              shown->posts, posts)};
    co_return Found{
        .kind = Found::Kind::found, .reason = {}, .url = shown->url, .receipt = shown->id};
}

Outcome confirmed(const Shown& shown, const HttpResponse* answer, Time now) {
    return {.kind = v1::OUTCOME_CONFIRMED,
            .reason = {},
            .url = shown.url,
            .receipt = shown.id,
            .written_at = answer ? std::optional{answer->written_at} : std::nullopt,
            .confirmed_at = answer ? answer->answered_at : now};
}

std::string error_text(const HttpResponse& answer) {
    const json body = json::parse(answer.body, nullptr, false);
    if (!body.is_object() || !body.contains("error") || !body["error"].is_string()) return {};
    const std::string text = content::printable(body["error"].get<std::string>());
    return fmt::format(", \"{}\"", shortened(text, 200));
}

Outcome read_answer(const HttpResponse& answer, Time now) {
    const int status = answer.status;
    const auto wait = asked_wait(answer, now);
    if (status == 200) {
        const json post = json::parse(answer.body, nullptr, false);
        const bool whole = post.is_object() && post.contains("id") && post["id"].is_string();
        if (!whole)
            return {.kind = v1::OUTCOME_UNKNOWN,
                    .reason = "The server took it but its answer cannot be read.",
                    .written_at = answer.written_at};
        Shown shown{.posts = 1, .id = post["id"]};
        if (post.contains("url") && post["url"].is_string()) shown.url = post["url"];
        return confirmed(shown, &answer, now);
    }
    // Every answer names the time at which a limit begins anew; that says nothing of this request.
    if (status == 429 || (status == 503 && retry_after(answer, now))) {
        Outcome later{
            .kind = v1::OUTCOME_RETRY_LATER,
            .reason = fmt::format("The server limits the rate of requests ({}).", status)};
        later.retry_after = wait.value_or(Duration{});
        return later;
    }
    // An answer that the API does not name may come from somebody on the way.
    if (status >= 500 || status == 408 || (status > 200 && status < 300))
        return {.kind = v1::OUTCOME_UNKNOWN,
                .reason = fmt::format("The server answered {}: it may have it or not.", status),
                .written_at = answer.written_at};
    std::string advice = "check the channel's URL";
    if (status == 401) advice = "make a new token";
    if (status == 403) advice = "give the token the scope write:statuses";
    if (status == 422 || status == 400) advice = "post it by hand";
    return {.kind = v1::OUTCOME_REFUSED,
            .reason = fmt::format("The server refused it ({}{}): {}.", status, error_text(answer),
                                  advice),
            .written_at = answer.written_at};
}

// Its body aside; without it where that cannot be: the status says the most.
Task<Outcome> take_answer(Wire& wire, const Job& job, HttpResponse& answer) {
    const auto read = [&answer, now = wire.now()] { return read_answer(answer, now); };
    auto outcome = co_await runtime::read_aside(wire.aside, job.realm, answer.body.size(), read);
    if (outcome) co_return std::move(*outcome);
    answer.body.clear();
    co_return read_answer(answer, wire.now());
}

constexpr const char* reply_field = "in_reply_to_id";

// What its first post answers; empty for nothing.
std::string answered_by(const Job& job) {
    const json armed = json::parse(job.body->bytes(), nullptr, false);
    return armed.is_object() ? armed.value(reply_field, "") : std::string{};
}

// The bytes of one post: what follows from those that were armed and from what it answers.
std::string post_body(const Job& job, std::size_t index, const std::string& answered) {
    auto body = nlohmann::ordered_json::parse(job.body->bytes());
    const bool as_armed = index == 0 && !body.contains("thread");
    if (as_armed && body.value(reply_field, "") == answered) return job.body->bytes();
    if (index > 0) body["status"] = body.at("thread").at(index - 1);
    body.erase("thread");
    body.erase(reply_field);
    if (!answered.empty()) body[reply_field] = answered;
    return body.dump();
}

HttpRequest post_request(const Wire& wire, const Job& job, const std::string& token,
                         std::size_t index, const std::string& answered) {
    HttpRequest request = mastodon_request(wire, job, token, "/api/v1/statuses");
    request.method = "POST";
    request.timeout = post_lifetime;
    request.headers.emplace_back("content-type", "application/json");
    const std::string& key = job.delivery.idempotency_key();
    request.headers.emplace_back("idempotency-key",
                                 index == 0 ? key : fmt::format("{}-{}", key, index + 1));
    if (!job.traceparent.empty()) request.headers.emplace_back("traceparent", job.traceparent);
    request.veto = last_check(job);
    request.body = post_body(job, index, answered);
    return request;
}

// Makes the next post behind what is `shown`, and adds it to that.
Task<Outcome> post_next(Wire& wire, const Job& job, const std::string& token, Shown& shown) {
    const bool repeated = job.delivery.attempts() > 1;
    const std::string answered = shown.posts == 0 ? answered_by(job) : shown.end;
    HttpResult answer =
        co_await wire.http.send(post_request(wire, job, token, shown.posts, answered));
    // What it answers was deleted: it goes out all the same, as a post by itself.
    if (answer && answer->status == 404 && shown.posts == 0 && !answered.empty())
        answer = co_await wire.http.send(post_request(wire, job, token, shown.posts, {}));
    if (!answer) co_return failed(answer.error());
    Outcome outcome = co_await take_answer(wire, job, *answer);
    if (outcome.kind == v1::OUTCOME_CONFIRMED) {
        if (shown.posts == 0) shown = {.posts = 0, .id = outcome.receipt, .url = outcome.url};
        shown.end = outcome.receipt;
        ++shown.posts;
        co_return outcome;
    }
    // Some servers answer a repeat whose first request worked with 409, 422 or 500; and any request
    // may have been repeated on the way. What is not shown at once may be shown later.
    const bool duplicate = answer->status == 409 || answer->status == 422;
    if (duplicate || (repeated && answer->status == 500)) {
        auto after = co_await look_for_posts(wire, job, token);
        if (after && after->posts > shown.posts) {
            shown = std::move(*after);
            co_return confirmed(shown, &*answer, wire.now());
        }
        outcome.kind = v1::OUTCOME_UNKNOWN;
        outcome.refused_unless_found = duplicate;
    }
    co_return outcome;
}

// Of a thread of which `shown` is public: whatever became of the rest, it is public in part, and
// must be taken back with the message.
Outcome in_part(Outcome outcome, const Shown& shown, std::size_t posts) {
    outcome.kind = v1::OUTCOME_UNKNOWN;
    outcome.refused_unless_found = false;
    outcome.reason = fmt::format("{} of the {} posts of the thread are public. {}", shown.posts,
                                 posts, outcome.reason);
    return outcome;
}

Task<Outcome> fire(Wire& wire, const Job& job) {
    const auto credential = credential_of(wire, job);
    if (!credential) co_return without_credential(wire, job, credential.error());
    const std::size_t posts = statuses_of(job).size();
    Shown shown;
    if (job.delivery.attempts() > 1) {
        auto before = co_await look_for_posts(wire, job, credential->token);
        // Where nothing is in doubt any more, a person has looked.
        if (!before && job.doubted)
            co_return Outcome{.kind = v1::OUTCOME_RETRY_LATER, .reason = before.error()};
        if (before) shown = std::move(*before);
        if (posts > 0 && shown.posts == posts) co_return confirmed(shown, nullptr, wire.now());
    }
    if (auto outcome = stopped(wire, job)) co_return std::move(*outcome);
    std::optional<Time> written_at;
    while (true) {
        Outcome outcome = co_await post_next(wire, job, credential->token, shown);
        if (!written_at) written_at = outcome.written_at;
        if (outcome.kind != v1::OUTCOME_CONFIRMED)
            co_return shown.posts == 0 ? std::move(outcome)
                                       : in_part(std::move(outcome), shown, posts);
        if (shown.posts < posts) continue;
        // It was there from its first post on, and is whole with its last.
        outcome.written_at = written_at;
        outcome.url = shown.url;
        outcome.receipt = shown.id;
        co_return outcome;
    }
}

}  // namespace

const ChannelWire& mastodon_wire() {
    static const ChannelWire wire{.kind = "mastodon",
                                  // A busy server shows a post seconds after it took it.
                                  .absences_needed = 3,
                                  .prepare = prepare,
                                  .fire = fire,
                                  .find = find};
    return wire;
}

}  // namespace tocsin::publishing
