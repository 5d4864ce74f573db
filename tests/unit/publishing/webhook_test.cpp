#include "publishing/channels/webhook.hpp"

#include "runtime/base/digest.hpp"
#include "wire_bench.hpp"

namespace tocsin::publishing {
namespace {

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
    EXPECT_EQ(outcome.kind, v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(outcome.written_at, bench.http.now);
    const HttpRequest& request = bench.http.sent.at(0);
    EXPECT_EQ(header(request, "webhook-id"), bench.job.delivery.idempotency_key());
    EXPECT_EQ(header(request, "webhook-timestamp"), "1750000002");
    EXPECT_TRUE(header(request, "webhook-signature").starts_with("v1,"));
    EXPECT_EQ(request.body, bench.job.body->bytes());
    EXPECT_FALSE(request.allow_private_addresses);
}

TEST(Webhook, WhatAnAnswerMeans) {
    const std::pair<int, v1::Outcome> cases[] = {
        {200, v1::OUTCOME_CONFIRMED},   {204, v1::OUTCOME_CONFIRMED},
        {301, v1::OUTCOME_RETRY_LATER}, {400, v1::OUTCOME_RETRY_LATER},
        {401, v1::OUTCOME_RETRY_LATER}, {404, v1::OUTCOME_RETRY_LATER},
        {410, v1::OUTCOME_REFUSED},     {413, v1::OUTCOME_RETRY_LATER},
        {408, v1::OUTCOME_UNKNOWN},     {409, v1::OUTCOME_UNKNOWN},
        {422, v1::OUTCOME_UNKNOWN},     {429, v1::OUTCOME_RETRY_LATER},
        {500, v1::OUTCOME_UNKNOWN},     {502, v1::OUTCOME_UNKNOWN},
        {503, v1::OUTCOME_RETRY_LATER}, {504, v1::OUTCOME_UNKNOWN}};
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
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_UNKNOWN);
    bench.answers(failure(HttpError::Kind::not_sent));
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_RETRY_LATER);
    bench.answers(failure(HttpError::Kind::refused_by_limit));
    EXPECT_EQ(bench.fire().kind, v1::OUTCOME_UNKNOWN);
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
    bench.stored.remove("hook");
    const Prepared prepared = bench.prepare();
    EXPECT_FALSE(prepared.ready);
    EXPECT_TRUE(prepared.reason.contains("hook"));
    EXPECT_TRUE(bench.http.sent.empty());
}

}  // namespace
}  // namespace tocsin::publishing
