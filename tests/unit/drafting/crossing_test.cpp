#include "drafting/crossing.hpp"

#include "drafting/crossing_draft.hpp"
#include "unit/drafting/cases.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::drafting {
namespace {

using namespace cases;

// ---- crossings that are tried again

TEST(Retry, DraftsOnceTheTemplateIsStored) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    EXPECT_TRUE(says(reason_of(test), "template `flood` does not exist; store it"));
    EXPECT_FALSE(attempt_due(test.state()));
    test.on(samples::now + std::chrono::minutes{5}).happens(stored_template());
    const auto due = attempt_due(test.state());
    ASSERT_TRUE(due);
    EXPECT_EQ(due->at, samples::now + std::chrono::minutes{5});
    EXPECT_EQ(due->command.retry_crossing().attempts(), 1);
    fire(test);
    ASSERT_EQ(test.events().size(), 2u);
    EXPECT_EQ(test.events()[0].message_created().crossing_id(), "x-1");
    EXPECT_TRUE(test.events()[1].has_message_submitted());
    EXPECT_EQ(only(test).state, v1::MESSAGE_STATE_IN_REVIEW);
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_FALSE(test.state().refused.knows("x-1"));
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_FALSE(test.when(crossing(crossed_until())).reacted());
}

TEST(Retry, DraftsOnceAPersonStoresTheTemplate) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    ana(test).when(put_template());
    ASSERT_EQ(test.refused(), "");
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(Retry, ThatFailsAgainSaysWhyNowAndWaitsForTheNextChange) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template("{{bridge}}"));
    EXPECT_TRUE(says(reason_of(fire(test)), "without: bridge"));
    EXPECT_FALSE(attempt_due(test.state()));
    // For the same reason as well: the timer must not come again by itself.
    test.happens(stored_template("{{bridge}}"));
    EXPECT_TRUE(says(reason_of(fire(test)), "without: bridge"));
    EXPECT_FALSE(attempt_due(test.state()));
    test.happens(stored_template());
    EXPECT_EQ(attempt_due(test.state())->command.retry_crossing().attempts(), 3);
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(Retry, ConcernsOnlyWhatNamesTheTemplate) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(template_named("drought"));
    EXPECT_FALSE(attempt_due(test.state()));
}

TEST(Retry, DraftsOnceTheIncidentIsOpened) {
    Case test = given({stored_template()});
    test.when(crossing(crossed_until()));
    EXPECT_TRUE(says(reason_of(test), "incident `inc-1` does not exist; open one"));
    test.happens(incident());
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(Retry, EndsWhenTheReadingIsTooOld) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template());
    test.on(until);
    const std::string reason = reason_of(fire(test));
    EXPECT_TRUE(says(reason, "the reading is too old")) << reason;
    EXPECT_TRUE(says(reason, "rule `bow-high`")) << reason;
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_EQ(test.state().refused.size(), 0u);
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
}

TEST(Retry, IsTooLateHoweverLateTheTimerComes) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.on(until + std::chrono::hours{1}).happens(stored_template());
    EXPECT_TRUE(says(reason_of(fire(test)), "the reading is too old"));
    EXPECT_EQ(test.state().refused.size(), 0u);
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_TRUE(test.state().refused.knows("x-1"));
}

TEST(Retry, IsNotForACrossingThatDoesNotSayUntilWhen) {
    Case test = given({incident()});
    test.when(crossing());
    EXPECT_EQ(test.events().at(0).crossing_refused().crossing_id(), "x-1");
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
}

TEST(Retry, IsOfTheLatestTwoHundred) {
    Case test = given({incident()});
    for (int i = 0; i < 205; ++i)
        test.when(crossing(crossed_until(until, fmt::format("x-{:03}", 999 - i))));
    EXPECT_EQ(test.state().refused.size(), 200u);
    EXPECT_EQ(test.state().refused.known(), 205u);
    EXPECT_EQ(test.state().refused.find("x-995"), nullptr);
    EXPECT_NE(test.state().refused.find("x-994"), nullptr);
    // That it is tried again does not make it a newer one.
    test.happens(stored_template("{{bridge}}"));
    while (attempt_due(test.state())) fire(test);
    test.when(crossing(crossed_until(until, "x-new")));
    EXPECT_EQ(test.state().refused.find("x-994"), nullptr);
    test.happens(stored_template());
    int drafted = 0;
    for (; attempt_due(test.state()); ++drafted) EXPECT_EQ(fire(test).events().size(), 2u);
    EXPECT_EQ(drafted, 200);
    EXPECT_EQ(test.state().messages.size(), 200u);
}

// Nobody waits for a message that will not come, nor corrects a template for it.
TEST(Retry, SaysWhenItIsTooLate) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    const auto due = Decider::next_due(test.state());
    ASSERT_TRUE(due);
    EXPECT_EQ(due->at, until);
    EXPECT_TRUE(fire(test).events().empty()) << "it is not, yet";
    test.on(until);
    const std::string reason = reason_of(fire(test));
    EXPECT_TRUE(says(reason, "the reading is too old")) << reason;
    EXPECT_TRUE(says(reason, "rite the message by hand")) << reason;
    EXPECT_EQ(test.state().refused.size(), 0u);
    EXPECT_FALSE(Decider::next_due(test.state()));
}

TEST(Retry, IsNobodysButTheTimers) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template());
    const auto due = attempt_due(test.state());
    EXPECT_EQ(ana(test).when(due->command).refused(), "not_a_timer");
    EXPECT_TRUE(attempt_due(test.state()));
}

TEST(Retry, ThatComesLateChangesNothing) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template());
    const auto due = attempt_due(test.state());
    fire(test);
    EXPECT_EQ(test.request("again").when(due->command).refused(), "");
    EXPECT_TRUE(test.events().empty());
    v1::Command unknown;
    unknown.mutable_retry_crossing()->set_crossing_id("x-9");
    EXPECT_TRUE(test.when(unknown).events().empty());
}

// Every replay of what was recorded asks for the same, at every step.
TEST(Retry, IsTheSameForEveryReplay) {
    Case test = given({});
    std::vector<std::pair<v1::Event, Time>> ledger;
    Time now = samples::now;
    const auto record = [&] {
        for (const v1::Event& event : test.events()) ledger.emplace_back(event, now);
    };
    const auto happens = [&](const v1::Event& event) {
        now += std::chrono::minutes{1};
        test.on(now).happens(event);
        ledger.emplace_back(event, now);
    };
    for (const char* id : {"x-3", "x-1", "x-2"}) {
        test.when(crossing(crossed_until(until, id)));
        record();
    }
    happens(incident());
    happens(stored_template("{{bridge}}"));
    for (int i = 0; i < 2; ++i) {
        fire(test);
        record();
    }
    happens(stored_template());
    for (int i = 0; i < 2; ++i) {
        fire(test);
        record();
    }
    State replayed;
    for (const auto& [event, at] : ledger) ASSERT_TRUE(Decider::evolve(replayed, event, at));
    const auto here = attempt_due(test.state()), there = Decider::next_due(replayed);
    ASSERT_TRUE(here && there);
    EXPECT_EQ(here->at, there->at);
    EXPECT_EQ(here->command.SerializeAsString(), there->command.SerializeAsString());
    EXPECT_EQ(test.state().refused.known(), replayed.refused.known());
    EXPECT_EQ(test.state().messages.size(), replayed.messages.size());
}

// ---- crossings of rules that are gone, or watch for something else

trigger::v1::Event rule_removed(const char* rule_id = "bow-high") {
    trigger::v1::Event event;
    event.set_rule_id(rule_id);
    event.mutable_rule_removed();
    return event;
}

// As the one that crossed above.
trigger::v1::Event rule_put() {
    const auto evidence = samples::make_evidence();
    trigger::v1::Event event;
    event.set_rule_id("bow-high");
    auto& rule = *event.mutable_rule_put()->mutable_rule();
    rule.set_rule_id("bow-high");
    rule.set_source_id(evidence.source_id());
    rule.set_series(evidence.series());
    rule.set_threshold(evidence.threshold());
    rule.set_template_id("flood");
    rule.set_active(true);
    return event;
}

// Nothing is drafted of what was refused before, whatever becomes of its template.
void expect_given_up(Case& test, std::string_view why) {
    const std::string reason = reason_of(test);
    EXPECT_TRUE(says(reason, why)) << reason;
    EXPECT_TRUE(says(reason, "write the message by hand")) << reason;
    EXPECT_EQ(test.events()[0].crossing_refused().rule_id(), "bow-high");
    EXPECT_EQ(test.events()[0].crossing_refused().crossing_id(), "x-1");
    EXPECT_EQ(test.state().refused.size(), 0u);
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_FALSE(test.when(crossing(crossed_until())).reacted()) << "it is still known";
}

TEST(GivenUp, IsWhatARemovedRuleCrossedAt) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.when(crossing(rule_removed()));
    expect_given_up(test, "rule `bow-high` was removed");
}

TEST(GivenUp, IsWhatWasDueAlready) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template());
    const auto due = attempt_due(test.state());
    ASSERT_TRUE(due);
    test.when(crossing(rule_removed()));
    expect_given_up(test, "was removed");
    test.by("service:drafting", "", {"service"}).when(due->command);
    EXPECT_TRUE(test.events().empty());
}

TEST(GivenUp, IsWhatARuleCrossedAtThatAsksSomethingElseNow) {
    std::vector<trigger::v1::Event> others(4, rule_put());
    others[0].mutable_rule_put()->mutable_rule()->set_source_id("elsewhere");
    others[1].mutable_rule_put()->mutable_rule()->set_series("05BJ001:level");
    others[2].mutable_rule_put()->mutable_rule()->set_threshold(samples::make_evidence().value() +
                                                                1);
    others[3].mutable_rule_put()->mutable_rule()->set_unit("furlong");
    for (const auto& other : others) {
        SCOPED_TRACE(other.ShortDebugString());
        Case test = given({incident()});
        test.when(crossing(crossed_until()));
        test.when(crossing(other));
        expect_given_up(test, "rule `bow-high` was changed to watch for something else");
    }
}

TEST(GivenUp, IsNothingOfARuleThatAsksTheSameOrOfAnotherRule) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    EXPECT_FALSE(test.when(crossing(rule_put())).reacted());
    // The reading reaches these thresholds as well, and so nothing crosses anew.
    for (const double threshold : {-1.0, samples::make_evidence().value()}) {
        auto moved = rule_put();
        moved.mutable_rule_put()->mutable_rule()->set_threshold(threshold);
        EXPECT_FALSE(test.when(crossing(moved)).reacted()) << threshold;
    }
    auto other = rule_put();
    other.set_rule_id("elbow-high");
    other.mutable_rule_put()->mutable_rule()->set_rule_id("elbow-high");
    other.mutable_rule_put()->mutable_rule()->set_threshold(-1);
    EXPECT_FALSE(test.when(crossing(other)).reacted());
    EXPECT_FALSE(test.when(crossing(rule_removed("elbow-high"))).reacted());
    test.happens(stored_template());
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(GivenUp, IsNothingThatWasDraftedOrIsTooOld) {
    Case test = given({incident(), stored_template()});
    test.when(crossing(crossed_until()));
    test.when(crossing(crossed_until(samples::now, "x-2")));
    EXPECT_FALSE(test.when(crossing(rule_removed())).reacted());
}

TEST(GivenUp, AreAllOfTheRule) {
    Case test = given({incident()});
    test.when(crossing(crossed_until(until, "x-1")));
    test.when(crossing(crossed_until(until, "x-2")));
    test.when(crossing(rule_removed()));
    EXPECT_EQ(test.events().size(), 2u);
    EXPECT_EQ(test.state().refused.size(), 0u);
    EXPECT_FALSE(test.when(crossing(rule_removed())).reacted());
}

TEST(GivenUp, IsDraftedWhereTheRuleIsPutAgainWithAnotherTemplate) {
    Case test = given({incident(), template_named("other")});
    test.when(crossing(crossed_until()));
    test.when(crossing(rule_removed()));
    test.when(crossing(retried("other")));
    EXPECT_EQ(test.events().size(), 2u);
}

// ---- how long a refusal is known

TEST(Known, IsARefusalForADayOrWhileItCouldBeDrafted) {
    Case test = given({incident()});
    test.when(crossing(crossed_until(samples::now + std::chrono::hours{72}, "x-long")));
    test.when(crossing(crossed_until(until, "x-short")));
    test.on(samples::now + std::chrono::hours{24} - std::chrono::seconds{1}).happens(message());
    EXPECT_TRUE(test.state().refused.knows("x-short"));
    test.on(samples::now + std::chrono::hours{24}).happens(message());
    EXPECT_FALSE(test.state().refused.knows("x-short"));
    EXPECT_TRUE(test.state().refused.knows("x-long"));
    test.on(samples::now + std::chrono::hours{72}).happens(message());
    EXPECT_EQ(test.state().refused.known(), 0u);
}

TEST(Known, AreSoManyAtMost) {
    State state;
    for (std::size_t i = 0; i < RefusedCrossings::known_max + 5; ++i) {
        v1::Event event;
        event.mutable_crossing_refused()->set_crossing_id(std::to_string(i));
        ASSERT_TRUE(Decider::evolve(state, event, samples::now));
    }
    EXPECT_EQ(state.refused.known(), RefusedCrossings::known_max);
    EXPECT_FALSE(state.refused.knows("4"));
    EXPECT_TRUE(state.refused.knows("5"));
}

// ---- crossings that trigger decides anew

TEST(Retried, IsDraftedAtOnceFromTheOtherTemplate) {
    Case test = given({incident(), template_named("other")});
    test.when(crossing(crossed_until()));
    test.when(crossing(retried("other")));
    ASSERT_EQ(test.events().size(), 2u);
    EXPECT_EQ(test.events()[0].message_id(), crossing_message_id("x-1"));
    EXPECT_EQ(test.state().refused.size(), 0u);
    EXPECT_FALSE(test.when(crossing(retried("flood"))).reacted());
}

TEST(Retried, TakesThePlaceOfWhatIsKept) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.when(crossing(retried("other")));
    EXPECT_TRUE(says(reason_of(test), "template `other` does not exist"));
    EXPECT_FALSE(test.when(crossing(retried("other"))).reacted());
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
    test.happens(template_named("other"));
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(Retried, WhereNothingIsKnownOfItIsACrossing) {
    Case test = given({incident(), stored_template()});
    test.when(crossing(retried("flood")));
    EXPECT_EQ(test.events().size(), 2u);
}

TEST(Retried, WhereItsRefusalWasForgottenIsTriedAllTheSame) {
    Case test = given({incident()});
    test.when(crossing());
    test.happens(stored_template());
    test.when(crossing(retried("flood")));
    EXPECT_EQ(test.events().size(), 2u);
}

TEST(Retried, TooLateIsRefused) {
    Case test = given({incident(), template_named("other")});
    test.when(crossing(crossed_until()));
    test.on(until).when(crossing(retried("other")));
    EXPECT_TRUE(says(reason_of(test), "too old"));
    EXPECT_EQ(test.state().refused.size(), 0u);
}

TEST(Retried, BesideItsCrossingMakesOneMessage) {
    Case test = given({incident(), stored_template()});
    test.when(foreign<trigger::v1::Event>("trigger", "bow", {crossed_until(), retried("flood")}));
    EXPECT_EQ(test.events().size(), 2u);
}

}  // namespace
}  // namespace tocsin::drafting
