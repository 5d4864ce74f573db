#include "publishing/channels/mastodon_account.hpp"

#include "publishing/channel.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using runtime::HttpRequest;
using runtime::HttpResult;

constexpr int64_t characters_by_default = 500;

// What an answer may have: an account, a post or an error is a few KiB, a server's description has
// its rules in every language, and each of the posts asked for may be long.
constexpr std::size_t answer_bytes_max = std::size_t{64} << 10;
constexpr std::size_t instance_bytes_max = std::size_t{256} << 10;
constexpr std::size_t posts_bytes_max = std::size_t{1} << 20;

// The id in the answer to verify_credentials; empty: there is none.
std::string account_id(const std::string& answer) {
    const json body = json::parse(answer, nullptr, false);
    if (!body.is_object() || !body.contains("id") || !body["id"].is_string()) return {};
    return body["id"].get<std::string>();
}

int64_t read_characters(const std::string& answer) {
    const json body = json::parse(answer, nullptr, false);
    if (!body.is_object()) return 0;
    static const json::json_pointer place{"/configuration/statuses/max_characters"};
    if (body.contains(place) && body[place].is_number_integer()) return body[place].get<int64_t>();
    const auto old_name = body.find("max_toot_chars");
    return old_name != body.end() && old_name->is_number_integer() ? old_name->get<int64_t>() : 0;
}

// 0: it does not say.
Task<std::optional<int64_t>> ask_characters(Wire& wire, const Job& job, const std::string& token,
                                            const char* path) {
    HttpRequest request = mastodon_request(wire, job, token, path);
    request.response_bytes_max = instance_bytes_max;
    const HttpResult answer = co_await wire.http.send(std::move(request));
    if (!answer || answer->status != 200) co_return 0;
    const auto read = [&answer] { return read_characters(answer->body); };
    co_return co_await runtime::read_aside(wire.aside, job.realm, answer->body.size(), read);
}

// A page of the account's posts, from the newest or behind the one named; else what is wrong.
Task<std::expected<std::string, std::string>> page_of_posts(Wire& wire, const Job& job,
                                                            const std::string& token,
                                                            const std::string& id,
                                                            const std::string& before) {
    HttpRequest request = mastodon_request(
        wire, job, token,
        fmt::format("/api/v1/accounts/{}/statuses?limit={}&exclude_reblogs=true{}{}", id,
                    posts_asked_for, before.empty() ? "" : "&max_id=", before));
    request.response_bytes_max = posts_bytes_max;
    HttpResult answer = co_await wire.http.send(std::move(request));
    if (!answer)
        co_return std::unexpected(
            fmt::format("The account cannot be read: {}.", answer.error().text));
    if (answer->status != 200)
        co_return std::unexpected(fmt::format("The account cannot be read ({}).", answer->status));
    co_return std::move(answer->body);
}

}  // namespace

HttpRequest mastodon_request(const Wire& wire, const Job& job, const std::string& token,
                             const std::string& path) {
    HttpRequest request;
    request.owner = job.realm;
    request.response_bytes_max = answer_bytes_max;
    std::string base = job.delivery.channel().url();
    while (base.ends_with('/')) base.pop_back();
    request.url = base + path;
    request.timeout = 10s;
    request.headers = {{"authorization", "Bearer " + token}, {"accept", "application/json"}};
    request.allow_private_addresses = wire.allow_private_addresses;
    return request;
}

Task<std::expected<std::string, std::string>> account(Wire& wire, const Job& job,
                                                      const std::string& token, bool anew) {
    const auto known = wire.account_ids.find(account_of(job.delivery.channel()));
    if (!anew && known != wire.account_ids.end()) co_return known->second;
    const HttpResult answer = co_await wire.http.send(
        mastodon_request(wire, job, token, "/api/v1/accounts/verify_credentials"));
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
    if (!is_mastodon_id(*id))
        co_return std::unexpected(
            "The server's answer holds no valid account id: check the channel's URL.");
    wire.account_ids[account_of(job.delivery.channel())] = *id;
    co_return std::move(*id);
}

Task<std::optional<int64_t>> characters_max(Wire& wire, const Job& job, const std::string& token) {
    for (const char* path : {"/api/v2/instance", "/api/v1/instance"}) {
        const auto said = co_await ask_characters(wire, job, token, path);
        if (!said || *said > 0) co_return said;
    }
    co_return characters_by_default;
}

Task<std::expected<Shown, std::string>> look_for_posts(Wire& wire, const Job& job,
                                                       const std::string& token) {
    const auto id = co_await account(wire, job, token, false);
    if (!id) co_return std::unexpected(id.error());
    PostSearch search{job};
    for (int page = 0; page < pages_max; ++page) {
        const auto posts = co_await page_of_posts(wire, job, token, *id, search.last_id());
        if (!posts) co_return std::unexpected(posts.error());
        const auto read = [&search, &posts] { return search.read(*posts); };
        const auto after = co_await runtime::read_aside(wire.aside, job.realm, posts->size(), read);
        if (!after) co_return std::unexpected(too_many_answers);
        if (*after == PostSearch::After::unreadable)
            co_return std::unexpected("The server's list of posts cannot be read.");
        if (*after == PostSearch::After::over) co_return search.shown();
    }
    co_return std::unexpected(
        fmt::format("The account shows more than {} posts since then, and the message is not among "
                    "those: look at it by hand.",
                    pages_max * posts_asked_for));
}

}  // namespace tocsin::publishing
