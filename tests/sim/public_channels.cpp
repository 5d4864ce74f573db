#include "sim/public_channels.hpp"

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace tocsin::sim {

using nlohmann::json;
using runtime::HttpRequest;
using runtime::HttpResponse;

static HttpResponse answer(int status, std::string body = {}) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

std::string PublicChannels::key_of(const HttpRequest& request) {
    if (request.method != "POST") return {};
    for (const auto& [name, value] : request.headers)
        if (name == "webhook-id" || name == "idempotency-key") return value;
    return "none";
}

// A proxy that gave up, an answer that the standard does not name, a complaint about a repeat that
// somebody on the way made, or an answer that was cut off.
static HttpResponse wrong_answer(int way) {
    static constexpr int statuses[] = {500, 502, 504, 201, 422, 200};
    return answer(statuses[way], way == 5 ? "{" : "");
}

HttpResponse PublicChannels::serve(const HttpRequest& request, int spoilt, runtime::Time now) {
    if (request.method == "HEAD") return answer(405);
    if (request.method == "GET") {
        if (request.url.ends_with("verify_credentials"))
            return suspended_ ? answer(403) : answer(200, R"({"id":"77"})");
        if (request.url.contains("/statuses")) return answer(200, list_posts(request.url));
        return answer(404);
    }
    const std::string key = key_of(request);
    if (suspended_ && request.url.contains("/api/v1/statuses")) return answer(403);
    if (spoilt == refuses) return answer(422);
    bodies_[key].push_back(request.body);
    if (!request.url.contains("/api/v1/statuses"))
        // Of a receiver 422 is its own word.
        return spoilt >= 0 && spoilt != 4 ? wrong_answer(spoilt) : answer(204);
    const auto [place, added] = post_of_.try_emplace(key, posts_.size());
    if (added) {
        const json body = json::parse(request.body);
        posts_.push_back({key, body.at("status"), body.at("language"),
                          body.value("in_reply_to_id", ""),
                          fmt::format("{:%FT%T}Z", std::chrono::floor<std::chrono::seconds>(now))});
    }
    return spoilt >= 0 ? wrong_answer(spoilt)
                       : answer(200, json{{"id", std::to_string(place->second + 1)}}.dump());
}

static json reply_to(const std::string& id) { return id.empty() ? json{} : json(id); }

std::string PublicChannels::list_posts(const std::string& url) const {
    static constexpr std::string_view older_than = "max_id=";
    const auto at = url.find(older_than);
    const std::size_t newest =
        at == url.npos ? posts_.size() : std::stoul(url.substr(at + older_than.size())) - 1;
    json list = json::array();
    for (std::size_t i = newest; i > 0 && list.size() < 40; --i)
        list.push_back({{"id", std::to_string(i)},
                        {"in_reply_to_id", reply_to(posts_[i - 1].in_reply_to)},
                        {"content", posts_[i - 1].status},
                        {"language", posts_[i - 1].language},
                        {"created_at", posts_[i - 1].created_at}});
    return list.dump();
}

int PublicChannels::shown(const std::string& key) const {
    const auto posts = std::ranges::count(posts_, key, &Post::key);
    if (posts > 0) return static_cast<int>(posts);
    return bodies_.contains(key) ? 1 : 0;
}

const std::vector<std::string>& PublicChannels::bodies(const std::string& key) const {
    static const std::vector<std::string> none;
    const auto found = bodies_.find(key);
    return found == bodies_.end() ? none : found->second;
}

std::vector<std::string> PublicChannels::keys() const {
    std::vector<std::string> all;
    for (const auto& [key, bodies] : bodies_) all.push_back(key);
    return all;
}

}  // namespace tocsin::sim
