// The wire part of `mastodon`, for a text that is a thread of posts.
#include "content/content.hpp"
#include "wire_bench.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>

namespace tocsin::publishing {
namespace {

using nlohmann::json;

// A delivery of three posts, and a server that shows what it took.
struct ThreadBench : Bench {
    json posts = json::array();  // the newest first
    // What becomes of the answer to the post of that number, from 1 on, that was asked for.
    std::function<std::optional<HttpResult>(int)> instead = [](int) { return std::nullopt; };
    int asked = 0;

    ThreadBench() : Bench("mastodon", "toot:fr-CA") {
        json body = json::parse(job.body->bytes());
        body["thread"] = {"La suite. (2/3)", "La fin. (3/3)"};
        const std::string bytes = body.dump();
        job.body = std::make_shared<const Sealed>(bytes, content::digest(bytes));
        http.answer = [this](const HttpRequest& request) { return serve(request); };
    }

    HttpResult serve(const HttpRequest& request) {
        if (request.url.ends_with("verify_credentials")) return response(200, R"({"id":"77"})");
        if (request.method == "GET")
            return response(200, request.url.contains("max_id=") ? "[]" : posts.dump());
        if (const std::string why = request.veto(); !why.empty())
            return std::unexpected(HttpError{HttpError::Kind::vetoed, why, {}});
        if (const auto result = instead(++asked)) return *result;
        return response(200, take(request).dump());
    }

    json take(const HttpRequest& request) {
        const json body = json::parse(request.body);
        const std::string id = std::to_string(posts.size() + 1);
        const json post{{"id", id},
                        {"url", "https://toot.example.org/@a/" + id},
                        {"content", "<p>" + body["status"].get<std::string>() + "</p>"},
                        {"language", body["language"]},
                        {"in_reply_to_id", body.value("in_reply_to_id", json{})},
                        {"created_at", "2025-06-15T15:06:42.000Z"}};
        posts.insert(posts.begin(), post);
        return post;
    }

    std::vector<HttpRequest> posted() const {
        std::vector<HttpRequest> all;
        for (const HttpRequest& request : http.sent)
            if (request.method == "POST") all.push_back(request);
        return all;
    }
};

TEST(MastodonThread, EachPostAnswersTheOneBeforeUnderAKeyOfItsOwn) {
    ThreadBench bench;
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, v1::OUTCOME_CONFIRMED) << outcome.reason;
    EXPECT_EQ(outcome.receipt, "1");
    EXPECT_EQ(outcome.url, "https://toot.example.org/@a/1");
    const auto posted = bench.posted();
    ASSERT_EQ(posted.size(), 3u);
    const json armed = json::parse(bench.job.body->bytes());
    for (std::size_t i = 0; i < 3; ++i) {
        const json body = json::parse(posted[i].body);
        EXPECT_EQ(body["status"], i == 0 ? armed["status"] : armed["thread"][i - 1]);
        EXPECT_EQ(body["language"], "fr");
        EXPECT_EQ(body["visibility"], "public");
        EXPECT_EQ(body.value("in_reply_to_id", ""), i == 0 ? "" : std::to_string(i));
        EXPECT_FALSE(body.contains("thread"));
    }
    const std::string& key = bench.job.delivery.idempotency_key();
    EXPECT_EQ(header(posted[0], "idempotency-key"), key);
    EXPECT_EQ(header(posted[1], "idempotency-key"), key + "-2");
    EXPECT_EQ(header(posted[2], "idempotency-key"), key + "-3");
}

// Whatever became of the second post: people see the first, and it must be taken back with it.
TEST(MastodonThread, WhatIsPublicInPartIsNeverTakenForNothing) {
    const HttpResult ends[] = {response(429),
                               response(403),
                               response(422),
                               response(503),
                               failure(HttpError::Kind::not_sent),
                               failure(HttpError::Kind::unknown_outcome)};
    for (const HttpResult& end : ends) {
        ThreadBench bench;
        bench.instead = [&](int number) { return number == 2 ? std::optional{end} : std::nullopt; };
        const Outcome outcome = bench.fire();
        EXPECT_EQ(outcome.kind, v1::OUTCOME_UNKNOWN);
        EXPECT_FALSE(outcome.refused_unless_found);
        EXPECT_TRUE(outcome.reason.starts_with("1 of the 3 posts of the thread are public."))
            << outcome.reason;
        EXPECT_EQ(bench.posted().size(), 2u);
        const Found found = bench.find();
        EXPECT_EQ(found.kind, Found::Kind::absent);
        EXPECT_TRUE(found.reason.contains("1 of the 3")) << found.reason;
    }
}

TEST(MastodonThread, OneThatIsStoppedOnItsWayGoesNoFurther) {
    ThreadBench bench;
    bench.job.veto = [&] { return std::string{bench.posts.empty() ? "" : "It was retracted."}; };
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, v1::OUTCOME_UNKNOWN);
    EXPECT_TRUE(outcome.reason.contains("It was retracted.")) << outcome.reason;
    EXPECT_EQ(bench.posts.size(), 1u);
}

TEST(MastodonThread, WhatFailsBeforeItsFirstPostIsAsForOnePost) {
    ThreadBench bench;
    bench.instead = [](int) { return std::optional<HttpResult>{response(429)}; };
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_RETRY_LATER);
    bench.instead = [](int) { return std::optional<HttpResult>{response(401)}; };
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_REFUSED);
    EXPECT_EQ(bench.find().kind, Found::Kind::absent);
}

TEST(MastodonThread, ARetryGoesOnWithTheFirstThatIsNotThere) {
    for (int there = 0; there <= 3; ++there) {
        ThreadBench bench;
        bench.instead = [&](int number) {
            return number == there + 1 ? std::optional<HttpResult>{response(502)} : std::nullopt;
        };
        bench.fire();
        EXPECT_EQ(bench.posts.size(), static_cast<std::size_t>(there));
        bench.instead = [](int) { return std::nullopt; };
        bench.job.delivery.set_attempts(2);
        const Outcome outcome = bench.fire();
        EXPECT_EQ(outcome.kind, v1::OUTCOME_CONFIRMED) << outcome.reason;
        EXPECT_EQ(outcome.receipt, "1");
        EXPECT_EQ(bench.posts.size(), 3u);
        EXPECT_EQ(bench.find().kind, Found::Kind::found);
    }
}

// The server took the second post, and says that it is a repeat.
TEST(MastodonThread, AComplaintOfARepeatIsLookedInto) {
    ThreadBench bench;
    bench.instead = [&](int number) -> std::optional<HttpResult> {
        if (number != 2) return std::nullopt;
        bench.take(bench.posted().back());
        return response(422, R"({"error":"duplicate"})");
    };
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(bench.posts.size(), 3u);
    EXPECT_EQ(bench.posts[0]["in_reply_to_id"], "2");
}

// The same words in answer to another post, such as that of an earlier flood.
TEST(MastodonThread, ThePostsOfAnotherThreadAreNotItsOwn) {
    ThreadBench bench;
    bench.instead = [](int number) {
        return number == 2 ? std::optional<HttpResult>{response(503)} : std::nullopt;
    };
    bench.fire();
    json other = bench.posts[0];
    other["id"] = "9";
    other["in_reply_to_id"] = "8";
    other["content"] = "La suite. (2/3)";
    bench.posts.insert(bench.posts.begin(), other);
    EXPECT_EQ(bench.find().kind, Found::Kind::absent);
    // As some servers show it: with other words, and the same number.
    bench.posts[0]["in_reply_to_id"] = "1";
    bench.posts[0]["content"] = "<p>La suite, autrement (2/3)</p>";
    EXPECT_TRUE(bench.find().reason.contains("2 of the 3"));
}

}  // namespace
}  // namespace tocsin::publishing
