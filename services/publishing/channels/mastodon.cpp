// `mastodon`: any server with Mastodon's client API. Its idempotency key lasts an hour and some
// servers ignore it, so a post that may exist is looked for before it is made again.
#include "publishing/wire.hpp"

#include "content/graphemes.hpp"
#include "publishing/channels/mastodon_posts.hpp"
#include "publishing/delivery.hpp"
#include "publishing/limits.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using runtime::HttpRequest;
using runtime::HttpResponse;
using runtime::HttpResult;

constexpr int64_t characters_by_default = 500;

// What an answer may have: an account, a post or an error is a few KiB, a server's description has
// its rules in every language, and each of the posts asked for may be long.
constexpr std::size_t answer_bytes_max = std::size_t{64} << 10;
constexpr std::size_t instance_bytes_max = std::size_t{256} << 10;
constexpr std::size_t posts_bytes_max = std::size_t{1} << 20;

constexpr const char* too_many_answers =
    "Too many answers of the realm's channels wait to be read: the channel is queried again.";

HttpRequest make_request(const Wire& wire, const Job& job, const std::string& token,
                         const std::string& path, std::size_t bytes_max = answer_bytes_max) {
    HttpRequest request;
    request.owner = job.realm;
    request.response_bytes_max = bytes_max;
    std::string base = job.delivery.channel().url();
    while (base.ends_with('/')) base.pop_back();
    request.url = base + path;
    request.timeout = 10s;
    request.headers = {{"authorization", "Bearer " + token}, {"accept", "application/json"}};
    request.allow_private_addresses = wire.allow_private_addresses;
    return request;
}

std::string account_key(const Job& job) {
    return job.delivery.channel().url() + " " + job.delivery.channel().credential();
}

bool is_account_id(const std::string& id) {
    const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
    return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, plain);
}

// The id in the answer to verify_credentials; empty: there is none.
std::string account_id(const std::string& answer) {
    const json body = json::parse(answer, nullptr, false);
    if (!body.is_object() || !body.contains("id") || !body["id"].is_string()) return {};
    return body["id"].get<std::string>();
}

// The account's id, from memory or from the server; else what is wrong.
Task<std::expected<std::string, std::string>> account(Wire& wire, const Job& job,
                                                      const std::string& token, bool anew) {
    const auto known = wire.account_ids.find(account_key(job));
    if (!anew && known != wire.account_ids.end()) co_return known->second;
    const HttpResult answer = co_await wire.http.send(
        make_request(wire, job, token, "/api/v1/accounts/verify_credentials"));
    if (!answer)
        co_return std::unexpected(
            fmt::format("The server cannot be reached: {}.", answer.error().text));
    if (answer->status == 401 || answer->status == 403)
        co_return std::unexpected(
            fmt::format("The server does not accept the token ({}): make a new one with the scopes "
                        "read:accounts, read:statuses and write:statuses.",
                        answer->status));
    std::optional<std::string> id{""};
    if (answer->status == 200) {
        const auto read = [&answer] { return account_id(answer->body); };
        id = co_await runtime::read_aside(wire.aside, job.realm, answer->body.size(), read);
    }
    if (!id) co_return std::unexpected(too_many_answers);
    if (id->empty())
        co_return std::unexpected(fmt::format(
            "The server does not name the account ({}): check the channel's URL.", answer->status));
    // It becomes part of a path.
    if (!is_account_id(*id))
        co_return std::unexpected(
            "The server's answer holds no valid account id: check the channel's URL.");
    wire.account_ids[account_key(job)] = *id;
    co_return std::move(*id);
}

int64_t characters_max(const std::string& answer) {
    const json body = json::parse(answer, nullptr, false);
    if (!body.is_object()) return 0;
    static const json::json_pointer place{"/configuration/statuses/max_characters"};
    if (body.contains(place) && body[place].is_number_integer()) return body[place].get<int64_t>();
    const auto old_name = body.find("max_toot_chars");
    return old_name != body.end() && old_name->is_number_integer() ? old_name->get<int64_t>() : 0;
}

// How many characters the server says that a post may have; 0: it does not say.
Task<std::optional<int64_t>> ask_characters(Wire& wire, const Job& job, const std::string& token,
                                            const char* path) {
    const HttpResult answer =
        co_await wire.http.send(make_request(wire, job, token, path, instance_bytes_max));
    if (!answer || answer->status != 200) co_return 0;
    const auto read = [&answer] { return characters_max(answer->body); };
    co_return co_await runtime::read_aside(wire.aside, job.realm, answer->body.size(), read);
}

Task<Prepared> prepare(Wire& wire, const Job& job) {
    const auto credential = credential_of(wire, job);
    if (!credential) co_return Prepared{.reason = credential.error()};
    const auto id = co_await account(wire, job, credential->token, true);
    if (!id) co_return Prepared{.reason = id.error()};
    // Whether the text fits is decided by the decider, which renders it with this limit.
    for (const char* path : {"/api/v2/instance", "/api/v1/instance"}) {
        const auto text_max = co_await ask_characters(wire, job, credential->token, path);
        if (!text_max) co_return Prepared{.reason = too_many_answers};
        if (*text_max > 0) co_return Prepared{.ready = true, .reason = {}, .text_max = *text_max};
    }
    co_return Prepared{.ready = true, .reason = {}, .text_max = characters_by_default};
}

Task<Found> find(Wire& wire, const Job& job) {
    const auto credential = credential_of(wire, job);
    if (!credential) co_return Found{.reason = credential.error()};
    const auto id = co_await account(wire, job, credential->token, false);
    if (!id) co_return Found{.reason = id.error()};
    const HttpResult answer = co_await wire.http.send(
        make_request(wire, job, credential->token,
                     fmt::format("/api/v1/accounts/{}/statuses?limit={}&exclude_reblogs=true", *id,
                                 posts_asked_for),
                     posts_bytes_max));
    if (!answer)
        co_return Found{.reason =
                            fmt::format("The account cannot be read: {}.", answer.error().text)};
    if (answer->status != 200)
        co_return Found{.reason = fmt::format("The account cannot be read ({}).", answer->status)};
    const auto read = [&answer, &job] { return find_post(answer->body, job); };
    auto found = co_await runtime::read_aside(wire.aside, job.realm, answer->body.size(), read);
    if (!found) co_return Found{.reason = too_many_answers};
    co_return std::move(*found);
}

Outcome confirmed(Found found, const HttpResponse* answer, Time now) {
    return {.kind = v1::OUTCOME_CONFIRMED,
            .reason = {},
            .url = std::move(found.url),
            .receipt = std::move(found.receipt),
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
        Found found{.kind = Found::Kind::found, .reason = {}, .receipt = post["id"]};
        if (post.contains("url") && post["url"].is_string()) found.url = post["url"];
        return confirmed(std::move(found), &answer, now);
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

HttpRequest post_request(const Wire& wire, const Job& job, const std::string& token) {
    HttpRequest request = make_request(wire, job, token, "/api/v1/statuses");
    request.method = "POST";
    request.timeout = post_lifetime;
    request.headers.emplace_back("content-type", "application/json");
    request.headers.emplace_back("idempotency-key", job.delivery.idempotency_key());
    if (!job.traceparent.empty()) request.headers.emplace_back("traceparent", job.traceparent);
    request.veto = last_check(job);
    if (job.body) request.body = job.body->bytes();
    return request;
}

Task<Outcome> fire(Wire& wire, const Job& job) {
    const auto credential = credential_of(wire, job);
    if (!credential)
        co_return Outcome{.kind = v1::OUTCOME_RETRY_LATER, .reason = credential.error()};
    const bool repeated = job.delivery.attempts() > 1;
    if (repeated) {
        Found before = co_await find(wire, job);
        if (before.kind == Found::Kind::found)
            co_return confirmed(std::move(before), nullptr, wire.now());
        if (before.kind == Found::Kind::cannot_tell)
            co_return Outcome{.kind = v1::OUTCOME_RETRY_LATER, .reason = std::move(before.reason)};
    }
    if (auto outcome = stopped(wire, job)) co_return std::move(*outcome);
    HttpResult answer = co_await wire.http.send(post_request(wire, job, credential->token));
    if (!answer) co_return failed(answer.error());
    Outcome outcome = co_await take_answer(wire, job, *answer);
    // Some servers answer a repeat whose first request worked with 409, 422 or 500; and any request
    // may have been repeated on the way. What is not shown at once may be shown later.
    const bool duplicate = answer->status == 409 || answer->status == 422;
    if (duplicate || (repeated && answer->status == 500)) {
        Found after = co_await find(wire, job);
        if (after.kind == Found::Kind::found)
            co_return confirmed(std::move(after), &*answer, wire.now());
        outcome.kind = v1::OUTCOME_UNKNOWN;
        outcome.refused_unless_found = duplicate;
    }
    co_return outcome;
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
