// Clocks and counts of a scorecard, and what becomes a metric.
#include "measurement/view.hpp"
#include "support/metric_value.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"
#include "unit/measurement/told.hpp"

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

// Decides what it is told and shows the decisions to the view.
class Told {
public:
    void operator()(const runtime::Foreign& decision, bool live = true) {
        given_.when(decision);
        ledger::v1::Decision counted;
        counted.set_realm("bow");
        for (const auto& event : given_.events())
            counted.mutable_accepted()->add_events(event.SerializeAsString());
        realm.apply({"measurement", 0, 0, decision.at, counted, live});
        for (const auto& [clock, seconds] : realm.news()) clocks.emplace_back(clock, seconds);
    }
    v1::Scorecard card() const { return *realm.scorecard("msg-1"); }

    Realm realm;
    std::vector<std::pair<std::string, double>> clocks;

private:
    Given<Decider> given_;
};

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
    event.mutable_message_created()->set_message_id("msg-1");
    event.mutable_message_created()->set_crossing_id("crx-1");
    return foreign<drafting::v1::Event>("drafting", "bow", {event}, at(seconds));
}

runtime::Foreign cleared(int seconds) {
    approval::v1::Event event;
    event.mutable_cleared()->set_message_id("msg-1");
    return foreign<approval::v1::Event>("approval", "bow", {event}, at(seconds));
}

std::vector<std::string> kinds(const v1::Scorecard& card) {
    std::vector<std::string> all;
    for (const auto& point : card.milestones()) all.push_back(point.kind());
    return all;
}

Told told_to_the_end() {
    Told told;
    told(crossed(5));
    told(drafted(7));
    told(cleared(20));
    told(told::publishing({told::planned(), told::armed()}, 21));
    told(told::publishing({told::settled("d1", "confirmed", 22, 23)}, 24));
    told(told::publishing({told::settled("d2", "confirmed", 22, 26)}, 27));
    told(told::publishing({told::completed("released", 8)}, 28));
    return told;
}

TEST(Scorecard, EveryClockIsMinusOneUntilItEnds) {
    Told told;
    told(drafted(7));
    const auto card = told.card();
    EXPECT_EQ(card.reading_to_draft_seconds(), -1);
    EXPECT_EQ(card.draft_to_cleared_seconds(), -1);
    EXPECT_EQ(card.cleared_to_last_channel_seconds(), -1);
    EXPECT_EQ(card.mistake_to_corrected_seconds(), -1);
    EXPECT_EQ(card.skew_ms(), -1);
    EXPECT_FALSE(card.has_reading());
}

TEST(Scorecard, AReleasedMessageHasThreeClocksItsSkewAndItsReading) {
    const auto card = told_to_the_end().card();
    EXPECT_EQ(card.reading_to_draft_seconds(), 2);
    EXPECT_EQ(card.draft_to_cleared_seconds(), 13);
    EXPECT_EQ(card.cleared_to_last_channel_seconds(), 6);
    EXPECT_EQ(card.mistake_to_corrected_seconds(), -1);
    EXPECT_EQ(card.skew_ms(), 8);
    EXPECT_EQ(card.reading().value(), 1200);
    EXPECT_THAT(kinds(card), ElementsAre("crossed", "drafted", "cleared", "armed", "fired",
                                         "confirmed", "confirmed"));
    EXPECT_THAT(card.deliveries(), UnorderedElementsAre(Pair("confirmed", 2)));
}

TEST(Scorecard, ACrossingThatIsToldAfterItsDraftIsFoundAllTheSame) {
    Told told;
    told(drafted(7));
    told(crossed(5));
    EXPECT_EQ(told.card().reading_to_draft_seconds(), 2);
    EXPECT_THAT(kinds(told.card()), ElementsAre("crossed", "drafted"));
    EXPECT_THAT(told.clocks, ElementsAre(Pair("reading_to_draft", 2)));
}

TEST(Scorecard, ACrossingWithoutADraftHasNoScorecard) {
    Told told;
    told(crossed(5));
    EXPECT_EQ(told.realm.size(), 0u);
}

TEST(Scorecard, TheLastChannelIsKnownOnlyOnceEveryDeliveryIsSettled) {
    Told told;
    told(drafted(7));
    told(cleared(20));
    told(told::publishing({told::planned(), told::armed()}, 21));
    told(told::publishing({told::settled("d2", "confirmed", 22, 26)}, 27));
    EXPECT_EQ(told.card().cleared_to_last_channel_seconds(), -1);
    told(told::publishing({told::unknown("d1")}, 28));
    EXPECT_EQ(told.card().cleared_to_last_channel_seconds(), -1);
    EXPECT_THAT(told.card().deliveries(),
                UnorderedElementsAre(Pair("confirmed", 1), Pair("unknown", 1)));
    told(told::publishing({told::settled("d1", "refused", -1, -1)}, 30));
    EXPECT_EQ(told.card().cleared_to_last_channel_seconds(), 6);
}

TEST(Scorecard, ASkippedChannelIsNotWaitedFor) {
    Told told;
    told(cleared(20));
    told(told::publishing({told::planned(), told::armed({"d1"})}, 21));
    told(told::publishing({told::settled("d1", "confirmed", 22, 23)}, 24));
    EXPECT_EQ(told.card().cleared_to_last_channel_seconds(), 3);
    EXPECT_THAT(told.card().deliveries(),
                UnorderedElementsAre(Pair("confirmed", 1), Pair("skipped", 1)));
}

TEST(Scorecard, ARetractionEndsTheFourthClockAndLeavesTheThird) {
    auto told = told_to_the_end();
    told(told::publishing({told::retraction_armed()}, 60));
    told(told::publishing(
        {told::settled("r1", "confirmed", 61, 62), told::settled("r2", "confirmed", 61, 64),
         told::completed("retracted", 1)},
        65));
    EXPECT_EQ(told.card().mistake_to_corrected_seconds(), 4);
    EXPECT_EQ(told.card().cleared_to_last_channel_seconds(), 6);
}

// A day without news of it, told by another message of the realm.
constexpr int day = 24 * 3600;

runtime::Foreign drafted_beside(int seconds) {
    drafting::v1::Event event;
    event.mutable_message_created()->set_message_id("msg-2");
    return foreign<drafting::v1::Event>("drafting", "bow", {event}, at(seconds));
}

TEST(Scorecard, OneThatRestsIsReadAsItWas) {
    auto told = told_to_the_end();
    const auto before = told.card();
    told(drafted_beside(28 + day - 1));
    EXPECT_EQ(told.realm.awake(), 2u);
    told(drafted(28 + day));  // Nothing new: no record.
    told(foreign<approval::v1::Event>("approval", "bow", {}, at(28 + day)));
    EXPECT_EQ(told.realm.awake(), 1u);
    EXPECT_EQ(told.realm.size(), 2u);
    EXPECT_EQ(told.card().SerializeAsString(), before.SerializeAsString());
    EXPECT_EQ(told.realm.scorecard("msg-3"), std::nullopt);
}

TEST(Scorecard, OneThatRestedGoesOnWhereItStood) {
    auto told = told_to_the_end();
    told(drafted_beside(28 + day));
    ASSERT_EQ(told.realm.awake(), 1u);
    const auto clocks = told.clocks;
    told(told::publishing({told::retraction_armed()}, 28 + day));
    EXPECT_EQ(told.realm.awake(), 2u);
    EXPECT_EQ(told.clocks, clocks) << "news a second time";
    told(told::publishing(
        {told::settled("r1", "confirmed", 29 + day, 30 + day),
         told::settled("r2", "confirmed", 29 + day, 32 + day), told::completed("retracted", 1)},
        33 + day));
    EXPECT_EQ(told.card().mistake_to_corrected_seconds(), 4);
    EXPECT_EQ(told.card().cleared_to_last_channel_seconds(), 6);
    EXPECT_EQ(told.card().reading_to_draft_seconds(), 2);
    EXPECT_EQ(told.card().skew_ms(), 8);
    EXPECT_EQ(told.card().reading().value(), 1200);
    EXPECT_THAT(told.card().deliveries(), UnorderedElementsAre(Pair("confirmed", 4)));
    const auto before = told.card();
    told(drafted_beside(34 + 2 * day));
    told(foreign<approval::v1::Event>("approval", "bow", {}, at(34 + 2 * day)));
    EXPECT_EQ(told.card().SerializeAsString(), before.SerializeAsString());
    std::vector<std::string> listed;
    told.realm.messages(0, [&](std::int64_t, const std::string& id) {
        listed.push_back(id);
        return true;
    });
    EXPECT_THAT(listed, ElementsAre("msg-2", "msg-1")) << "each in its place";
}

TEST(Scorecard, OneWithADeliveryThatIsNotFinalDoesNotRest) {
    Told told;
    told(drafted(7));
    told(told::publishing({told::planned(), told::armed()}, 21));
    told(told::publishing({told::settled("d1", "confirmed", 22, 23), told::unknown("d2")}, 24));
    told(drafted_beside(24 + day));
    EXPECT_EQ(told.realm.awake(), 2u);
    told(told::publishing({told::settled("d2", "confirmed", 22, 26)}, 25 + day));
    told(drafted_beside(25 + 2 * day));
    told(foreign<approval::v1::Event>("approval", "bow", {}, at(25 + 2 * day)));
    EXPECT_EQ(told.realm.awake(), 0u);
}

TEST(Scorecard, TheEarliestFiringIsTheOneThatIsShown) {
    Told told;
    told(told::publishing({told::planned(), told::armed()}, 21));
    told(told::publishing({told::settled("d1", "confirmed", 25, 26)}, 27));
    told(told::publishing({told::settled("d2", "confirmed", 24, 26)}, 28));
    EXPECT_THAT(kinds(told.card()), ElementsAre("armed", "fired", "confirmed", "confirmed"));
    EXPECT_EQ(runtime::from_proto(told.card().milestones(1).at()), at(24));
}

TEST(Scorecard, ClocksThatRunApartNeverShowLessThanNothing) {
    Told told;
    told(drafted(7));
    told(crossed(9));
    EXPECT_EQ(told.card().reading_to_draft_seconds(), 0);
}

TEST(Scorecard, EachClockIsNewsOnce) {
    auto told = told_to_the_end();
    EXPECT_THAT(told.clocks, ElementsAre(Pair("reading_to_draft", 2), Pair("draft_to_cleared", 13),
                                         Pair("cleared_to_last_channel", 6)));
}

// A draft made at `second` from a reading of second 5, as decided by `writer`.
ledger::v1::Decision drafted_by(const std::string& writer, int second, const std::string& message) {
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    decision.set_writer(writer);
    const auto reach = [&](const std::string& kind, int when) {
        v1::Event event;
        v1::MilestoneReached& reached = *event.mutable_milestone_reached();
        if (kind == "drafted") reached.set_message_id(message);
        reached.set_crossing_id("crx-" + message);
        reached.mutable_milestone()->set_kind(kind);
        *reached.mutable_milestone()->mutable_at() = runtime::to_proto(at(when));
        decision.mutable_accepted()->add_events(event.SerializeAsString());
    };
    reach("crossed", 5);
    reach("drafted", second);
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
