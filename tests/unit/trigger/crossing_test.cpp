// What a rule makes of the readings that come in.
#include "support/given.hpp"
#include "trigger/decider.hpp"
#include "unit/trigger/gauge_files.hpp"

#include <cmath>
#include <limits>

namespace tocsin::trigger {
namespace {

using testing::at;
using testing::Given;

v1::Event source_put() {
    v1::Event event;
    auto& source = *event.mutable_source_put()->mutable_source();
    source.set_source_id("bow");
    source.set_agency_id("calgary");
    source.set_format("eccc-csv");
    source.set_active(true);
    return event;
}

struct Watch {
    double hysteresis = 0;
    double for_seconds = 0;
    double cooldown_seconds = 0;
};

v1::Event rule_put(Watch watch = {}) {
    v1::Event event;
    auto& rule = *event.mutable_rule_put()->mutable_rule();
    rule.set_rule_id("bow-high");
    rule.set_agency_id("calgary");
    rule.set_source_id("bow");
    rule.set_series("05BH004:discharge");
    rule.set_threshold(1000);
    rule.set_hysteresis(watch.hysteresis);
    rule.set_for_seconds(watch.for_seconds);
    rule.set_cooldown_seconds(watch.cooldown_seconds);
    rule.set_template_id("river-high");
    rule.set_incident_id("flood");
    rule.set_active(true);
    rule.set_time_zone("America/Edmonton");
    return event;
}

Given<Decider> watching(Watch watch = {}) {
    return Given<Decider>({source_put(), rule_put(watch)});
}

// A reading: seconds after the start, and a value.
using Brought = std::vector<std::pair<int, double>>;

runtime::Foreign readings(const Brought& brought, std::string series = "05BH004:discharge") {
    v1::Readings body;
    body.set_source_id("bow");
    body.set_series(std::move(series));
    body.set_unit("m3/s");
    for (const auto& [seconds, value] : brought) {
        auto& reading = *body.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(at(seconds));
        reading.set_value(value);
    }
    auto result = testing::foreign<v1::Readings>("trigger", "bow", {body}, at(100000));
    result.topic = "tocsin.trigger.readings.v1";
    return result;
}

// Names of the events, for short comparisons.
std::string kinds(const Given<Decider>& given) {
    std::string all;
    for (const auto& event : given.events()) {
        if (!all.empty()) all += ' ';
        switch (event.body_case()) {
            case v1::Event::kPendingBegan:
                all += "began";
                break;
            case v1::Event::kPendingEnded:
                all += "ended";
                break;
            case v1::Event::kRuleCrossed:
                all += "crossed";
                break;
            case v1::Event::kRuleReset:
                all += "reset";
                break;
            case v1::Event::kCrossingSuppressed:
                all += "suppressed";
                break;
            case v1::Event::kSourcePut:
            case v1::Event::kRulePut:
            case v1::Event::kRuleRemoved:
            case v1::Event::kSourceRemoved:
            case v1::Event::BODY_NOT_SET:
                all += "other";
                break;
        }
    }
    return all;
}

TEST(Crossing, BearsTheHandsOfItsRuleAndItsSource) {
    v1::Event source = source_put(), rule = rule_put();
    for (const char* hand : {"ana", "ben"}) {
        source.mutable_source_put()->mutable_source()->add_hands(hand);
        rule.mutable_rule_put()->mutable_rule()->add_hands(std::string(hand) + "-too");
    }
    rule.mutable_rule_put()->mutable_rule()->add_hands("ana");
    Given<Decider> given({source, rule});
    given.when(readings({{0, 1200}}));
    ASSERT_EQ(given.events().size(), 1U);
    const auto& hands = given.events()[0].rule_crossed().hands();
    EXPECT_EQ((std::vector<std::string>(hands.begin(), hands.end())),
              (std::vector<std::string>{"ana-too", "ben-too", "ana", "ben"}));
}

TEST(Crossing, AReadingAtTheThresholdCrossesAtOnce) {
    auto given = watching();
    given.on(at(7)).when(readings({{0, 999.9}, {60, 1000}}));
    ASSERT_EQ(kinds(given), "crossed");
    const auto& crossed = given.events()[0].rule_crossed();
    EXPECT_EQ(crossed.template_id(), "river-high");
    EXPECT_EQ(crossed.agency_id(), "calgary");
    EXPECT_EQ(crossed.time_zone(), "America/Edmonton");
    const auto& crossing = crossed.crossing();
    EXPECT_EQ(crossing.rule_id(), "bow-high");
    EXPECT_EQ(crossing.incident_id(), "flood");
    EXPECT_EQ(runtime::from_proto(crossing.cross_time()), at(7));
    ASSERT_EQ(crossing.evidence_size(), 1);
    EXPECT_EQ(crossing.evidence(0).value(), 1000);
    EXPECT_EQ(crossing.evidence(0).threshold(), 1000);
    EXPECT_EQ(crossing.evidence(0).unit(), "m3/s");
    EXPECT_EQ(runtime::from_proto(crossing.evidence(0).read_at()), at(60));
}

TEST(Crossing, ReadingsBelowTheThresholdLeaveNoRecord) {
    auto given = watching();
    EXPECT_FALSE(given.when(readings({{0, 10}, {60, 999}})).reacted());
}

TEST(Crossing, ReadingsThatComeAgainLeaveNoRecord) {
    auto given = watching({.hysteresis = 50, .for_seconds = 60});
    const auto batch = readings({{0, 10}, {60, 1001}, {90, 1002}, {120, 1003}, {180, 1004}});
    EXPECT_EQ(kinds(given.when(batch)), "began crossed");
    EXPECT_FALSE(given.when(batch).reacted());
    given.when(readings({{240, 900}, {300, 910}}));
    EXPECT_EQ(kinds(given), "reset");
    EXPECT_FALSE(given.when(batch).reacted());
}

TEST(Crossing, AReadingOlderThanTheLastTransitionIsIgnored) {
    auto given = watching();
    given.when(readings({{60, 1100}}));
    EXPECT_FALSE(given.when(readings({{0, 10}, {60, 10}})).reacted());
    EXPECT_EQ(kinds(given.when(readings({{61, 10}}))), "reset");
}

TEST(Crossing, SeveralTransitionsOfOneBatchAreOneDecisionInOrder) {
    auto given = watching();
    given.when(readings({{0, 1100}, {60, 10}, {120, 1200}, {180, 1300}}));
    EXPECT_EQ(kinds(given), "crossed reset crossed");
    EXPECT_NE(given.events()[0].rule_crossed().crossing().crossing_id(),
              given.events()[2].rule_crossed().crossing().crossing_id());
}

TEST(Crossing, StayingAboveForTheDurationCrossesWithTheFirstReadingAsEvidence) {
    auto given = watching({.for_seconds = 120});
    EXPECT_EQ(kinds(given.when(readings({{0, 1001}, {60, 1002}}))), "began");
    EXPECT_FALSE(given.when(readings({{119, 1003}})).reacted());
    EXPECT_EQ(kinds(given.when(readings({{120, 1004}}))), "crossed");
    const auto& crossing = given.events()[0].rule_crossed().crossing();
    ASSERT_EQ(crossing.evidence_size(), 2);
    EXPECT_EQ(crossing.evidence(0).value(), 1004);
    EXPECT_EQ(crossing.evidence(1).value(), 1001);
}

TEST(Crossing, FallingBelowTheThresholdEndsThePendingTime) {
    auto given = watching({.hysteresis = 100, .for_seconds = 120});
    EXPECT_EQ(kinds(given.when(readings({{0, 1001}, {60, 999}}))), "began ended");
    EXPECT_EQ(kinds(given.when(readings({{100, 1001}, {200, 1001}}))), "began");
    EXPECT_EQ(kinds(given.when(readings({{220, 1001}}))), "crossed");
}

TEST(Crossing, WobblingWithinTheHysteresisNeitherResetsNorCrossesAgain) {
    auto given = watching({.hysteresis = 50});
    given.when(readings({{0, 1001}, {60, 999}, {120, 1002}, {180, 950}, {240, 1003}}));
    EXPECT_EQ(kinds(given), "crossed");
    EXPECT_EQ(kinds(given.when(readings({{300, 949.9}}))), "reset");
}

TEST(Crossing, WithinTheCooldownACrossingIsSuppressedOnce) {
    auto given = watching({.cooldown_seconds = 600});
    given.when(readings({{0, 1001}, {60, 10}, {120, 1002}, {180, 1003}}));
    ASSERT_EQ(kinds(given), "crossed reset suppressed");
    const auto& suppressed = given.events()[2].crossing_suppressed();
    EXPECT_EQ(suppressed.reading().value(), 1002);
    EXPECT_EQ(runtime::from_proto(suppressed.cooldown_until()), at(600));
    EXPECT_EQ(given.state().rules.find("bow-high")->crossings, 1);
}

TEST(Crossing, TheCooldownRunsFromTheCrossingAndNotFromASuppressedOne) {
    auto given = watching({.cooldown_seconds = 600});
    given.when(readings({{0, 1001}, {60, 10}, {120, 1002}, {180, 10}, {600, 1003}}));
    EXPECT_EQ(kinds(given), "crossed reset suppressed reset crossed");
}

TEST(Crossing, OnlyTheSeriesOfTheRuleIsWeighed) {
    auto given = watching();
    EXPECT_FALSE(given.when(readings({{0, 5000}}, "05BH004:level")).reacted());
    EXPECT_FALSE(given.when(readings({{0, 5000}}, "05BB001:discharge")).reacted());
}

TEST(Crossing, EveryRuleOfASeriesIsWeighed) {
    auto second = rule_put();
    second.mutable_rule_put()->mutable_rule()->set_rule_id("bow-higher");
    second.mutable_rule_put()->mutable_rule()->set_threshold(1500);
    Given<Decider> given({source_put(), rule_put(), second});
    EXPECT_EQ(kinds(given.when(readings({{0, 1200}, {60, 1600}}))), "crossed crossed");
}

TEST(Crossing, ARuleThatIsSwitchedOffDoesNotCross) {
    v1::Event removed;
    removed.mutable_rule_removed()->set_rule_id("bow-high");
    Given<Decider> given({source_put(), rule_put(), removed});
    EXPECT_FALSE(given.when(readings({{0, 5000}})).reacted());
}

TEST(Crossing, ARulePutAnewStartsNormalAndCrossesOnTheSameReadingAsAnotherCrossing) {
    auto given = watching();
    given.when(readings({{0, 1200}}));
    const auto before = given.events()[0].rule_crossed().crossing().crossing_id();
    v1::Command command;
    auto& put = *command.mutable_put_rule();
    put.set_rule_id("bow-high");
    put.set_source_id("bow");
    put.set_series("05BH004:discharge");
    put.set_threshold(1100);
    put.set_template_id("river-high");
    put.set_incident_id("flood");
    given.by("dora", "calgary", {"duty-officer"}).when(command);
    ASSERT_EQ(given.refused(), "");
    ASSERT_EQ(kinds(given.when(readings({{0, 1200}}))), "crossed");
    EXPECT_NE(given.events()[0].rule_crossed().crossing().crossing_id(), before);
}

TEST(Crossing, AValueThatIsNoNumberIsIgnored) {
    auto given = watching();
    const double inf = std::numeric_limits<double>::infinity();
    EXPECT_FALSE(given.when(readings({{0, inf}, {1, std::nan("")}})).reacted());
}

TEST(Crossing, OtherStreamsAndServicesAreIgnored) {
    auto given = watching();
    auto other = readings({{0, 5000}});
    other.service = "drafting";
    EXPECT_FALSE(given.when(other).reacted());
    other.service = "trigger";
    other.topic = "tocsin.trigger.ledger.v1";
    EXPECT_FALSE(given.when(other).reacted());
}

TEST(Crossing, ARecordThatDoesNotParseIsAFault) {
    auto broken = readings({});
    broken.events[0] = "\xff";
    EXPECT_THROW(Decider::react({}, broken, at(0)), std::runtime_error);
}

// The same readings, cut into batches in any way, one by one or each sent several times, lead to
// the same state: what makes it safe to send them again.
TEST(Crossing, HowReadingsAreCutIntoBatchesMakesNoDifference) {
    const Watch watch{.hysteresis = 100, .for_seconds = 120, .cooldown_seconds = 900};
    Brought all;
    unsigned random = 1;
    for (int i = 0; i < 400; ++i) {
        random = random * 1103515245U + 12345U;
        all.emplace_back(i * 60, 800.0 + static_cast<double>((random >> 16) % 400));
    }
    auto whole = watching(watch);
    whole.when(readings(all));
    for (const std::size_t size : {1UL, 7UL, 50UL}) {
        auto parts = watching(watch);
        for (std::size_t begin = 0; begin < all.size(); begin += size) {
            const auto end = std::min(begin + size, all.size());
            const Brought batch(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                all.begin() + static_cast<std::ptrdiff_t>(end));
            parts.when(readings(batch));
            EXPECT_FALSE(parts.when(readings(batch)).reacted());
        }
        const auto& left = *whole.state().rules.find("bow-high");
        const auto& right = *parts.state().rules.find("bow-high");
        EXPECT_EQ(left.standing, right.standing);
        EXPECT_EQ(left.since, right.since);
        EXPECT_EQ(left.crossings, right.crossings);
        EXPECT_GT(left.crossings, 3);
    }
}

// The flood of June 2013: at or above 1000 m3/s from 20 June 17:00 to 23 June 16:00.
TEST(Crossing, TheBowRiverCrossesOnceInJune2013AndFallsBackOnce) {
    const auto parsed = find_format("eccc-csv")->read(test_file("bow-calgary-2013.csv"));
    ASSERT_TRUE(parsed.has_value());
    v1::Readings body;
    body.set_source_id("bow");
    body.set_series("05BH004:discharge");
    for (const Reading& read : find_series(*parsed, "05BH004:discharge")->readings) {
        auto& reading = *body.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(read.read_at);
        reading.set_value(read.value);
    }
    auto record = readings({});
    record.events[0] = body.SerializeAsString();
    auto given = watching();
    ASSERT_EQ(kinds(given.when(record)), "crossed reset");
    const auto& crossing = given.events()[0].rule_crossed().crossing();
    EXPECT_EQ(runtime::from_proto(crossing.evidence(0).read_at()),
              utc("2013-06-20T17:00:00-07:00"));
    EXPECT_EQ(runtime::from_proto(given.events()[1].rule_reset().reading().read_at()),
              utc("2013-06-23T16:00:00-07:00"));
}

}  // namespace
}  // namespace tocsin::trigger
