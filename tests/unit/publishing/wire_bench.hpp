// One armed delivery of a kind, beside everything that its adapter uses.
#pragma once

#include "fake_http.hpp"
#include "samples.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace tocsin::publishing {

using runtime::HttpError;
using runtime::HttpRequest;
using runtime::HttpResult;
using samples::Story;

struct Bench {
    SampleCredentials stored;
    FakeHttp http;
    Credentials credentials{stored.files(), {}};
    Wire wire{.http = http,
              .credentials = credentials,
              .world = "live",
              .allow_private_addresses = false,
              .off_limits = {},
              .now = [this] { return http.now; },
              .steady_now = [this] { return http.steady; },
              .on_feed =
                  [this](const std::string& realm, const std::string& identifier) {
                      EXPECT_EQ(realm, "bow");
                      EXPECT_EQ(identifier, job.delivery.fixed().identifier());
                      return ++looked < shown_after ? nullptr : shown;
                  },
              .account_ids = {}};
    // On the feed, from so many looks on.
    std::shared_ptr<const Sealed> shown;
    int looked = 0, shown_after = 0;
    const ChannelWire& channel;
    Job job;

    Bench(const std::string& kind, const std::string& delivery)
        : channel(*find_wire(kind)), job(make_job(delivery)) {}

    // `delivery` is the channel's id, with `:LANGUAGE` where the kind has a post for each. Throws
    // where no channel has such a delivery.
    static Job make_job(const std::string& delivery) {
        std::vector<v1::Event> channels;
        for (const content::ChannelKind& one : content::all_kinds())
            channels.push_back(samples::channel(channel_id(one.kind), std::string(one.kind)));
        Story story = samples::armed(channels);
        story.claim();
        if (!story.release().find(delivery))
            throw std::runtime_error("make_job has no channel with the delivery " + delivery);
        Job job;
        job.realm = "bow";
        job.delivery = story.whole(delivery);
        job.approved = story.release().content;
        job.body = story.release().body(story.delivery(delivery));
        return job;
    }
    Outcome fire() { return run(channel.fire(wire, job)); }
    Found find() { return run(channel.find(wire, job)); }
    Prepared prepare() { return run(channel.prepare(wire, job)); }
    void answers(HttpResult result) {
        http.answer = [result](const HttpRequest&) { return result; };
    }
};

inline std::string header(const HttpRequest& request, const std::string& name) {
    for (const auto& [key, value] : request.headers)
        if (key == name) return value;
    return {};
}

// An account whose posts are `posts`, and a server that answers POST with `status`.
inline FakeHttp::Answerer account(std::string posts, int status) {
    return [posts, status](const HttpRequest& request) -> HttpResult {
        if (request.method == "POST") return response(status, R"({"error":"no"})");
        if (request.url.ends_with("verify_credentials")) return response(200, R"({"id":"77"})");
        EXPECT_TRUE(request.url.contains("/api/v1/accounts/77/statuses?limit=40"));
        return response(200, request.url.contains("max_id=") ? "[]" : posts);
    };
}

// The posts of an account that shows what the job sends, and nothing else.
inline std::string shown_post(const Job& job, const std::string& created_at) {
    const auto body = nlohmann::json::parse(job.body->bytes());
    std::string html = "<p>";
    for (const char c : body["status"].get<std::string>())
        html += c == '\n' ? "<br />" : std::string(1, c);
    return nlohmann::json::array({{{"id", "9"},
                                   {"url", "https://toot.example.org/@a/9"},
                                   {"content", html + "</p>"},
                                   {"language", body["language"]},
                                   {"created_at", created_at}}})
        .dump();
}

}  // namespace tocsin::publishing
