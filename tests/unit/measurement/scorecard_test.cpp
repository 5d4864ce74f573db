// Clocks and counts of a scorecard, and what becomes a metric.
#include "measurement/view.hpp"
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
        for (const auto& [clock, seconds] : realm.news().clocks)
            clocks.emplace_back(clock, seconds);
    }
    v1::Scorecard card() const { return realm.card("msg-1")->scorecard("msg-1"); }

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
    EXPECT_THAT(told.realm.order(), IsEmpty());
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

TEST(Scorecard, MetricsAreFedOnlyByWhatHappensNow) {
    runtime::Metrics metrics{""};
    MeasurementView view{1, metrics};
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    v1::Event event;
    event.mutable_skew_measured()->set_message_id("msg-1");
    event.mutable_skew_measured()->set_skew_ms(20);
    decision.mutable_accepted()->add_events(event.SerializeAsString());
    const auto count = [&] {
        std::uint64_t seen = 0;
        for (const auto& family : metrics.registry().Collect())
            if (family.name == "tocsin_release_skew_seconds")
                seen += family.metric.at(0).histogram.sample_count;
        return seen;
    };
    view.apply({"measurement", 0, 0, at(0), decision, false});
    EXPECT_EQ(count(), 0U);
    view.apply({"measurement", 0, 1, at(0), decision, true});
    EXPECT_EQ(count(), 1U);
}

}  // namespace
}  // namespace tocsin::measurement
