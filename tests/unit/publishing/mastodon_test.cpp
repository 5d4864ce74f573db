// The wire part of `mastodon`.
#include "content/content.hpp"
#include "content/graphemes.hpp"
#include "wire_bench.hpp"

#include <nlohmann/json.hpp>

namespace tocsin::publishing {
namespace {

TEST(Mastodon, PreparingReadsAccountAndLimit) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.http.answer = [](const HttpRequest& request) -> HttpResult {
        EXPECT_EQ(header(request, "authorization"), "Bearer secret-token");
        if (request.url.ends_with("verify_credentials")) return response(200, R"({"id":"77"})");
        EXPECT_TRUE(request.url.ends_with("/api/v2/instance"));
        return response(200, R"({"configuration":{"statuses":{"max_characters":5000}}})");
    };
    const Prepared prepared = bench.prepare();
    EXPECT_TRUE(prepared.ready);
    EXPECT_EQ(prepared.text_max, 5000);
    EXPECT_EQ(bench.wire.account_ids.size(), 1u);
}

TEST(Mastodon, AnOldServerHasTheOldLimit) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.http.answer = [](const HttpRequest& request) -> HttpResult {
        if (request.url.ends_with("verify_credentials")) return response(200, R"({"id":"77"})");
        return response(404);
    };
    EXPECT_EQ(bench.prepare().text_max, 500);
}

TEST(Mastodon, ABadTokenIsNotReady) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.answers(response(401, R"({"error":"The access token is invalid"})"));
    EXPECT_FALSE(bench.prepare().ready);
}

TEST(Mastodon, APostIsConfirmedWithIdAndUrl) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.answers(response(200, R"({"id":"9","url":"https://toot.example.org/@a/9"})"));
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(outcome.receipt, "9");
    EXPECT_EQ(outcome.url, "https://toot.example.org/@a/9");
    ASSERT_EQ(bench.http.sent.size(), 1u);
    EXPECT_EQ(header(bench.http.sent[0], "idempotency-key"), bench.job.delivery.idempotency_key());
    EXPECT_EQ(bench.http.sent[0].body, bench.job.body->bytes());
}

TEST(Mastodon, WhatIsSentIsWhatWasArmed) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.delivery.set_in_reply_to("9");
    bench.answers(response(200, R"({"id":"10"})"));
    bench.fire();
    EXPECT_EQ(bench.http.sent.at(0).body, bench.job.body->bytes());
}

// Somebody deleted what it answers: people are told all the same, and it is found again.
TEST(Mastodon, WhatAnswersAPostThatIsGoneIsPostedOnItsOwn) {
    Bench bench{"mastodon", "toot:fr-CA"};
    nlohmann::json body = nlohmann::json::parse(bench.job.body->bytes());
    body["in_reply_to_id"] = "5";
    const std::string bytes = body.dump();
    bench.job.body = std::make_shared<const Sealed>(bytes, content::digest(bytes));
    bench.http.answer = [](const HttpRequest& request) -> HttpResult {
        return request.body.contains("in_reply_to_id")
                   ? response(404, R"({"error":"Record not found"})")
                   : response(200, R"({"id":"9"})");
    };
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_CONFIRMED);
    ASSERT_EQ(bench.http.sent.size(), 2u);
    EXPECT_EQ(bench.http.sent[0].body, bytes);
    EXPECT_EQ(nlohmann::json::parse(bench.http.sent[1].body)["status"], body["status"]);
    EXPECT_EQ(header(bench.http.sent[1], "idempotency-key"), bench.job.delivery.idempotency_key());
    bench.http.answer = account(shown_post(bench.job, "2025-06-15T15:06:42.000Z"), 200);
    EXPECT_EQ(bench.find().kind, Found::Kind::found);
}

TEST(Mastodon, WhatAnAnswerMeans) {
    const std::pair<int, v1::Outcome> cases[] = {
        {201, v1::OUTCOME_UNKNOWN}, {401, v1::OUTCOME_REFUSED},     {403, v1::OUTCOME_REFUSED},
        {404, v1::OUTCOME_REFUSED}, {429, v1::OUTCOME_RETRY_LATER}, {500, v1::OUTCOME_UNKNOWN},
        {502, v1::OUTCOME_UNKNOWN}, {503, v1::OUTCOME_UNKNOWN}};
    for (const auto& [status, meaning] : cases) {
        Bench bench{"mastodon", "toot:fr-CA"};
        bench.answers(response(status, R"({"error":"no"})"));
        EXPECT_EQ(bench.fire().kind, meaning) << status;
        EXPECT_EQ(bench.http.count("POST"), 1) << status;
    }
}

TEST(Mastodon, AReplyThatIsCutOffIsUnknown) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.answers(response(200, R"({"id":"9","ur)"));
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_UNKNOWN);
    bench.answers(failure(HttpError::Kind::unknown_outcome));
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_UNKNOWN);
}

TEST(Mastodon, ALimitTellsHowLongInAnyForm) {
    const std::multimap<std::string, std::string> forms[] = {
        {{"retry-after", "30"}},
        {{"x-ratelimit-reset", "2025-06-15T15:07:12.000000Z"}},
        {{"x-ratelimit-reset", "1750000032"}},
        {{"x-ratelimit-reset", "30"}},
        {{"retry-after", "Sun, 15 Jun 2025 15:07:12 GMT"}}};
    for (const auto& form : forms) {
        Bench bench{"mastodon", "toot:fr-CA"};
        bench.answers(response(429, "{}", form));
        const Outcome outcome = bench.fire();
        EXPECT_EQ(outcome.kind, v1::OUTCOME_RETRY_LATER);
        EXPECT_EQ(outcome.retry_after, std::chrono::seconds{30}) << form.begin()->second;
    }
}

TEST(Mastodon, ARepeatLooksBeforeItPosts) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.delivery.set_attempts(2);
    bench.http.answer = account(shown_post(bench.job, "2025-06-15T15:06:42.000Z"), 200);
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(outcome.receipt, "9");
    EXPECT_EQ(bench.http.count("POST"), 0);
}

TEST(Mastodon, ARepeatThatCannotLookPostsNothingWhileInDoubt) {
    for (const bool doubted : {true, false}) {
        Bench bench{"mastodon", "toot:fr-CA"};
        bench.job.delivery.set_attempts(2);
        bench.job.doubted = doubted;
        // An account whose posts it may not read. A person who looked there had it sent again.
        bench.http.answer = [](const HttpRequest& request) -> HttpResult {
            if (request.method == "POST") return response(200, R"({"id":"9"})");
            if (request.url.ends_with("verify_credentials")) return response(200, R"({"id":"77"})");
            return response(403);
        };
        EXPECT_EQ(bench.fire().kind, doubted ? v1::OUTCOME_RETRY_LATER : v1::OUTCOME_CONFIRMED);
        EXPECT_EQ(bench.http.count("POST"), doubted ? 0 : 1);
    }
}

TEST(Mastodon, ARefusedRepeatIsReadBackFirst) {
    for (const int status : {422, 500}) {
        Bench bench{"mastodon", "toot:fr-CA"};
        bench.job.delivery.set_attempts(2);
        const std::string posted = shown_post(bench.job, "2025-06-15T15:06:42.000Z");
        bool after = false;
        bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
            if (request.method == "POST") after = true;
            return account(after ? posted : "[]", status)(request);
        };
        EXPECT_EQ(bench.fire().kind, v1::OUTCOME_CONFIRMED) << status;
    }
}

// A proxy may have sent the request twice.
TEST(Mastodon, ARefusalIsReadBackBeforeItIsBelieved) {
    for (const bool shown : {false, true}) {
        Bench bench{"mastodon", "toot:fr-CA"};
        const std::string posted = shown ? shown_post(bench.job, "2025-06-15T15:06:42.000Z") : "[]";
        bench.http.answer = account(posted, 422);
        // A busy server shows a post seconds later: it is looked for again.
        EXPECT_EQ(bench.fire().kind, shown ? v1::OUTCOME_CONFIRMED : v1::OUTCOME_UNKNOWN);
        EXPECT_EQ(bench.http.count("POST"), 1);
    }
}

TEST(Mastodon, WhatMayBeADuplicateIsNeverTakenForRefused) {
    for (const int status : {409, 422, 500}) {
        Bench bench{"mastodon", "toot:fr-CA"};
        bench.job.delivery.set_attempts(2);
        bench.http.answer = account("[]", status);
        const auto outcome = bench.fire();
        EXPECT_EQ(outcome.kind, v1::OUTCOME_UNKNOWN) << status;
        EXPECT_EQ(outcome.refused_unless_found, status != 500) << status;
    }
}

// 200 bytes end within the hundredth letter.
TEST(Mastodon, WhatAServerSaysIsCutBetweenCharacters) {
    std::string said = "a";
    for (int i = 0; i < 150; ++i) said += "\xC3\xA9";
    for (const std::string& error : {said, std::string("a\\u0000\\u0007b"), said + said}) {
        Bench bench{"mastodon", "toot:fr-CA"};
        bench.answers(response(401, "{\"error\":\"" + error + "\"}"));
        const std::string reason = bench.fire().reason;
        EXPECT_TRUE(content::is_printable(reason)) << reason;
        EXPECT_LT(reason.size(), 400u);
    }
}

// A server with `count` posts of a busy account before the one that is looked for.
FakeHttp::Answerer busy_account(const Job& job, int count, const std::string& other_time) {
    nlohmann::json posts = nlohmann::json::array();
    for (int id = 1000 + count; id > 1000; --id)
        posts.push_back({{"id", std::to_string(id)}, {"created_at", other_time}});
    posts.push_back(nlohmann::json::parse(shown_post(job, "2025-06-15T15:06:42.000Z"))[0]);
    return [posts](const HttpRequest& request) -> HttpResult {
        if (request.url.ends_with("verify_credentials")) return response(200, R"({"id":"77"})");
        const auto at = request.url.find("max_id=");
        const std::string before = at == std::string::npos ? "" : request.url.substr(at + 7);
        nlohmann::json page = nlohmann::json::array();
        bool behind = before.empty();
        for (const auto& post : posts) {
            if (behind && page.size() < 40) page.push_back(post);
            behind = behind || post["id"] == before;
        }
        return response(200, page.dump());
    };
}

TEST(Mastodon, ReadBackGoesThroughThePagesOfABusyAccount) {
    for (const auto& [others, found] :
         std::map<int, Found::Kind>{{39, Found::Kind::found},
                                    {40, Found::Kind::found},
                                    {399, Found::Kind::found},
                                    // More than anybody looks at.
                                    {400, Found::Kind::cannot_tell}}) {
        Bench bench{"mastodon", "toot:fr-CA"};
        bench.http.answer = busy_account(bench.job, others, "2025-06-15T15:06:50.000Z");
        EXPECT_EQ(bench.find().kind, found) << others;
        EXPECT_LE(bench.http.count("GET"), 11);
    }
}

TEST(Mastodon, ReadBackStopsAtPostsOfBeforeT0) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.http.answer = busy_account(bench.job, 400, "2025-06-15T14:00:00.000Z");
    EXPECT_EQ(bench.find().kind, Found::Kind::absent);
    EXPECT_EQ(bench.http.count("GET"), 2);
}

TEST(Mastodon, ReadBackFindsThePostByItsText) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.http.answer = account(shown_post(bench.job, "2025-06-15T15:06:42.000Z"), 200);
    const Found found = bench.find();
    EXPECT_EQ(found.kind, Found::Kind::found);
    EXPECT_EQ(found.receipt, "9");
}

TEST(Mastodon, ReadBackFindsThePostByItsLinkInItsLanguageOnly) {
    Bench bench{"mastodon", "toot:fr-CA"};
    const std::string link = bench.job.delivery.fixed().permalink();
    const auto post = [&](const std::string& words, const std::string& language) {
        return nlohmann::json::array(
                   {{{"id", "9"},
                     {"content", "<p>" + words + " <a href=\"" + link + "\">x</a>"},
                     {"language", language}}})
            .dump();
    };
    // Some servers show a mention, or a name, in other words.
    bench.http.answer = account(post("other words", "fr"), 200);
    EXPECT_EQ(bench.find().kind, Found::Kind::found);
    bench.http.answer = account(post("other words", "en"), 200);
    EXPECT_EQ(bench.find().kind, Found::Kind::absent);
    // Its retraction, where no feed has a Cancel that could be linked to.
    bench.http.answer =
        account(post(bench.job.approved->parsed()->draft().retraction(0).headline(), "fr"), 200);
    EXPECT_EQ(bench.find().kind, Found::Kind::absent);
}

TEST(Mastodon, TheSameWordsOfAnEarlierFloodAreNotThePost) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.http.answer = account(shown_post(bench.job, "2025-06-01T00:00:00.000Z"), 200);
    EXPECT_EQ(bench.find().kind, Found::Kind::absent);
}

TEST(Mastodon, ReadBackThatFailsCannotTell) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.answers(response(500));
    EXPECT_EQ(bench.find().kind, Found::Kind::cannot_tell);
    bench.http.answer = account("{\"not\":\"a list\"}", 200);
    EXPECT_EQ(bench.find().kind, Found::Kind::cannot_tell);
}

TEST(Mastodon, NoAnswerIsTakenThatIsLargerThanItsKindNeeds) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.delivery.set_attempts(2);
    bench.http.answer = [](const HttpRequest& request) -> HttpResult {
        if (request.url.contains("/statuses?")) return response(200, "[]");
        if (request.url.contains("/instance")) return response(404);
        return response(200, R"({"id":"77"})");
    };
    bench.prepare();
    bench.fire();
    ASSERT_EQ(bench.http.sent.size(), 5u);
    for (const HttpRequest& request : bench.http.sent) {
        const bool posts = request.url.contains("/statuses?");
        const bool instance = request.url.contains("/instance");
        EXPECT_EQ(request.response_bytes_max, posts      ? 1u << 20
                                              : instance ? 256u << 10
                                                         : 64u << 10)
            << request.url;
        EXPECT_EQ(request.owner, "bow");
    }
}

}  // namespace
}  // namespace tocsin::publishing
