// Clocks and counts of a scorecard, and what becomes a metric.
#include "support/metric_value.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"
#include "unit/measurement/stage.hpp"

#include <gmock/gmock.h>

namespace tocsin::measurement {
namespace {

using testing::at;
using ::testing::ElementsAre;
using testing::foreign;
using testing::Given;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using samples::Stage;

runtime::Foreign crossed(int seconds) {
    trigger::v1::Event event;
    auto& crossing = *event.mutable_rule_crossed()->mutable_crossing();
    crossing.set_crossing_id("crx-1");
    *crossing.mutable_cross_time() = runtime::to_proto(at(seconds));
    crossing.add_evidence()->set_value(1200);
    return foreign<trigger::v1::Event>("trigger", "bow", {event}, at(seconds));
}

runtime::Foreign drafted(int seconds) {
    drafting::v1::Event event;
    event.set_message_id("msg-1");
    event.mutable_message_created()->set_crossing_id("crx-1");
    return foreign<drafting::v1::Event>("drafting", "bow", {event}, at(seconds));
}

runtime::Foreign cleared(int seconds) {
    approval::v1::Event event;
    event.set_message_id("msg-1");
    event.mutable_cleared();
    return foreign<approval::v1::Event>("approval", "bow", {event}, at(seconds));
}

using enum v1::MilestoneKind;

std::vector<v1::MilestoneKind> kinds(const v1::Scorecard& card) {
    std::vector<v1::MilestoneKind> all;
    for (const auto& point : card.milestones()) all.push_back(point.kind());
    return all;
}

Stage whole_way() {
    Stage stage;
    stage(crossed(5));
    stage(drafted(7));
    stage(cleared(20));
    stage(samples::publishing({samples::planned(), samples::armed()}, 21));
    stage(samples::publishing({samples::settled("d1", samples::confirmed, 22, 23)}, 24));
    stage(samples::publishing({samples::settled("d2", samples::confirmed, 22, 26)}, 27));
    stage(samples::publishing({samples::completed(samples::released, 8)}, 28));
    return stage;
}

TEST(Scorecard, EveryClockIsMinusOneUntilItEnds) {
    Stage stage;
    stage(drafted(7));
    const auto card = stage.card();
    EXPECT_EQ(card.reading_to_draft_seconds(), -1);
    EXPECT_EQ(card.draft_to_cleared_seconds(), -1);
    EXPECT_EQ(card.cleared_to_last_channel_seconds(), -1);
    EXPECT_EQ(card.mistake_to_corrected_seconds(), -1);
    EXPECT_EQ(card.skew_ms(), -1);
    EXPECT_FALSE(card.has_reading());
}

TEST(Scorecard, AReleasedMessageHasThreeClocksItsSkewAndItsReading) {
    const auto card = whole_way().card();
    EXPECT_EQ(card.reading_to_draft_seconds(), 2);
    EXPECT_EQ(card.draft_to_cleared_seconds(), 13);
    EXPECT_EQ(card.cleared_to_last_channel_seconds(), 6);
    EXPECT_EQ(card.mistake_to_corrected_seconds(), -1);
    EXPECT_EQ(card.skew_ms(), 8);
    EXPECT_EQ(card.reading().value(), 1200);
    EXPECT_THAT(kinds(card),
                ElementsAre(MILESTONE_KIND_CROSSED, MILESTONE_KIND_DRAFTED, MILESTONE_KIND_CLEARED,
                            MILESTONE_KIND_ARMED, MILESTONE_KIND_FIRED, MILESTONE_KIND_CONFIRMED,
                            MILESTONE_KIND_CONFIRMED));
    EXPECT_THAT(card.deliveries(), UnorderedElementsAre(Pair("confirmed", 2)));
}

TEST(Scorecard, ACrossingThatComesAfterItsDraftIsFoundAllTheSame) {
    Stage stage;
    stage(drafted(7));
    stage(crossed(5));
    EXPECT_EQ(stage.card().reading_to_draft_seconds(), 2);
    EXPECT_THAT(kinds(stage.card()), ElementsAre(MILESTONE_KIND_CROSSED, MILESTONE_KIND_DRAFTED));
    EXPECT_THAT(stage.clocks, ElementsAre(Pair("reading_to_draft", 2)));
}

TEST(Scorecard, ACrossingWithoutADraftHasNoScorecard) {
    Stage stage;
    stage(crossed(5));
    EXPECT_EQ(stage.realm.size(), 0u);
}

TEST(Scorecard, TheLastChannelIsKnownOnlyOnceEveryDeliveryIsSettled) {
    Stage stage;
    stage(drafted(7));
    stage(cleared(20));
    stage(samples::publishing({samples::planned(), samples::armed()}, 21));
    stage(samples::publishing({samples::settled("d2", samples::confirmed, 22, 26)}, 27));
    EXPECT_EQ(stage.card().cleared_to_last_channel_seconds(), -1);
    stage(samples::publishing({samples::unknown("d1")}, 28));
    EXPECT_EQ(stage.card().cleared_to_last_channel_seconds(), -1);
    EXPECT_THAT(stage.card().deliveries(),
                UnorderedElementsAre(Pair("confirmed", 1), Pair("unknown", 1)));
    stage(samples::publishing({samples::settled("d1", samples::refused, -1, -1)}, 30));
    EXPECT_EQ(stage.card().cleared_to_last_channel_seconds(), 6);
}

TEST(Scorecard, ASkippedChannelIsNotWaitedFor) {
    Stage stage;
    stage(cleared(20));
    stage(samples::publishing({samples::planned(), samples::armed({"d1"})}, 21));
    stage(samples::publishing({samples::settled("d1", samples::confirmed, 22, 23)}, 24));
    stage(samples::publishing({samples::skipped("d2")}, 25));
    EXPECT_EQ(stage.card().cleared_to_last_channel_seconds(), 3);
    EXPECT_THAT(stage.card().deliveries(),
                UnorderedElementsAre(Pair("confirmed", 1), Pair("skipped", 1)));
}

TEST(Scorecard, ARetractionEndsTheFourthClockAndLeavesTheThird) {
    auto stage = whole_way();
    stage(samples::publishing({samples::retraction_armed()}, 60));
    stage(samples::publishing({samples::settled("r1", samples::confirmed, 61, 62),
                               samples::settled("r2", samples::confirmed, 61, 64),
                               samples::completed(samples::retracted, 1)},
                              65));
    EXPECT_EQ(stage.card().mistake_to_corrected_seconds(), 4);
    EXPECT_EQ(stage.card().cleared_to_last_channel_seconds(), 6);
}

// A day without news of it, as another message of the realm shows.
constexpr int day = 24 * 3600;

runtime::Foreign drafted_beside(int seconds) {
    drafting::v1::Event event;
    event.set_message_id("msg-2");
    event.mutable_message_created();
    return foreign<drafting::v1::Event>("drafting", "bow", {event}, at(seconds));
}

TEST(Scorecard, OneThatRestsIsReadAsItWas) {
    auto stage = whole_way();
    const auto before = stage.card();
    stage(drafted_beside(28 + day - 1));
    EXPECT_EQ(stage.realm.awake(), 2u);
    stage(drafted(28 + day));  // Nothing new: no record.
    stage(foreign<approval::v1::Event>("approval", "bow", {}, at(28 + day)));
    EXPECT_EQ(stage.realm.awake(), 1u);
    EXPECT_EQ(stage.realm.size(), 2u);
    EXPECT_EQ(stage.card().SerializeAsString(), before.SerializeAsString());
    EXPECT_EQ(stage.realm.scorecard("msg-3"), std::nullopt);
}

TEST(Scorecard, OneThatRestedGoesOnWhereItStood) {
    auto stage = whole_way();
    stage(drafted_beside(28 + day));
    ASSERT_EQ(stage.realm.awake(), 1u);
    const auto clocks = stage.clocks;
    stage(samples::publishing({samples::retraction_armed()}, 28 + day));
    EXPECT_EQ(stage.realm.awake(), 2u);
    EXPECT_EQ(stage.clocks, clocks) << "news a second time";
    stage(samples::publishing({samples::settled("r1", samples::confirmed, 29 + day, 30 + day),
                               samples::settled("r2", samples::confirmed, 29 + day, 32 + day),
                               samples::completed(samples::retracted, 1)},
                              33 + day));
    EXPECT_EQ(stage.card().mistake_to_corrected_seconds(), 4);
    EXPECT_EQ(stage.card().cleared_to_last_channel_seconds(), 6);
    EXPECT_EQ(stage.card().reading_to_draft_seconds(), 2);
    EXPECT_EQ(stage.card().skew_ms(), 8);
    EXPECT_EQ(stage.card().reading().value(), 1200);
    EXPECT_THAT(stage.card().deliveries(), UnorderedElementsAre(Pair("confirmed", 4)));
    const auto before = stage.card();
    stage(drafted_beside(34 + 2 * day));
    stage(foreign<approval::v1::Event>("approval", "bow", {}, at(34 + 2 * day)));
    EXPECT_EQ(stage.card().SerializeAsString(), before.SerializeAsString());
    std::vector<std::string> listed;
    stage.realm.messages(0, [&](std::int64_t, const std::string& id) {
        listed.push_back(id);
        return true;
    });
    EXPECT_THAT(listed, ElementsAre("msg-2", "msg-1")) << "each in its place";
}

TEST(Scorecard, OneWithADeliveryThatIsNotFinalDoesNotRest) {
    Stage stage;
    stage(drafted(7));
    stage(samples::publishing({samples::planned(), samples::armed()}, 21));
    stage(samples::publishing(
        {samples::settled("d1", samples::confirmed, 22, 23), samples::unknown("d2")}, 24));
    stage(drafted_beside(24 + day));
    EXPECT_EQ(stage.realm.awake(), 2u);
    stage(samples::publishing({samples::settled("d2", samples::confirmed, 22, 26)}, 25 + day));
    stage(drafted_beside(25 + 2 * day));
    stage(foreign<approval::v1::Event>("approval", "bow", {}, at(25 + 2 * day)));
    EXPECT_EQ(stage.realm.awake(), 0u);
}

TEST(Scorecard, TheEarliestFiringIsTheOneThatIsShown) {
    Stage stage;
    stage(samples::publishing({samples::planned(), samples::armed()}, 21));
    stage(samples::publishing({samples::settled("d1", samples::confirmed, 25, 26)}, 27));
    stage(samples::publishing({samples::settled("d2", samples::confirmed, 24, 26)}, 28));
    EXPECT_THAT(kinds(stage.card()),
                ElementsAre(MILESTONE_KIND_ARMED, MILESTONE_KIND_FIRED, MILESTONE_KIND_CONFIRMED,
                            MILESTONE_KIND_CONFIRMED));
    EXPECT_EQ(runtime::from_proto(stage.card().milestones(1).at()), at(24));
}

TEST(Scorecard, ClocksThatRunApartNeverShowLessThanNothing) {
    Stage stage;
    stage(drafted(7));
    stage(crossed(9));
    EXPECT_EQ(stage.card().reading_to_draft_seconds(), 0);
}

TEST(Scorecard, EachClockIsNewsOnce) {
    auto stage = whole_way();
    EXPECT_THAT(stage.clocks, ElementsAre(Pair("reading_to_draft", 2), Pair("draft_to_cleared", 13),
                                          Pair("cleared_to_last_channel", 6)));
}

// A draft made at `second` from a reading of second 5, as decided by `writer`.
ledger::v1::Decision drafted_by(const std::string& writer, int second, const std::string& message) {
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    decision.set_writer(writer);
    const auto reach = [&](v1::MilestoneKind kind, int when) {
        v1::Event event = event_of(kind == v1::MILESTONE_KIND_DRAFTED ? message : "");
        v1::MilestoneReached& reached = *event.mutable_milestone_reached();
        reached.set_crossing_id("crx-" + message);
        reached.mutable_milestone()->set_kind(kind);
        *reached.mutable_milestone()->mutable_at() = runtime::to_proto(at(when));
        decision.mutable_accepted()->add_events(event.SerializeAsString());
    };
    reach(v1::MILESTONE_KIND_CROSSED, 5);
    reach(v1::MILESTONE_KIND_DRAFTED, second);
    return decision;
}

const prometheus::Labels to_draft{{"clock", "reading_to_draft"}};

TEST(MeasurementMetrics, ClocksAreCountedWhereTheyWereDecidedAndOnlyNow) {
    runtime::Metrics metrics{""};
    MeasurementView view{1, metrics, "a"};
    const auto count = [&] {
        return testing::observed(metrics, "tocsin_clock_seconds", to_draft)->count;
    };
    view.apply({"measurement", 0, 0, at(7), drafted_by("a", 7, "msg-1"), false});
    EXPECT_EQ(count(), 0U);
    view.apply({"measurement", 0, 1, at(8), drafted_by("b", 8, "msg-2"), true});
    EXPECT_EQ(count(), 0U);
    view.apply({"measurement", 0, 2, at(9), drafted_by("a", 9, "msg-3"), true});
    EXPECT_EQ(count(), 1U);
}

TEST(MeasurementMetrics, TheLatestClockIsThatOfTheLatestDecisionOnceHistoryIsFolded) {
    runtime::Metrics metrics{""};
    MeasurementView view{1, metrics, "a"};
    const auto latest = [&] {
        return testing::metric_value(metrics, "tocsin_clock_latest_seconds", to_draft);
    };
    view.apply({"measurement", 0, 0, at(70), drafted_by("a", 7, "msg-1"), false});
    view.apply({"measurement", 0, 1, at(60), drafted_by("a", 20, "msg-2"), false});
    EXPECT_EQ(latest(), std::nullopt);
    view.show();
    EXPECT_EQ(latest(), 2);
    view.apply({"measurement", 0, 2, at(80), drafted_by("b", 9, "msg-3"), true});
    EXPECT_EQ(latest(), 4);
}

}  // namespace
}  // namespace tocsin::measurement
