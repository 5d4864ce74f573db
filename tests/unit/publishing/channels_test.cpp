#include "content/graphemes.hpp"
#include "fake_http.hpp"
#include "publishing/channels/mastodon_posts.hpp"
#include "publishing/channels/webhook.hpp"
#include "publishing/rpc.hpp"
#include "samples.hpp"

#include "runtime/base/digest.hpp"

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
    Credentials credentials{folder.path, {}};
    Wire wire{.http = http,
              .credentials = credentials,
              .world = "live",
              .allow_private_addresses = false,
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

    static Job make_job(const std::string& delivery) {
        Story story =
            samples::armed({samples::channel("feed", "feed"), samples::channel("hook", "webhook"),
                            samples::channel("toot", "mastodon")});
        story.claim();
        Job job;
        job.realm = "bow";
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
        {200, "confirmed"},   {204, "confirmed"},   {301, "retry_later"}, {400, "retry_later"},
        {401, "retry_later"}, {404, "retry_later"}, {410, "refused"},     {413, "retry_later"},
        {408, "unknown"},     {409, "unknown"},     {422, "unknown"},     {429, "retry_later"},
        {500, "unknown"},     {502, "unknown"},     {503, "retry_later"}, {504, "unknown"}};
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

TEST(Webhook, TheLimitsOfAGatewayDelayNoOtherAnswer) {
    Bench bench{"webhook", "hook"};
    bench.answers(response(404, "", {{"x-ratelimit-reset", "3000"}}));
    EXPECT_EQ(bench.fire().retry_after, Duration{});
    bench.answers(response(404, "", {{"retry-after", "17"}}));
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
    const Found found = bench.find();
    EXPECT_EQ(found.kind, Found::Kind::absent);
    EXPECT_EQ(found.reason, "") << "that is no news";
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

TEST(Feed, IsConfirmedOnceTheViewShowsExactlyTheApprovedBytes) {
    Bench bench{"feed", "feed"};
    bench.shown = bench.job.body;
    bench.shown_after = 3;
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, "confirmed");
    EXPECT_EQ(outcome.url, bench.job.delivery.fixed().permalink());
    EXPECT_EQ(outcome.receipt, bench.job.delivery.fixed().identifier());
    EXPECT_EQ(bench.looked, 3);
    EXPECT_EQ(bench.find().kind, Found::Kind::found);
    EXPECT_TRUE(bench.http.sent.empty()) << "whoever keeps the gateway busy has no part in it";
}

TEST(Feed, OtherBytesOrNoneAreUnknownAfterFiveSeconds) {
    Bench bench{"feed", "feed"};
    const Time before = bench.http.now;
    bench.shown = std::make_shared<const Sealed>("<alert/>", bench.job.body->digest());
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, "unknown");
    EXPECT_TRUE(outcome.reason.contains("other bytes"));
    EXPECT_LE(bench.http.now - before, std::chrono::seconds{5});
    bench.shown = nullptr;
    EXPECT_EQ(bench.find().kind, Found::Kind::cannot_tell);
    EXPECT_TRUE(bench.http.sent.empty());
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

TEST(Mastodon, WhatIsSentIsWhatWasArmed) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.delivery.set_in_reply_to("9");
    bench.answers(response(200, R"({"id":"10"})"));
    bench.fire();
    EXPECT_EQ(bench.http.sent.at(0).body, bench.job.body->bytes());
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
        // A busy server shows a post seconds later: it is looked for again.
        EXPECT_EQ(bench.fire().kind, shown ? "confirmed" : "unknown");
        EXPECT_EQ(bench.http.count("POST"), 1);
    }
}

TEST(Mastodon, WhatMayBeADuplicateIsNeverTakenForRefused) {
    for (const int status : {409, 422, 500}) {
        Bench bench{"mastodon", "toot:fr-CA"};
        bench.job.delivery.set_attempts(2);
        bench.http.answer = account("[]", status);
        const auto outcome = bench.fire();
        EXPECT_EQ(outcome.kind, "unknown") << status;
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

TEST(Channels, AVetoBeforeTheFirstByteStandsDown) {
    for (const char* kind : {"webhook", "mastodon"}) {
        Bench bench(kind, kind == std::string_view("webhook") ? "hook" : "toot:fr-CA");
        int asked = 0;
        bench.job.veto = [&] { return ++asked == 1 ? "" : "The claim was taken away."; };
        bench.http.answer = [](const HttpRequest& request) -> HttpResult {
            // As the client does once it is connected.
            if (request.veto)
                return std::unexpected(HttpError{HttpError::Kind::vetoed, request.veto(), {}});
            return response(200);
        };
        const Outcome outcome = bench.fire();
        EXPECT_EQ(outcome.kind, "stood_down") << kind;
        EXPECT_EQ(outcome.reason, "The claim was taken away.");
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

// A list with `before` other things, then the post.
std::string list_with(const Job& job, int before, const std::string& other = "{}") {
    const std::string posts = shown_post(job, "2025-06-15T15:06:42.000Z");
    std::string list = "[";
    for (int i = 0; i < before; ++i) list += other + ",";
    return list + posts.substr(1);
}

TEST(Mastodon, ReadBackLooksAtAsManyPostsAsItAskedFor) {
    Bench bench{"mastodon", "toot:fr-CA"};
    for (const char* other :
         {"{}", "[{\"content\":\"\"}]", "7", "{\"content\":[\"a\"],\"id\":{}}"}) {
        EXPECT_EQ(find_post(list_with(bench.job, 39, other), bench.job).kind, Found::Kind::found)
            << other;
        EXPECT_EQ(find_post(list_with(bench.job, 40, other), bench.job).kind, Found::Kind::absent)
            << other;
    }
    // Whatever follows, it is not even parsed.
    std::string open = "[";
    for (int i = 0; i < 40; ++i) open += "{},";
    EXPECT_EQ(find_post(open + "nonsense", bench.job).kind, Found::Kind::absent);
}

TEST(Mastodon, AListThatIsCutOffOrNoneIsNotAnAbsence) {
    Bench bench{"mastodon", "toot:fr-CA"};
    for (const char* odd :
         {"", "[", "[{}", "[{},", "{}", "7", "null", "[]x", "[{\"content\":\"\xff\"}]"})
        EXPECT_EQ(find_post(odd, bench.job).kind, Found::Kind::cannot_tell) << odd;
    for (const char* none : {"[]", "[{}]", "[[],{\"id\":[\"9\"]}]"})
        EXPECT_EQ(find_post(none, bench.job).kind, Found::Kind::absent) << none;
}

// A post without words is not the one that is looked for, whatever was to be sent.
TEST(Mastodon, NothingIsNotThePost) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.body = nullptr;
    EXPECT_EQ(find_post("[{\"content\":\"\"}]", bench.job).kind, Found::Kind::absent);
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
    EXPECT_EQ(bench.http.sent.size(), 5u);
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

// The loop fires for everybody.
TEST(Channels, WhatAServerSentIsReadAside) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.delivery.set_attempts(2);
    std::vector<std::size_t> read;
    bench.wire.aside = [&](const std::string& realm, std::size_t bytes, auto task, auto then) {
        EXPECT_EQ(realm, "bow");
        read.push_back(bytes);
        task();
        then(true);
    };
    std::vector<std::size_t> sent;
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        std::string body = request.url.contains("/statuses?") ? "[]" : R"({"id":"77"})";
        if (request.url.contains("/v1/instance")) body = R"({"max_toot_chars":700})";
        if (request.method == "POST") body = R"({"id":"9"})";
        sent.push_back(body.size());
        return response(200, body);
    };
    EXPECT_EQ(bench.prepare().text_max, 700);
    EXPECT_EQ(bench.fire().kind, "confirmed");
    EXPECT_EQ(read, sent);
    // Of a webhook's answer nothing is read: it waits for nobody.
    Bench hook{"webhook", "hook"};
    hook.wire.aside = [](const std::string&, std::size_t, auto, auto) { FAIL(); };
    hook.answers(response(204));
    EXPECT_TRUE(hook.prepare().ready);
    EXPECT_EQ(hook.fire().kind, "confirmed");
}

TEST(Channels, WhatCanNotBeReadNowIsNoAnswer) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.http.answer = account("[]", 200);
    ASSERT_EQ(bench.find().kind, Found::Kind::absent);
    bench.wire.aside = [](const std::string&, std::size_t, auto, auto then) { then(false); };
    EXPECT_EQ(bench.find().kind, Found::Kind::cannot_tell);
    EXPECT_FALSE(bench.prepare().ready);
    // The post may be there.
    EXPECT_EQ(bench.fire().kind, "unknown");
    bench.answers(response(401, R"({"error":"no"})"));
    EXPECT_EQ(bench.fire().kind, "refused");
}

TEST(Channels, AReaderThatFailsIsAFailureOfItsStep) {
    const runtime::Aside aside = runtime::aside_here();
    const auto step = [&]() -> Task<std::string> {
        const auto read = []() -> int { throw std::runtime_error("no memory"); };
        try {
            co_await runtime::read_aside(aside, "bow", 1, read);
        } catch (const std::runtime_error& failure) {
            co_return failure.what();
        }
        co_return "";
    };
    EXPECT_EQ(run(step()), "no memory");
}

TEST(BareText, ForgetsMarkupAndBlanks) {
    EXPECT_EQ(bare_text("<p>L&#39;eau &amp; la <b>rive</b><br/>\n<a href=\"x\"><span>htt</span>ps"
                        "</a></p>"),
              "L'eau&larivehttps");
    EXPECT_EQ(bare_text("&#xe9;&nbsp;!"), "\xC3\xA9!");
    EXPECT_EQ(bare_text("a\xC2\xA0 b&#160;&#xa0;c&#32;&#1234567;"), "abc&#1234567;");
}

// Each of these once took minutes: time grew with the square of the bytes.
TEST(BareText, TakesTimeThatGrowsWithItsBytes) {
    constexpr std::size_t size = 4u << 20;
    for (const std::string part : {"&#", "&", "<", "\xC2\xA0", "&#160;", "<>", " "}) {
        std::string html;
        while (html.size() < size) html += part;
        const auto began = std::chrono::steady_clock::now();
        EXPECT_LE(bare_text(html).size(), html.size());
        EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{5}) << part;
    }
}

// The channel that the files of the folder are for.
CredentialUse use_of(const std::string& kind, const std::string& id) {
    return {kind, "bow", "calgary", fmt::format("https://{}.example.org/in?x=1", id)};
}

TEST(CredentialFile, OfAnotherWorldIsNeverLoaded) {
    const std::string live = credential_text("mastodon", "toot", mastodon_secret);
    EXPECT_TRUE(parse_credential(live, "live"));
    EXPECT_FALSE(parse_credential(live, "exercise"));
    const std::string exercise =
        credential_text("mastodon", "toot", mastodon_secret + R"(,"world":"exercise")");
    EXPECT_TRUE(parse_credential(exercise, "exercise"));
    EXPECT_FALSE(parse_credential(exercise, "live"));
}

TEST(CredentialFile, NamesItsOwnerAndWhereItMayGo) {
    const auto parse = [](const std::string& owner) {
        return parse_credential("{\"kind\":\"mastodon\",\"token\":\"t\"" + owner + "}", "live");
    };
    EXPECT_TRUE(parse(R"(,"realm":"bow","agency":"calgary","origins":["https://a.example"])"));
    EXPECT_TRUE(parse(R"(,"realm":"bow","agency":"calgary","origins":["HTTPS://A.example:8443"])"));
    for (const char* owner :
         {"", R"(,"realm":"bow","agency":"calgary")",
          R"(,"realm":"","agency":"calgary","origins":["https://a.example"])",
          R"(,"realm":"bow","origins":["https://a.example"])",
          R"(,"realm":"bow","agency":"calgary","origins":[])",
          R"(,"realm":"bow","agency":"calgary","origins":"https://a.example")",
          R"(,"realm":"bow","agency":"calgary","origins":["https://a.example/path"])",
          R"(,"realm":"bow","agency":"calgary","origins":["https://u:p@a.example"])",
          R"(,"realm":"bow","agency":"calgary","origins":["a.example"])",
          R"(,"realm":"bow","agency":"calgary","origins":["ftp://a.example"])",
          R"(,"realm":"bow","agency":"calgary","origins":["*"])",
          R"(,"realm":"bow","agency":"calgary","origins":["https://"])"})
        EXPECT_FALSE(parse(owner)) << owner;
}

TEST(CredentialFile, AWrongOneNeverShowsItsSecret) {
    for (const std::string& text :
         {credential_text("webhook", "hook", R"("secrets":["hunter2"])"), std::string("hunter2"),
          credential_text("webhook", "hook", R"("secrets":["whsec_aHVudGVyMg=="])"),
          std::string(R"({"kind":"hunter2"})")}) {
        const auto credential = parse_credential(text, "live");
        ASSERT_FALSE(credential);
        EXPECT_FALSE(credential.error().contains("hunter2"));
    }
}

TEST(CredentialFile, IsReadAgainWhenItChanges) {
    CredentialFolder folder;
    Credentials credentials{folder.path, {}};
    EXPECT_EQ(credentials.load("toot", use_of("mastodon", "toot"))->token, "secret-token");
    folder.write("toot", credential_text("mastodon", "toot", R"("token":"another-token")"));
    EXPECT_EQ(credentials.load("toot", use_of("mastodon", "toot"))->token, "another-token");
    EXPECT_FALSE(credentials.load("../toot", use_of("mastodon", "toot")));
}

// What is asked, and what the refusal says.
struct Misuse {
    CredentialUse use;
    std::string said;
};

TEST(CredentialFile, IsGivenToItsOwnersChannelAlone) {
    CredentialFolder folder;
    Credentials credentials{folder.path, {}};
    const CredentialUse own = use_of("mastodon", "toot");
    ASSERT_TRUE(credentials.load("toot", own));
    const auto at = [&](const std::string& url) {
        CredentialUse use = own;
        use.url = url;
        return use;
    };
    CredentialUse realm = own, agency = own, kind = own;
    realm.realm = "elbow";
    agency.agency = "alberta";
    kind.kind = "webhook";
    for (const auto& [use, said] : std::vector<Misuse>{
             {realm, "does not exist for agency calgary of realm elbow"},
             {agency, "does not exist for agency alberta of realm bow"},
             {kind, "is not for the channel kind webhook"},
             {at("https://evil.example"), "may not be sent to https://evil.example:443"},
             {at("https://toot.example.org:444/"), "may not be sent to"},
             {at("https://toot.example.org.evil.example/"), "may not be sent to"},
             {at("https://evil.example/https://toot.example.org"), "may not be sent to"},
             {at("https://evil.example#@toot.example.org"), "may not be sent to"},
             {at("https://toot.example.org@evil.example/"), "is for an http or https URL"},
             {at("http://toot.example.org/"), "is never sent in plain text"},
             {at("toot.example.org"), "is for an http or https URL"},
             {at(""), "is for an http or https URL"}}) {
        const auto refused = credentials.load("toot", use);
        ASSERT_FALSE(refused) << use.url;
        EXPECT_TRUE(refused.error().contains(said)) << refused.error();
        EXPECT_FALSE(refused.error().contains("secret-token"));
    }
    // To a stranger it is as absent as one that there never was.
    EXPECT_EQ(credentials.load("toot", realm).error().substr(24),
              credentials.load("nope", realm).error().substr(24));
    EXPECT_TRUE(credentials.load("toot", at("https://TOOT.example.org:443")));
}

// So is one that cannot be used: what is wrong with it is its owner's to hear.
TEST(CredentialFile, ThatCannotBeUsedIsAbsentToStrangers) {
    CredentialFolder folder;
    const std::string other_world = R"("token":"t","world":"exercise")";
    for (const std::string& text :
         {std::string("{"), credential_text("mastodon", "toot", R"("token":"")"),
          credential_text("mastodon", "toot", other_world)}) {
        folder.write("toot", text);
        Credentials credentials{folder.path, {}};
        CredentialUse stranger = use_of("mastodon", "toot");
        stranger.realm = "elbow";
        const auto refused = credentials.load("toot", stranger);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().substr(24),
                  credentials.load("nope", stranger).error().substr(24));
    }
    Credentials credentials{folder.path, {}};
    EXPECT_TRUE(credentials.load("toot", use_of("mastodon", "toot"))
                    .error()
                    .contains("does not belong to the live world"));
}

TEST(CredentialFile, GoesInPlainTextOnlyWherePrivateAddressesAreAllowed) {
    CredentialFolder folder;
    folder.write("near", R"({"kind":"mastodon","realm":"bow","agency":"calgary",)"
                         R"("origins":["http://127.0.0.1:8081"],"token":"t"})");
    const CredentialUse use{"mastodon", "bow", "calgary", "http://127.0.0.1:8081/"};
    EXPECT_FALSE((Credentials{folder.path, {}}.load("near", use)));
    EXPECT_TRUE((Credentials{folder.path, {.allow_private_addresses = true}}.load("near", use)));
    chmod((folder.path + "/near").c_str(), 0600);
    EXPECT_FALSE(
        (Credentials{folder.path, {.production = true, .allow_private_addresses = true}}.load(
            "near", use)));
}

TEST(CredentialFile, InProductionIsNoExampleAndClosedToOthers) {
    CredentialFolder folder;
    Credentials credentials{folder.path, {.production = true}};
    const auto load = [&](const std::string& secret, mode_t mode) {
        folder.write("own",
                     credential_text("webhook", "own", R"("secrets":["whsec_)" + secret + R"("])"));
        chmod((folder.path + "/own").c_str(), mode);
        return credentials.load("own", use_of("webhook", "own"));
    };
    EXPECT_TRUE(load("q83vEjRWeJASNFZ4kBI0VniQEjRWeJASq1N5w2m8xTA=", 0600));
    EXPECT_FALSE(load("q83vEjRWeJASNFZ4kBI0VniQEjRWeJASq1N5w2m8xTQ=", 0644));
    // What the refusal asks for helps.
    chmod((folder.path + "/own").c_str(), 0600);
    EXPECT_TRUE(credentials.load("own", use_of("webhook", "own")));
    chmod((folder.path + "/own").c_str(), 0604);
    EXPECT_FALSE(credentials.load("own", use_of("webhook", "own")));
    EXPECT_FALSE(load("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw", 0600));
    EXPECT_FALSE(load("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0600));
    // Elsewhere an example does for a trial.
    EXPECT_TRUE((Credentials{folder.path, {}}.load("own", use_of("webhook", "own"))));
}

TEST(CredentialFile, IsAskedForWhenAChannelIsPut) {
    CredentialFolder folder;
    Credentials credentials{folder.path, {}};
    v1::PutChannelRequest put;
    put.set_kind("mastodon");
    put.set_url("https://toot.example.org");
    put.set_credential("toot");
    EXPECT_FALSE(refuse_credential(credentials, {"ada", "bow", "calgary", {"admin"}}, put));
    const auto refused = refuse_credential(credentials, {"eve", "thief", "solo", {"admin"}}, put);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    put.clear_credential();
    EXPECT_FALSE(refuse_credential(credentials, {"eve", "thief", "solo", {"admin"}}, put));
}

TEST(CredentialFile, OfAnotherIsRefusedInTheAdapterToo) {
    for (const char* kind : {"webhook", "mastodon"}) {
        Bench bench(kind, kind == std::string_view("webhook") ? "hook" : "toot:fr-CA");
        bench.job.realm = "thief";
        EXPECT_FALSE(bench.prepare().ready);
        EXPECT_EQ(bench.fire().kind, "retry_later");
        EXPECT_TRUE(bench.http.sent.empty());
    }
}

}  // namespace
}  // namespace tocsin::publishing
