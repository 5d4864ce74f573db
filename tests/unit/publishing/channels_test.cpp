#include "fake_http.hpp"
#include "publishing/channels/mastodon_posts.hpp"
#include "publishing/channels/webhook.hpp"
#include "samples.hpp"

#include "runtime/digest.hpp"

#include <nlohmann/json.hpp>

namespace tocsin::publishing {
namespace {

using runtime::HttpError;
using runtime::HttpRequest;
using runtime::HttpResult;
using samples::Story;

// One armed delivery of a kind, and everything its adapter may use.
struct Bench {
    CredentialFolder folder;
    FakeHttp http;
    Credentials credentials{folder.path, "live"};
    Wire wire{.http = http,
              .credentials = credentials,
              .world = "live",
              .allow_private_addresses = false,
              .now = [this] { return http.now; },
              .steady_now = [this] { return http.steady; },
              .account_ids = {}};
    const ChannelWire& channel;
    Job job;

    Bench(const std::string& kind, const std::string& delivery)
        : channel(*find_wire(kind)), job(make_job(delivery)) {}

    static Job make_job(const std::string& delivery) {
        Story story =
            samples::armed({samples::channel("feed", "feed"), samples::channel("hook", "webhook"),
                            samples::channel("toot", "mastodon")});
        story.claim();
        Job job;
        job.delivery = story.whole(delivery);
        job.approved = story.release().content;
        job.body = story.release().body(story.item(delivery));
        return job;
    }
    Outcome fire() { return run(channel.fire(wire, job)); }
    Found find() { return run(channel.find(wire, job)); }
    Prepared prepare() { return run(channel.prepare(wire, job)); }
    void answers(HttpResult result) {
        http.answer = [result](const HttpRequest&) { return result; };
    }
};

std::string header(const HttpRequest& request, const std::string& name) {
    for (const auto& [key, value] : request.headers)
        if (key == name) return value;
    return {};
}

TEST(StandardWebhooks, SignsAsThePublishedExampleDoes) {
    const auto key = runtime::unbase64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    EXPECT_EQ(webhook_signature({*key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                R"({"test": 2432232314})"),
              "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(StandardWebhooks, SignsOncePerKeyWhileASecretIsChanged) {
    const std::string both = webhook_signature({"old key", "new key"}, "id", 1, "{}");
    EXPECT_EQ(both, webhook_signature({"old key"}, "id", 1, "{}") + " " +
                        webhook_signature({"new key"}, "id", 1, "{}"));
}

TEST(Webhook, ASuccessIsConfirmedWithTheIdOfTheDelivery) {
    Bench bench{"webhook", "hook"};
    bench.answers(response(204));
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, "confirmed");
    EXPECT_EQ(outcome.written_at, bench.http.now);
    const HttpRequest& request = bench.http.sent.at(0);
    EXPECT_EQ(header(request, "webhook-id"), bench.job.delivery.idempotency_key());
    EXPECT_EQ(header(request, "webhook-timestamp"), "1750000002");
    EXPECT_TRUE(header(request, "webhook-signature").starts_with("v1,"));
    EXPECT_EQ(request.body, bench.job.body->bytes());
    EXPECT_FALSE(request.allow_private_addresses);
}

TEST(Webhook, WhatAnAnswerMeans) {
    const std::pair<int, std::string> cases[] = {
        {200, "confirmed"},   {301, "refused"}, {400, "refused"}, {410, "refused"},
        {429, "retry_later"}, {500, "unknown"}, {502, "unknown"}, {503, "retry_later"},
        {504, "unknown"},     {408, "unknown"}};
    for (const auto& [status, meaning] : cases) {
        Bench bench{"webhook", "hook"};
        bench.answers(response(status));
        EXPECT_EQ(bench.fire().kind, meaning) << status;
        EXPECT_EQ(bench.http.sent.size(), 1u) << "nothing is followed or repeated by itself";
    }
}

TEST(Webhook, RetryAfterIsObeyed) {
    Bench bench{"webhook", "hook"};
    bench.answers(response(503, "", {{"retry-after", "17"}}));
    EXPECT_EQ(bench.fire().retry_after, std::chrono::seconds{17});
}

TEST(Webhook, ATimeoutIsUnknownAndARefusedConnectionIsNot) {
    Bench bench{"webhook", "hook"};
    bench.answers(failure(HttpError::Kind::unknown_outcome));
    EXPECT_EQ(bench.fire().kind, "unknown");
    bench.answers(failure(HttpError::Kind::not_sent));
    EXPECT_EQ(bench.fire().kind, "retry_later");
    bench.answers(failure(HttpError::Kind::refused_by_limit));
    EXPECT_EQ(bench.fire().kind, "unknown");
}

TEST(Webhook, SendingItAgainIsTheWayToFindOut) {
    Bench bench{"webhook", "hook"};
    EXPECT_EQ(bench.find().kind, Found::Kind::absent);
    EXPECT_TRUE(bench.http.sent.empty());
}

TEST(Webhook, IsReadyWhenTheReceiverAnswersAnything) {
    Bench bench{"webhook", "hook"};
    bench.answers(response(405));
    EXPECT_TRUE(bench.prepare().ready);
    EXPECT_EQ(bench.http.sent.at(0).method, "HEAD");
    bench.answers(failure(HttpError::Kind::unknown_outcome));
    EXPECT_TRUE(bench.prepare().ready);
    bench.answers(failure(HttpError::Kind::not_sent));
    EXPECT_FALSE(bench.prepare().ready);
}

TEST(Webhook, IsNotReadyWithoutItsCredential) {
    Bench bench{"webhook", "hook"};
    std::filesystem::remove(bench.folder.path + "/hook");
    const Prepared prepared = bench.prepare();
    EXPECT_FALSE(prepared.ready);
    EXPECT_TRUE(prepared.reason.contains("hook"));
    EXPECT_TRUE(bench.http.sent.empty());
}

TEST(EveryAdapter, SendsNothingOfAnotherWorld) {
    for (const auto& [kind, delivery] : {std::pair{"feed", "feed"}, std::pair{"webhook", "hook"},
                                         std::pair{"mastodon", "toot:fr-CA"}}) {
        Bench bench{kind, delivery};
        bench.wire.world = "exercise";
        EXPECT_EQ(bench.fire().kind, "refused") << kind;
        EXPECT_TRUE(bench.http.sent.empty()) << kind;
    }
}

TEST(EveryAdapter, SendsNothingWithAnotherDigest) {
    for (const auto& [kind, delivery] : {std::pair{"feed", "feed"}, std::pair{"webhook", "hook"},
                                         std::pair{"mastodon", "toot:fr-CA"}}) {
        Bench bench{kind, delivery};
        std::string other = bench.job.approved->digest();
        other[0] = other[0] == 'a' ? 'b' : 'a';
        bench.job.approved = std::make_shared<const Approved>(bench.job.approved->bytes(), other);
        EXPECT_EQ(bench.fire().kind, "refused") << kind;
        EXPECT_TRUE(bench.http.sent.empty()) << kind;
    }
}

TEST(EveryAdapter, SendsNoOtherBytesThanThoseThatWereArmed) {
    for (const auto& [kind, delivery] : {std::pair{"feed", "feed"}, std::pair{"webhook", "hook"},
                                         std::pair{"mastodon", "toot:fr-CA"}}) {
        Bench bench{kind, delivery};
        bench.job.body =
            std::make_shared<const Sealed>(bench.job.body->bytes() + " ", bench.job.body->digest());
        EXPECT_EQ(bench.fire().kind, "refused") << kind;
        EXPECT_TRUE(bench.http.sent.empty()) << kind;
    }
}

TEST(EveryAdapter, StandsDownWhenItsClaimIsOver) {
    for (const auto& [kind, delivery] : {std::pair{"feed", "feed"}, std::pair{"webhook", "hook"},
                                         std::pair{"mastodon", "toot:fr-CA"}}) {
        Bench bench{kind, delivery};
        bench.job.veto = [] { return std::string{"too late"}; };
        EXPECT_EQ(bench.fire().kind, "stood_down") << kind;
        EXPECT_TRUE(bench.http.sent.empty()) << kind;
    }
}

TEST(Feed, IsConfirmedOnceThePublicSeesExactlyTheApprovedBytes) {
    Bench bench{"feed", "feed"};
    int asked = 0;
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        EXPECT_EQ(request.url, bench.job.delivery.fixed().permalink());
        return ++asked < 3 ? response(404) : response(200, bench.job.body->bytes());
    };
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, "confirmed");
    EXPECT_EQ(outcome.receipt, bench.job.delivery.fixed().identifier());
    EXPECT_EQ(asked, 3);
}

TEST(Feed, OtherBytesOrNoneAreUnknownAfterFiveSeconds) {
    Bench bench{"feed", "feed"};
    const Time before = bench.http.now;
    bench.answers(response(200, "<alert/>"));
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, "unknown");
    EXPECT_TRUE(outcome.reason.contains("other bytes"));
    EXPECT_LE(bench.http.now - before, std::chrono::seconds{5});
    bench.answers(response(404));
    EXPECT_EQ(bench.find().kind, Found::Kind::cannot_tell);
}

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
    EXPECT_EQ(outcome.kind, "confirmed");
    EXPECT_EQ(outcome.receipt, "9");
    EXPECT_EQ(outcome.url, "https://toot.example.org/@a/9");
    ASSERT_EQ(bench.http.sent.size(), 1u);
    EXPECT_EQ(header(bench.http.sent[0], "idempotency-key"), bench.job.delivery.idempotency_key());
    EXPECT_EQ(bench.http.sent[0].body, bench.job.body->bytes());
}

TEST(Mastodon, ARetractionAnswersTheOriginal) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.delivery.set_in_reply_to("9");
    bench.answers(response(200, R"({"id":"10"})"));
    bench.fire();
    EXPECT_EQ(nlohmann::json::parse(bench.http.sent.at(0).body)["in_reply_to_id"], "9");
}

TEST(Mastodon, WhatAnAnswerMeans) {
    const std::pair<int, std::string> cases[] = {
        {201, "unknown"},     {401, "refused"}, {403, "refused"}, {404, "refused"},
        {429, "retry_later"}, {500, "unknown"}, {502, "unknown"}, {503, "unknown"}};
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
    EXPECT_EQ(bench.fire().kind, "unknown");
    bench.answers(failure(HttpError::Kind::unknown_outcome));
    EXPECT_EQ(bench.fire().kind, "unknown");
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
        EXPECT_EQ(outcome.kind, "retry_later");
        EXPECT_EQ(outcome.retry_after, std::chrono::seconds{30}) << form.begin()->second;
    }
}

// An account whose posts are `posts`, and a server that answers POST with `status`.
FakeHttp::Answerer account(std::string posts, int status) {
    return [posts, status](const HttpRequest& request) -> HttpResult {
        if (request.method == "POST") return response(status, R"({"error":"no"})");
        if (request.url.ends_with("verify_credentials")) return response(200, R"({"id":"77"})");
        EXPECT_TRUE(request.url.contains("/api/v1/accounts/77/statuses?limit=40"));
        return response(200, posts);
    };
}

std::string shown_post(const Job& job, const std::string& created_at) {
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

TEST(Mastodon, ARepeatLooksBeforeItPosts) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.delivery.set_attempts(2);
    bench.http.answer = account(shown_post(bench.job, "2025-06-15T15:06:42.000Z"), 200);
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, "confirmed");
    EXPECT_EQ(outcome.receipt, "9");
    EXPECT_EQ(bench.http.count("POST"), 0);
}

TEST(Mastodon, ARepeatThatCannotLookPostsNothing) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.delivery.set_attempts(2);
    bench.answers(response(503));
    EXPECT_EQ(bench.fire().kind, "retry_later");
    EXPECT_EQ(bench.http.count("POST"), 0);
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
        EXPECT_EQ(bench.fire().kind, "confirmed") << status;
    }
}

// A proxy may have sent the request twice.
TEST(Mastodon, ARefusalIsReadBackBeforeItIsBelieved) {
    for (const bool shown : {false, true}) {
        Bench bench{"mastodon", "toot:fr-CA"};
        const std::string posted = shown ? shown_post(bench.job, "2025-06-15T15:06:42.000Z") : "[]";
        bench.http.answer = account(posted, 422);
        EXPECT_EQ(bench.fire().kind, shown ? "confirmed" : "refused");
        EXPECT_EQ(bench.http.count("POST"), 1);
    }
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
    const auto post = [&](const std::string& language) {
        return nlohmann::json::array({{{"id", "9"},
                                       {"content", "<p>other words <a href=\"" + link + "\">x</a>"},
                                       {"language", language}}})
            .dump();
    };
    bench.http.answer = account(post("fr"), 200);
    EXPECT_EQ(bench.find().kind, Found::Kind::found);
    bench.http.answer = account(post("en"), 200);
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

TEST(BareText, ForgetsMarkupAndBlanks) {
    EXPECT_EQ(bare_text("<p>L&#39;eau &amp; la <b>rive</b><br/>\n<a href=\"x\"><span>htt</span>ps"
                        "</a></p>"),
              "L'eau&larivehttps");
    EXPECT_EQ(bare_text("&#xe9;&nbsp;!"), "\xC3\xA9!");
}

TEST(CredentialFile, OfAnotherWorldOrKindIsNeverLoaded) {
    const std::string live = R"({"kind":"mastodon","token":"t"})";
    EXPECT_TRUE(parse_credential(live, "mastodon", "live"));
    EXPECT_FALSE(parse_credential(live, "mastodon", "exercise"));
    EXPECT_FALSE(parse_credential(live, "webhook", "live"));
    EXPECT_TRUE(parse_credential(R"({"kind":"mastodon","token":"t","world":"exercise"})",
                                 "mastodon", "exercise"));
}

TEST(CredentialFile, AWrongOneNeverShowsItsSecret) {
    for (const std::string text :
         {R"({"kind":"webhook","secrets":["hunter2"]})", "hunter2",
          R"({"kind":"webhook","secrets":["whsec_aHVudGVyMg=="]})", R"({"kind":"hunter2"})"}) {
        const auto credential = parse_credential(text, "webhook", "live");
        ASSERT_FALSE(credential);
        EXPECT_FALSE(credential.error().contains("hunter2"));
    }
}

TEST(CredentialFile, IsReadAgainWhenItChanges) {
    CredentialFolder folder;
    Credentials credentials{folder.path, "live"};
    EXPECT_EQ(credentials.load("toot", "mastodon")->token, "secret-token");
    folder.write("toot", R"({"kind":"mastodon","token":"another-token"})");
    EXPECT_EQ(credentials.load("toot", "mastodon")->token, "another-token");
    EXPECT_FALSE(credentials.load("../toot", "mastodon"));
}

TEST(CredentialFile, InProductionIsNoExampleAndClosedToOthers) {
    CredentialFolder folder;
    Credentials credentials{folder.path, "live", true};
    const auto load = [&](const std::string& secret, mode_t mode) {
        folder.write("own", R"({"kind":"webhook","secrets":["whsec_)" + secret + R"("]})");
        chmod((folder.path + "/own").c_str(), mode);
        return credentials.load("own", "webhook");
    };
    EXPECT_TRUE(load("q83vEjRWeJASNFZ4kBI0VniQEjRWeJASq1N5w2m8xTA=", 0600));
    EXPECT_FALSE(load("q83vEjRWeJASNFZ4kBI0VniQEjRWeJASq1N5w2m8xTQ=", 0644));
    EXPECT_FALSE(load("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw", 0600));
    EXPECT_FALSE(load("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0600));
    // Elsewhere an example does for a trial.
    EXPECT_TRUE((Credentials{folder.path, "live"}.load("own", "webhook")));
}

}  // namespace
}  // namespace tocsin::publishing
