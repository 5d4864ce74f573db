#include "publishing/wire.hpp"

#include "wire_bench.hpp"

namespace tocsin::publishing {
namespace {

TEST(EveryAdapter, SendsNothingOfAnotherWorld) {
    for (const auto& [kind, delivery] : {std::pair{"feed", "feed"}, std::pair{"webhook", "hook"},
                                         std::pair{"mastodon", "toot:fr-CA"}}) {
        Bench bench{kind, delivery};
        bench.wire.world = "exercise";
        EXPECT_EQ(bench.fire().kind, v1::OUTCOME_REFUSED) << kind;
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
        EXPECT_EQ(bench.fire().kind, v1::OUTCOME_REFUSED) << kind;
        EXPECT_TRUE(bench.http.sent.empty()) << kind;
    }
}

TEST(EveryAdapter, SendsNoOtherBytesThanThoseThatWereArmed) {
    for (const auto& [kind, delivery] : {std::pair{"feed", "feed"}, std::pair{"webhook", "hook"},
                                         std::pair{"mastodon", "toot:fr-CA"}}) {
        Bench bench{kind, delivery};
        bench.job.body =
            std::make_shared<const Sealed>(bench.job.body->bytes() + " ", bench.job.body->digest());
        EXPECT_EQ(bench.fire().kind, v1::OUTCOME_REFUSED) << kind;
        EXPECT_TRUE(bench.http.sent.empty()) << kind;
    }
}

TEST(EveryAdapter, StandsDownWhenItsClaimIsOver) {
    for (const auto& [kind, delivery] : {std::pair{"feed", "feed"}, std::pair{"webhook", "hook"},
                                         std::pair{"mastodon", "toot:fr-CA"}}) {
        Bench bench{kind, delivery};
        bench.job.veto = [] { return std::string{"too late"}; };
        EXPECT_EQ(bench.fire().kind, v1::OUTCOME_STOOD_DOWN) << kind;
        EXPECT_TRUE(bench.http.sent.empty()) << kind;
    }
}

TEST(EveryAdapter, SendsRequestsWhereTheKindHasATransport) {
    for (const auto& [kind, delivery] : {std::pair{"feed", "feed"}, std::pair{"webhook", "hook"},
                                         std::pair{"mastodon", "toot:fr-CA"}}) {
        Bench bench{kind, delivery};
        bench.answers(failure(HttpError::Kind::not_sent));
        bench.prepare();
        bench.fire();
        EXPECT_EQ(bench.http.sent.empty(),
                  content::traits_of(kind).transport == content::Transport::none)
            << kind;
    }
}

TEST(Feed, IsConfirmedOnceTheViewShowsExactlyTheApprovedBytes) {
    Bench bench{"feed", "feed"};
    bench.shown = bench.job.body;
    bench.shown_after = 3;
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(outcome.url, bench.job.delivery.fixed().permalink());
    EXPECT_EQ(outcome.receipt, bench.job.delivery.fixed().identifier());
    EXPECT_EQ(bench.looked, 3);
    EXPECT_EQ(bench.find().kind, Found::Kind::found);
    EXPECT_TRUE(bench.http.sent.empty()) << "a busy gateway has no part in it";
}

TEST(Feed, OtherBytesOrNoneAreUnknownAfterFiveSeconds) {
    Bench bench{"feed", "feed"};
    const Time before = bench.http.now;
    bench.shown = std::make_shared<const Sealed>("<alert/>", bench.job.body->digest());
    const Outcome outcome = bench.fire();
    EXPECT_EQ(outcome.kind, v1::OUTCOME_UNKNOWN);
    EXPECT_TRUE(outcome.reason.contains("other bytes"));
    EXPECT_LE(bench.http.now - before, std::chrono::seconds{5});
    bench.shown = nullptr;
    EXPECT_EQ(bench.find().kind, Found::Kind::cannot_tell);
    EXPECT_TRUE(bench.http.sent.empty());
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
        EXPECT_EQ(outcome.kind, v1::OUTCOME_STOOD_DOWN) << kind;
        EXPECT_EQ(outcome.reason, "The claim was taken away.");
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
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(read, sent);
    // Of a webhook's answer nothing is read: it waits for nobody.
    Bench hook{"webhook", "hook"};
    hook.wire.aside = [](const std::string&, std::size_t, auto, auto) { FAIL(); };
    hook.answers(response(204));
    EXPECT_TRUE(hook.prepare().ready);
    EXPECT_EQ(hook.fire().kind, v1::OUTCOME_CONFIRMED);
}

TEST(Channels, WhatCannotBeReadNowIsNoAnswer) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.http.answer = account("[]", 200);
    ASSERT_EQ(bench.find().kind, Found::Kind::absent);
    bench.wire.aside = [](const std::string&, std::size_t, auto, auto then) { then(false); };
    EXPECT_EQ(bench.find().kind, Found::Kind::cannot_tell);
    EXPECT_FALSE(bench.prepare().ready);
    // The post may be there.
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_UNKNOWN);
    bench.answers(response(401, R"({"error":"no"})"));
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_REFUSED);
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

}  // namespace
}  // namespace tocsin::publishing
