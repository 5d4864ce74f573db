#include "publishing/release_metrics.hpp"

#include "publishing/event.hpp"
#include "publishing/rpc.hpp"
#include "samples.hpp"
#include "support/metric_value.hpp"

namespace tocsin::publishing {
namespace {

using samples::at;
using samples::Story;
using testing::metric_value;
using testing::observed;

// One instance, `a`, that folds what it is told.
struct Instance {
    runtime::Metrics metrics{""};
    PublishingView view{1};
    ReleaseMetrics released{metrics, view, "a", 1};
    std::vector<ledger::v1::Decision> told;

    void tell(const std::vector<v1::Event>& events, bool live = true,
              const std::string& writer = "a", Time when = at(0),
              const std::string& realm = "bow") {
        ledger::v1::Decision decision;
        decision.set_realm(realm);
        decision.set_writer(writer);
        for (const v1::Event& event : events)
            decision.mutable_accepted()->add_events(event.SerializeAsString());
        told.push_back(decision);
        tell(decision, live, when);
    }
    void tell(const ledger::v1::Decision& decision, bool live, Time when = at(0)) {
        const runtime::Counted counted{"publishing", 0, 0, when, decision, live};
        view.apply(counted);
        released.apply(counted);
    }

    std::optional<double> deliveries(const std::string& kind, const std::string& state,
                                     const std::string& realm = "bow") {
        return metric_value(
            metrics, "tocsin_deliveries",
            {{"realm", realm}, {"agency", "calgary"}, {"kind", kind}, {"state", state}});
    }
    std::optional<double> outcomes(const std::string& kind, const std::string& outcome,
                                   const std::string& realm = "bow") {
        return metric_value(
            metrics, "tocsin_delivery_outcomes_total",
            {{"realm", realm}, {"agency", "calgary"}, {"kind", kind}, {"outcome", outcome}});
    }
    std::optional<double> releases(const std::string& state) {
        return metric_value(metrics, "tocsin_releases", {{"state", state}});
    }
    std::optional<double> ended(const std::string& outcome) {
        return metric_value(metrics, "tocsin_releases_total", {{"outcome", outcome}});
    }
};

std::string delivery_of(const Story& story, const std::string& kind) {
    for (const Delivery& delivery : story.release().deliveries)
        if (delivery.head.kind() == kind) return delivery.id();
    return {};
}

// Feed confirmed at second 2, webhook as said at second 3; each step as a decision of its own.
std::vector<std::vector<v1::Event>> released(v1::Outcome webhook) {
    std::vector<std::vector<v1::Event>> steps{samples::feed_and_hook()};
    Story story{samples::feed_and_hook()};
    const auto keep = [&](Story& after) { steps.push_back(after.given.events()); };
    keep(story.clear());
    for (const std::string kind : {"feed", "webhook"})
        keep(story.prepared(delivery_of(story, kind)));
    keep(story.claim("x1", at(2)));
    keep(story.outcome(delivery_of(story, "feed"), v1::OUTCOME_CONFIRMED, at(2)));
    keep(story.outcome(delivery_of(story, "webhook"), webhook, at(3)));
    return steps;
}

TEST(ReleaseMetrics, DeliveriesStandInTheStateThatTheLedgerSays) {
    Instance a;
    a.released.show();
    for (const auto& step : released(v1::OUTCOME_REFUSED)) a.tell(step);
    EXPECT_EQ(a.deliveries("feed", "confirmed"), 1);
    EXPECT_EQ(a.deliveries("feed", "claimed"), 0);
    EXPECT_EQ(a.deliveries("webhook", "refused"), 1);
    EXPECT_EQ(a.deliveries("webhook", "unknown"), 0);
    EXPECT_EQ(a.releases("released"), 1);
    EXPECT_EQ(a.releases("firing"), 0);
}

TEST(ReleaseMetrics, AnAgencysKindIsThereFromTheTimeItHasAChannel) {
    Instance a;
    a.released.show();
    EXPECT_EQ(a.deliveries("webhook", "unknown"), std::nullopt);
    a.tell(samples::feed_and_hook());
    EXPECT_EQ(a.deliveries("webhook", "unknown"), 0);
    EXPECT_EQ(a.outcomes("webhook", "refused"), 0);
    EXPECT_EQ(a.ended("released"), 0);
}

TEST(ReleaseMetrics, AnAgencyOfTheSameNameInAnotherRealmIsAnother) {
    Instance a;
    a.released.show();
    for (const auto& step : released(v1::OUTCOME_REFUSED)) a.tell(step);
    for (const auto& step : released(v1::OUTCOME_CONFIRMED))
        a.tell(step, true, "a", at(0), "elbow");
    EXPECT_EQ(a.deliveries("webhook", "refused"), 1);
    EXPECT_EQ(a.deliveries("webhook", "refused", "elbow"), 0);
    EXPECT_EQ(a.deliveries("webhook", "confirmed", "elbow"), 1);
    EXPECT_EQ(a.outcomes("webhook", "refused"), 1);
    EXPECT_EQ(a.outcomes("webhook", "confirmed", "elbow"), 1);
    a.released.reset(0);
    EXPECT_EQ(a.deliveries("webhook", "confirmed", "elbow"), 0);
}

TEST(ReleaseMetrics, CountersAreOfWhatThisInstanceDecidesNow) {
    Instance a;
    a.released.show();
    for (const auto& step : released(v1::OUTCOME_CONFIRMED)) a.tell(step);
    EXPECT_EQ(a.outcomes("feed", "confirmed"), 1);
    EXPECT_EQ(a.outcomes("webhook", "confirmed"), 1);
    EXPECT_EQ(a.ended("released"), 1);
    const auto skew = observed(a.metrics, "tocsin_release_skew_seconds");
    EXPECT_EQ(skew->count, 1U);
    EXPECT_EQ(skew->sum, 1.0);
}

TEST(ReleaseMetrics, HistoryFillsTheGaugesAndNoCounter) {
    Instance a;
    for (const auto& step : released(v1::OUTCOME_CONFIRMED)) a.tell(step, false);
    EXPECT_EQ(a.deliveries("feed", "confirmed"), std::nullopt) << "shown before it is right";
    a.released.show();
    EXPECT_EQ(a.deliveries("feed", "confirmed"), 1);
    EXPECT_EQ(a.deliveries("feed", "planned"), 0);
    EXPECT_EQ(a.outcomes("feed", "confirmed"), 0);
    EXPECT_EQ(a.ended("released"), 0);
    EXPECT_EQ(observed(a.metrics, "tocsin_release_skew_seconds")->count, 0U);
}

TEST(ReleaseMetrics, WhatAnotherInstanceDecidesChangesTheGaugesAlone) {
    Instance a;
    a.released.show();
    for (const auto& step : released(v1::OUTCOME_CONFIRMED)) a.tell(step, true, "b");
    EXPECT_EQ(a.deliveries("feed", "confirmed"), 1);
    EXPECT_EQ(a.outcomes("feed", "confirmed"), 0);
    EXPECT_EQ(a.ended("released"), 0);
}

TEST(ReleaseMetrics, DoubtIsAnOutcomeUntilItIsResolved) {
    Instance a;
    a.released.show();
    for (const auto& step : released(v1::OUTCOME_UNKNOWN)) a.tell(step);
    EXPECT_EQ(a.deliveries("webhook", "unknown"), 1);
    EXPECT_EQ(a.outcomes("webhook", "unknown"), 1);
    EXPECT_EQ(a.releases("firing"), 1);
}

TEST(ReleaseMetrics, AStopThatTakesNothingBackIsAnOutcomeOfItsOwn) {
    Instance a;
    a.released.show();
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{{samples::channel("hook", "webhook")}, content};
    const auto tell = [&](Story& after) { a.tell(after.given.events()); };
    tell(story.clear());
    tell(story.prepared("hook"));
    tell(story.claim("x1", at(2)));
    tell(story.stop(at(2)));
    tell(story.outcome("hook", v1::OUTCOME_CONFIRMED, at(3)));
    EXPECT_EQ(a.ended("not_retracted"), 1);
}

TEST(ReleaseMetrics, ALostTailIsForgottenAndToldAgain) {
    Instance a;
    a.released.show();
    for (const auto& step : released(v1::OUTCOME_CONFIRMED)) a.tell(step);
    a.view.reset(0);
    a.released.reset(0);
    EXPECT_EQ(a.deliveries("feed", "confirmed"), 0);
    EXPECT_EQ(a.releases("released"), 0);
    const auto told = a.told;
    for (const auto& decision : told) a.tell(decision, false);
    EXPECT_EQ(a.deliveries("feed", "confirmed"), 1);
    EXPECT_EQ(a.outcomes("feed", "confirmed"), 1);
}

// Its expiry, and the week that its texts are kept.
constexpr std::int64_t faded_at = 3600 + 7 * 24 * 3600;

std::string released_id() {
    return samples::release_id(
        samples::going_to(samples::feed_and_hook(), samples::make_content()));
}

v1::Event planned_beside() {
    v1::Event event = event_of("rel-2");
    event.mutable_release_planned()->mutable_release()->set_release_id("rel-2");
    return event;
}

TEST(ReleaseMetrics, AReleaseWithoutTextsIsStillCounted) {
    Instance a;
    a.released.show();
    for (const auto& step : released(v1::OUTCOME_REFUSED)) a.tell(step);
    a.tell({samples::channel("other", "feed")}, true, "a", at(faded_at));
    ASSERT_NE(a.view.snapshot("bow")->release(released_id()), nullptr)
        << "the decider still has it";
    a.tell({planned_beside()}, true, "a", at(faded_at));
    ASSERT_EQ(a.view.snapshot("bow")->release(released_id()), nullptr);
    EXPECT_EQ(a.releases("released"), 1);
    EXPECT_EQ(a.deliveries("webhook", "refused"), 1);
    // Of a release that is gone nothing more can be decided.
    v1::Event late = event_of(released_id());
    late.mutable_release_completed()->set_state(v1::RELEASE_STATE_RETRACTED);
    a.tell({late}, true, "a", at(faded_at + 1));
    EXPECT_EQ(a.releases("released"), 1);
    a.view.reset(0);
    a.released.reset(0);
    EXPECT_EQ(a.releases("released"), 0);
    EXPECT_EQ(a.deliveries("webhook", "refused"), 0);
}

TEST(FadedRelease, IsReadAsItWasButForItsTexts) {
    Instance a;
    const std::string id = released_id();
    for (const auto& step : released(v1::OUTCOME_CONFIRMED)) a.tell(step);
    const auto before = a.view.snapshot("bow");
    // A channel that changes later changes nothing of what was.
    v1::Event moved = samples::channel("hook", "webhook");
    moved.mutable_channel_put()->mutable_channel()->set_url("https://elsewhere.example.org");
    a.tell({moved, planned_beside()}, true, "a", at(faded_at));
    const auto after = a.view.snapshot("bow");
    ASSERT_NE(before->release(id), nullptr);
    ASSERT_EQ(after->release(id), nullptr);
    EXPECT_FALSE(after->open().contains(id));
    v1::Release expected = before->release(id)->whole();
    for (v1::Delivery& delivery : *expected.mutable_deliveries())
        *delivery.mutable_rendition() = {};
    ASSERT_EQ(expected.deliveries_size(), 2);
    EXPECT_EQ(expected.deliveries(0).rendition_digest().size(), 64U);
    EXPECT_EQ(after->whole_release(id)->SerializeAsString(), expected.SerializeAsString());

    runtime::Caller reader{"ana", "bow", expected.agencies(0), {"analyst"}};
    v1::GetReleaseRequest request;
    v1::GetReleaseResponse response;
    request.set_message_id("msg-1");
    const runtime::Caller other{"eve", "bow", "elsewhere", {"analyst", "duty-officer"}};
    EXPECT_EQ(get_release(other, *after, request, response).error_code(),
              grpc::StatusCode::PERMISSION_DENIED);
    ASSERT_TRUE(get_release(reader, *after, request, response).ok());
    EXPECT_EQ(response.release().SerializeAsString(), expected.SerializeAsString());
    request.set_delivery_id("hook");
    ASSERT_TRUE(get_release(reader, *after, request, response).ok());
    ASSERT_EQ(response.release().deliveries_size(), 1);
    EXPECT_EQ(response.release().deliveries(0).channel().url(), "https://hook.example.org");
    request.set_delivery_id("none");
    EXPECT_EQ(get_release(reader, *after, request, response).error_code(),
              grpc::StatusCode::NOT_FOUND);
    request.set_message_id("msg-2");
    EXPECT_EQ(get_release(reader, *after, request, response).error_code(),
              grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace tocsin::publishing
