// What publishing decides, as milestones of its message.
#include "measurement/decider.hpp"
#include "texts/enum_names.hpp"
#include "unit/measurement/samples.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace tocsin::measurement {
namespace {

using testing::at;
using ::testing::ElementsAre;
using testing::Given;
using ::testing::IsEmpty;

// Kind, channel and purpose of every milestone; other events by their name.
std::vector<std::string> milestones_of(const Given<Decider>& given) {
    std::vector<std::string> all;
    for (const auto& event : given.events()) {
        EXPECT_EQ(event.message_id(), "msg-1");
        EXPECT_EQ(event.release_id(), "rel-1");
        if (event.has_milestone_reached()) {
            const auto& point = event.milestone_reached().milestone();
            all.push_back(std::string(texts::enum_name(point.kind())) + "/" + point.channel() +
                          "/" + std::string(texts::enum_name(point.purpose())));
        }
        if (event.has_deliveries_noted())
            for (const auto& one : event.deliveries_noted().deliveries())
                all.push_back(one.delivery_id() + "=" + std::string(texts::enum_name(one.state())));
        if (event.has_skew_measured()) all.push_back("skew");
    }
    return all;
}

Given<Decider> armed() {
    Given<Decider> given;
    given.when(samples::publishing({samples::planned()}, 30));
    given.when(samples::publishing({samples::armed()}, 31));
    return given;
}

Given<Decider> released() {
    auto given = armed();
    given.when(samples::publishing({samples::settled("d1", samples::confirmed, 40, 41)}, 42));
    given.when(samples::publishing({samples::settled("d2", samples::confirmed, 40, 43)}, 44));
    given.when(samples::publishing({samples::completed(samples::released, 12.5)}, 45));
    return given;
}

TEST(Deliveries, APlanAndItsArmingAreNotedAndTheArmingIsAMilestone) {
    Given<Decider> given;
    given.when(samples::publishing({samples::planned()}, 30));
    EXPECT_THAT(milestones_of(given), ElementsAre("d1=planned", "d2=planned"));
    given.when(samples::publishing({samples::armed()}, 31));
    EXPECT_THAT(milestones_of(given), ElementsAre("d1=armed", "d2=armed", "armed//"));
    EXPECT_FALSE(given.when(samples::publishing({samples::armed()}, 32)).reacted());
}

TEST(Deliveries, APlanAndItsArmingInOneDecisionAreUnderstood) {
    Given<Decider> given;
    given.when(samples::publishing({samples::planned(), samples::armed()}, 30));
    EXPECT_THAT(milestones_of(given),
                ElementsAre("d1=planned", "d2=planned", "d1=armed", "d2=armed", "armed//"));
}

TEST(Deliveries, WhatIsPlannedAndNotArmedFollowsOrIsLeftOut) {
    Given<Decider> given;
    given.when(samples::publishing({samples::planned()}, 30));
    given.when(samples::publishing({samples::armed({"d1"})}, 31));
    EXPECT_THAT(milestones_of(given), ElementsAre("d1=armed", "armed//"));
    Given<Decider> other = given;
    given.when(samples::publishing({samples::stragglers_armed("d2")}, 32));
    EXPECT_THAT(milestones_of(given), ElementsAre("d2=armed"));
    other.when(samples::publishing({samples::skipped("d2")}, 32));
    EXPECT_THAT(milestones_of(other), ElementsAre("d2=skipped"));
}

TEST(Deliveries, TheFirstSettledDeliveryTellsWhenTheReleaseFired) {
    auto given = armed();
    given.when(samples::publishing({samples::settled("d1", samples::confirmed, 40, 41)}, 42));
    EXPECT_THAT(milestones_of(given),
                ElementsAre("fired//message", "confirmed/feed-public/message"));
    const auto& fired = given.events()[0].milestone_reached().milestone();
    EXPECT_EQ(runtime::from_proto(fired.at()), at(40));
    const auto& confirmed = given.events()[1].milestone_reached().milestone();
    EXPECT_EQ(runtime::from_proto(confirmed.at()), at(41));
    EXPECT_EQ(confirmed.agency(), "calgary");
    EXPECT_EQ(given.events()[1].milestone_reached().delivery_id(), "d1");
}

TEST(Deliveries, OnlyAnEarlierFiringIsRecordedAgain) {
    auto given = armed();
    given.when(samples::publishing({samples::settled("d1", samples::confirmed, 40, 41)}, 42));
    auto later = given;
    later.when(samples::publishing({samples::settled("d2", samples::confirmed, 50, 51)}, 52));
    EXPECT_THAT(milestones_of(later), ElementsAre("confirmed/mastodon-city/message"));
    given.when(samples::publishing({samples::settled("d2", samples::confirmed, 39, 51)}, 52));
    EXPECT_THAT(milestones_of(given),
                ElementsAre("fired//message", "confirmed/mastodon-city/message"));
}

TEST(Deliveries, RefusedAndUnknownAreMilestones) {
    auto given = armed();
    given.when(samples::publishing({samples::settled("d1", samples::refused, -1, -1)}, 42));
    EXPECT_THAT(milestones_of(given), ElementsAre("refused/feed-public/message"));
    given.when(samples::publishing({samples::unknown("d2")}, 43));
    EXPECT_THAT(milestones_of(given), ElementsAre("unknown/mastodon-city/message"));
    given.when(samples::publishing({samples::settled("d2", samples::confirmed, 40, 44)}, 45));
    EXPECT_THAT(milestones_of(given),
                ElementsAre("fired//message", "confirmed/mastodon-city/message"));
}

TEST(Deliveries, WhatWasRefusedMayBeConfirmedAfterTheReleaseWasMeasured) {
    auto given = armed();
    given.when(samples::publishing({samples::settled("d1", samples::refused, -1, -1)}, 42));
    given.when(samples::publishing({samples::settled("d2", samples::confirmed, 40, 43)}, 44));
    given.when(samples::publishing({samples::completed(samples::released, -1)}, 45));
    given.when(samples::publishing({samples::settled("d1", samples::confirmed, 40, 50)}, 51));
    EXPECT_THAT(milestones_of(given), ElementsAre("confirmed/feed-public/message"));
    EXPECT_EQ(given.events()[0].milestone_reached().milestone().agency(), "calgary");
}

TEST(Deliveries, AStateThatIsAMilestoneIsKnownByItsKind) {
    std::vector<v1::MilestoneKind> kinds;
    for (const auto state : texts::enum_values<published::DeliveryState>()) {
        const v1::MilestoneKind kind = milestone_kind(state);
        if (kind == v1::MILESTONE_KIND_UNSPECIFIED) continue;
        EXPECT_EQ(state_by(kind), state);
        EXPECT_EQ(texts::enum_name(kind), texts::enum_name(state));
        kinds.push_back(kind);
    }
    EXPECT_THAT(kinds, ElementsAre(v1::MILESTONE_KIND_CONFIRMED, v1::MILESTONE_KIND_REFUSED,
                                   v1::MILESTONE_KIND_UNKNOWN));
    EXPECT_EQ(state_by(v1::MILESTONE_KIND_FIRED), published::DELIVERY_STATE_UNSPECIFIED);
    EXPECT_EQ(milestone_kind(published::DELIVERY_STATE_UNSPECIFIED),
              v1::MILESTONE_KIND_UNSPECIFIED);
}

TEST(Deliveries, ASecondDoubtIsNoNewMilestoneButIsNoted) {
    auto given = armed();
    given.when(samples::publishing({samples::unknown("d1")}, 42));
    given.when(samples::publishing({samples::rearmed("d1")}, 43));
    EXPECT_THAT(milestones_of(given), ElementsAre("d1=armed"));
    given.when(samples::publishing({samples::unknown("d1")}, 44));
    EXPECT_THAT(milestones_of(given), ElementsAre("d1=unknown"));
    EXPECT_FALSE(given.when(samples::publishing({samples::unknown("d1")}, 45)).reacted());
}

TEST(Deliveries, TheSkewIsMeasuredOnceWhenTheReleaseIsComplete) {
    auto given = released();
    EXPECT_THAT(milestones_of(given), ElementsAre("skew"));
    EXPECT_EQ(given.events()[0].skew_measured().skew_ms(), 12.5);
    EXPECT_FALSE(given.when(samples::publishing({samples::completed(samples::released, 12.5)}, 46))
                     .reacted());
}

TEST(Deliveries, OfARetractedReleaseNoneIsKeptThatIsFinal) {
    auto given = released();
    EXPECT_TRUE(given.state().releases.by_id.at("rel-1").deliveries.empty());
    EXPECT_TRUE(given.state().releases.by_id.at("rel-1").fired_at.empty());
    // It comes again, and in another way.
    EXPECT_FALSE(
        given.when(samples::publishing({samples::settled("d1", samples::confirmed, 31, 99)}, 47))
            .reacted());
    EXPECT_FALSE(given.when(samples::publishing({samples::unknown("d1")}, 48)).reacted());
    given.when(samples::publishing({samples::retraction_armed()}, 60));
    EXPECT_EQ(given.state().releases.by_id.at("rel-1").deliveries.size(), 2u);
    given.when(samples::publishing({samples::settled("r1", samples::confirmed, 61, 62)}, 63));
    given.when(samples::publishing({samples::settled("r2", samples::confirmed, 61, 63),
                                    samples::completed(samples::retracted, 1)},
                                   66));
    EXPECT_TRUE(given.state().releases.by_id.at("rel-1").deliveries.empty());
}

TEST(Deliveries, OneThatIsInDoubtIsKeptUntilItIsNot) {
    auto given = armed();
    given.when(
        samples::publishing({samples::settled("d1", samples::confirmed, 40, 41),
                             samples::unknown("d2"), samples::completed(samples::released, 1)},
                            42));
    EXPECT_EQ(given.state().releases.by_id.at("rel-1").deliveries.size(), 1u);
    given.when(samples::publishing({samples::settled("d2", samples::confirmed, 39, 44)}, 45));
    EXPECT_THAT(milestones_of(given),
                ElementsAre("fired//message", "confirmed/mastodon-city/message"));
    EXPECT_TRUE(given.state().releases.by_id.at("rel-1").deliveries.empty());
}

TEST(Deliveries, ASkewThatIsNoNumberIsNotKnown) {
    auto given = armed();
    given.when(samples::publishing({samples::completed(samples::released, std::nan(""))}, 45));
    ASSERT_THAT(milestones_of(given), ElementsAre("skew"));
    EXPECT_EQ(given.events()[0].skew_measured().skew_ms(), -1);
}

TEST(Deliveries, ARetractionIsOrderedAndEndsWhenEveryChannelIsCorrected) {
    auto given = released();
    given.when(samples::publishing({samples::retraction_armed()}, 60));
    EXPECT_THAT(milestones_of(given), ElementsAre("retraction_ordered//", "r1=armed", "r2=armed"));
    EXPECT_EQ(given.events()[0].milestone_reached().milestone().text(), "wrong bridge");
    given.when(samples::publishing({samples::settled("r1", samples::confirmed, 61, 64)}, 65));
    EXPECT_THAT(milestones_of(given),
                ElementsAre("fired//retraction", "confirmed/feed-public/retraction"));
    given.when(samples::publishing({samples::settled("r2", samples::confirmed, 61, 63),
                                    samples::completed(samples::retracted, 1)},
                                   66));
    ASSERT_THAT(milestones_of(given),
                ElementsAre("confirmed/mastodon-city/retraction", "corrected//"));
    EXPECT_EQ(runtime::from_proto(given.events()[1].milestone_reached().milestone().at()), at(64))
        << "when the last channel confirmed it";
}

TEST(Deliveries, ARetractionStopsWhatWasStillToGoOut) {
    auto given = armed();
    given.when(samples::publishing({samples::settled("d1", samples::confirmed, 40, 41)}, 42));
    given.when(samples::publishing({samples::retraction_armed()}, 60));
    const auto& deliveries = given.state().releases.by_id.at("rel-1").deliveries;
    EXPECT_EQ(deliveries.at("d1").state, samples::confirmed);
    EXPECT_EQ(deliveries.at("d2").state, published::DELIVERY_STATE_STOOD_DOWN);
}

// It is being sent; what came of it follows later.
TEST(Deliveries, ARetractionDoesNotStopWhatIsClaimed) {
    auto given = armed();
    given.when(samples::publishing({samples::claimed("d2")}, 39));
    given.when(samples::publishing({samples::retraction_armed()}, 40));
    const auto state = [&](const char* id) {
        return given.state().releases.by_id.at("rel-1").deliveries.at(id).state;
    };
    EXPECT_EQ(state("d1"), published::DELIVERY_STATE_STOOD_DOWN);
    EXPECT_EQ(state("d2"), published::DELIVERY_STATE_CLAIMED);
    given.when(samples::publishing({samples::settled("d2", samples::confirmed, 40, 41)}, 42));
    EXPECT_EQ(state("d2"), samples::confirmed);
}

// Publishing says how far it came; the order that a channel took counts, whichever it was.
TEST(Deliveries, ARetractionThatAChannelRefusedIsNotCorrected) {
    auto given = released();
    given.when(samples::publishing({samples::retraction_armed()}, 60));
    given.when(samples::publishing({samples::settled("r1", samples::confirmed, 61, 62)}, 63));
    given.when(samples::publishing({samples::settled("r2", samples::refused, -1, -1)}, 64));
    EXPECT_FALSE(
        given
            .when(samples::publishing(
                {samples::completed(publishing::v1::RELEASE_STATE_PARTLY_RETRACTED, 1)}, 65))
            .reacted());
    given.when(samples::publishing({samples::completed(samples::retracted, 1)}, 66));
    EXPECT_THAT(milestones_of(given), ElementsAre("corrected//"));
}

TEST(Deliveries, WhatACancelledReleaseHadNotSentIsSkipped) {
    auto cancelled = samples::of_release();
    cancelled.mutable_release_cancelled();
    auto given = armed();
    given.when(samples::publishing({cancelled}, 35));
    EXPECT_THAT(milestones_of(given), ElementsAre("stopped//", "d1=skipped", "d2=skipped"));
}

TEST(Deliveries, AReleaseOrDeliveryThatIsNotKnownLeavesNoRecord) {
    Given<Decider> given;
    EXPECT_FALSE(given
                     .when(samples::publishing(
                         {samples::armed(), samples::settled("d1", samples::confirmed, 1, 2)}, 3))
                     .reacted());
    auto known = armed();
    EXPECT_FALSE(
        known.when(samples::publishing({samples::settled("d9", samples::confirmed, 1, 2)}, 3))
            .reacted());
}

}  // namespace
}  // namespace tocsin::measurement
