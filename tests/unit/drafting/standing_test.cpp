#include "drafting/standing.hpp"

#include "unit/drafting/facts.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::drafting {
namespace {

using namespace facts;

TEST(Lifecycle, FollowsAMessageThroughItsLife) {
    std::vector<Fact> facts;
    const auto then = [&](const Fact& next) {
        facts.push_back(next);
        return state_after(facts);
    };
    EXPECT_EQ(then(created()), MESSAGE_STATE_DRAFT);
    EXPECT_EQ(then(submitted()), MESSAGE_STATE_IN_REVIEW);
    EXPECT_EQ(then(opened()), MESSAGE_STATE_IN_REVIEW);
    EXPECT_EQ(then(cleared()), MESSAGE_STATE_CLEARED);
    EXPECT_EQ(then(planned()), MESSAGE_STATE_CLEARED);
    EXPECT_EQ(then(armed()), MESSAGE_STATE_ARMED);
    EXPECT_EQ(then(claimed()), MESSAGE_STATE_RELEASING);
    EXPECT_EQ(then(completed(RELEASE_STATE_RELEASED)), MESSAGE_STATE_RELEASED);
    EXPECT_EQ(then(claimed()), MESSAGE_STATE_RELEASED);
    EXPECT_EQ(then(completed(RELEASE_STATE_RETRACTED)), MESSAGE_STATE_CANCELLED);
    // Ordered again for what became public later.
    EXPECT_EQ(then(completed(RELEASE_STATE_RETRACTED)), MESSAGE_STATE_CANCELLED);
    // And could not be taken back there.
    EXPECT_EQ(then(completed(RELEASE_STATE_RELEASED)), MESSAGE_STATE_RELEASED);
}

TEST(Lifecycle, IsTheSameInAnyOrderOfTheLedgers) {
    expect_in_any_order({{created(), submitted()},
                         {opened(), cleared()},
                         {planned(), armed(), claimed(), completed(RELEASE_STATE_RELEASED)}},
                        MESSAGE_STATE_RELEASED);
}

TEST(Lifecycle, ASecondSubmissionOutranksTheFirstsReturn) {
    expect_in_any_order(
        {{created(), submitted(), handed_back(), submitted()}, {opened(), fact_of_return()}},
        MESSAGE_STATE_IN_REVIEW);
    expect_in_any_order({{created(), submitted(), handed_back(), submitted()},
                         {opened(), fact_of_return(), opened(), cleared()}},
                        MESSAGE_STATE_CLEARED);
}

TEST(Lifecycle, AReturnedTextIsADraftAgain) {
    expect_in_any_order({{created(), submitted(), handed_back()}, {opened(), fact_of_return()}},
                        MESSAGE_STATE_DRAFT);
    EXPECT_EQ(state_after({created(), submitted(), opened(), fact_of_return()}),
              MESSAGE_STATE_DRAFT);
}

TEST(Lifecycle, AReturnedTextMayBeWithdrawn) {
    expect_in_any_order(
        {{created(), submitted(), handed_back(), withdrawn()}, {opened(), fact_of_return()}},
        MESSAGE_STATE_WITHDRAWN);
}

TEST(Lifecycle, ARejectedMessageStaysRejected) {
    expect_in_any_order({{created(), submitted(), closed()}, {opened(), fact_of_rejection()}},
                        MESSAGE_STATE_REJECTED);
    EXPECT_EQ(state_after({created(), submitted(), opened(), fact_of_rejection()}),
              MESSAGE_STATE_REJECTED);
}

TEST(Lifecycle, ARelease) {
    const std::vector<Fact> before{created(), submitted(), opened(), cleared(), planned()};
    const auto with = [&](std::vector<Fact> more) {
        more.insert(more.begin(), before.begin(), before.end());
        return state_after(more);
    };
    EXPECT_EQ(with({stopped()}), MESSAGE_STATE_CANCELLED);
    EXPECT_EQ(with({armed(), stopped()}), MESSAGE_STATE_CANCELLED);
    EXPECT_EQ(with({ended(RELEASE_STATE_EXPIRED)}), MESSAGE_STATE_EXPIRED);
    EXPECT_EQ(with({ended(RELEASE_STATE_ABORTED)}), MESSAGE_STATE_CANCELLED);
    EXPECT_EQ(with({armed(), claimed(), completed(RELEASE_STATE_RETRACTED)}),
              MESSAGE_STATE_CANCELLED);
    // A channel has it after all.
    EXPECT_EQ(
        with({armed(), claimed(), ended(RELEASE_STATE_ABORTED), completed(RELEASE_STATE_RELEASED)}),
        MESSAGE_STATE_RELEASED);
}

TEST(Lifecycle, AMessageThatWasUpdatedIsSupersededWhileItIsOut) {
    const std::vector<Fact> before{created(), submitted(), opened(), cleared(),
                                   planned(), armed(),     claimed()};
    const auto with = [&](std::vector<Fact> more) {
        more.insert(more.begin(), before.begin(), before.end());
        return state_after(more);
    };
    EXPECT_EQ(with({superseded()}), MESSAGE_STATE_SUPERSEDED);
    EXPECT_EQ(with({completed(RELEASE_STATE_RELEASED), superseded()}), MESSAGE_STATE_SUPERSEDED);
    EXPECT_EQ(with({superseded(), completed(RELEASE_STATE_RELEASED)}), MESSAGE_STATE_SUPERSEDED);
    // Beside that it was retracted, or given up, as others are.
    EXPECT_EQ(with({superseded(), completed(RELEASE_STATE_RETRACTED)}), MESSAGE_STATE_CANCELLED);
    EXPECT_EQ(with({superseded(), ended(RELEASE_STATE_ABORTED)}), MESSAGE_STATE_CANCELLED);
    EXPECT_EQ(with({superseded(), completed(RELEASE_STATE_RETRACTED), superseded("")}),
              MESSAGE_STATE_CANCELLED);
    EXPECT_EQ(with({superseded(), superseded("")}), MESSAGE_STATE_RELEASING);
    EXPECT_EQ(with({completed(RELEASE_STATE_RELEASED), superseded(), superseded("other"),
                    superseded("")}),
              MESSAGE_STATE_RELEASED);
}

TEST(Lifecycle, ATextThatItsReleaseGaveBackIsADraftAgain) {
    const std::vector<Fact> drafting{created(), submitted(), given_back()};
    const std::vector<Fact> approval{opened(), cleared()};
    const std::vector<Fact> publishing{planned(), armed(), ended(RELEASE_STATE_ABORTED)};
    expect_in_any_order({drafting, approval, publishing}, MESSAGE_STATE_DRAFT);
    const auto then = [&](std::vector<Fact> more, std::vector<Fact> reviewed,
                          std::vector<Fact> released, v1::MessageState state) {
        more.insert(more.begin(), drafting.begin(), drafting.end());
        reviewed.insert(reviewed.begin(), approval.begin(), approval.end());
        released.insert(released.begin(), publishing.begin(), publishing.end());
        expect_in_any_order({more, reviewed, released}, state);
    };
    then({withdrawn()}, {}, {}, MESSAGE_STATE_WITHDRAWN);
    then({submitted()}, {}, {}, MESSAGE_STATE_IN_REVIEW);
    then({submitted()}, {opened(), cleared()}, {}, MESSAGE_STATE_CLEARED);
    then({submitted()}, {opened(), cleared()}, {planned(2), armed(), claimed()},
         MESSAGE_STATE_RELEASING);
    then({submitted(), given_back()}, {opened(), cleared()}, {planned(2), stopped()},
         MESSAGE_STATE_DRAFT);
    then({submitted(), handed_back()}, {opened(), fact_of_return()}, {}, MESSAGE_STATE_DRAFT);
}

TEST(Lifecycle, AnImpossibleMoveIsCountedAndNotMade) {
    DraftingView view(1);
    for (const Fact& each : {created(), submitted(), opened(), cleared(), planned(), stopped()})
        apply(view, each);
    EXPECT_EQ(view.impossible_moves(), 0);
    apply(view, armed());
    EXPECT_EQ(view.impossible_moves(), 1);
    EXPECT_EQ(state_of(view), MESSAGE_STATE_CANCELLED);
    EXPECT_EQ(shown(view).reason(), "wrong river");
}

TEST(Lifecycle, AReleaseThatWasNotPlannedIsCounted) {
    DraftingView view(1);
    apply(view, armed());
    EXPECT_EQ(view.impossible_moves(), 1);
}

TEST(Message, ShowsContentAndDigestWhileItIsLocked) {
    DraftingView view(1);
    apply(view, created());
    EXPECT_EQ(shown(view).digest(), "");
    apply(view, submitted());
    EXPECT_EQ(shown(view).digest(), "digest");
    EXPECT_EQ(shown(view).content(), "bytes");
    EXPECT_EQ(shown(view).etag(), "2");
    apply(view, handed_back());
    EXPECT_EQ(shown(view).digest(), "");
    EXPECT_EQ(shown(view).content(), "");
    EXPECT_EQ(shown(view).reason(), "which bank?");
    EXPECT_EQ(shown(view).etag(), "3");
}

TEST(Message, IsNotShownBeforeDraftingTellsOfIt) {
    DraftingView view(1);
    apply(view, opened());
    EXPECT_EQ(shown(view).message_id(), "");
    EXPECT_TRUE(listed(view).empty());
}

TEST(Message, LastChangedWhenTheLatestLedgerSaysSo) {
    DraftingView view(1);
    apply(view, opened(), 9);
    apply(view, created(), 5);
    EXPECT_EQ(runtime::from_proto(shown(view).update_time()), at(9));
    EXPECT_EQ(runtime::from_proto(shown(view).create_time()), at(5));
}

constexpr std::int64_t day = 24 * 60 * 60;

// It can be ordered again: that is no move, and people see why.
TEST(Lifecycle, ARetractionThatCameToNothingIsToldOfAReleasedMessage) {
    DraftingView view(1);
    for (const Fact& each : {created(), submitted(), opened(), cleared(), planned(), armed(),
                             claimed(), completed(RELEASE_STATE_RELEASED)})
        apply(view, each);
    publishing::v1::Event event = of_release();
    event.mutable_release_completed()->set_state(RELEASE_STATE_RELEASED);
    event.mutable_release_completed()->set_reason("toot:cancel is refused: 401");
    apply(view, fact(event), 60);
    EXPECT_EQ(view.impossible_moves(), 0);
    EXPECT_EQ(state_of(view), MESSAGE_STATE_RELEASED);
    EXPECT_EQ(shown(view).reason(), "toot:cancel is refused: 401");
    EXPECT_EQ(runtime::from_proto(shown(view).update_time()), at(60));
}

TEST(Texts, AreDroppedThirtyDaysAfterTheEnd) {
    DraftingView view(1);
    for (const Fact& each : {created(), submitted(), opened(), cleared(), planned(), armed(),
                             claimed(), completed(RELEASE_STATE_RELEASED)})
        apply(view, each);
    apply(view, created("other"), 30 * day - 1);
    EXPECT_FALSE(shown(view).texts_dropped());
    EXPECT_EQ(shown(view).content(), "bytes");
    apply(view, created("another"), 30 * day);
    EXPECT_TRUE(shown(view).texts_dropped());
    EXPECT_EQ(shown(view).content(), "");
    EXPECT_EQ(shown(view).digest(), "digest");
    EXPECT_EQ(state_of(view), MESSAGE_STATE_RELEASED);
    EXPECT_FALSE(shown(view, "other").texts_dropped());
}

// It may be taken back for a week after its expiry. The ledger that tells so may be read last.
TEST(Texts, AreKeptAlikeWhateverOrderTheLedgersAreReadIn) {
    v1::Event event = event_of("m");
    *event.mutable_message_created()->mutable_draft()->mutable_expires() =
        runtime::to_proto(at(day));
    const Fact expiring = fact(event);
    for (const bool own_first : {false, true}) {
        DraftingView view(1);
        for (const Fact& each : {expiring, submitted(), opened(), cleared()}) apply(view, each);
        if (own_first) apply(view, created("other"), 36 * day);
        for (const Fact& each : {planned(), armed(), claimed(), completed(RELEASE_STATE_RELEASED)})
            apply(view, each);
        if (own_first) {
            EXPECT_EQ(shown(view).content(), "bytes");
        }
        apply(view, completed(RELEASE_STATE_RETRACTED), 6 * day);
        apply(view, created("another"), 36 * day);
        EXPECT_EQ(shown(view).content(), "bytes") << own_first;
        apply(view, created("last"), 39 * day);
        EXPECT_EQ(shown(view).content(), "") << own_first;
    }
}

TEST(Texts, StayWhileAMessageHasNoEnd) {
    DraftingView view(1);
    for (const Fact& each : {created(), submitted(), opened(), cleared()}) apply(view, each);
    apply(view, created("other"), 300 * day);
    EXPECT_EQ(shown(view).content(), "bytes");
}

// A ledger that is read behind the others has its words of long ago.
TEST(Texts, AreDroppedAtOnceWhereTheEndIsReadLate) {
    DraftingView view(1);
    apply(view, created());
    apply(view, created("other"), 40 * day);
    apply(view, withdrawn(), 0);
    EXPECT_TRUE(shown(view).texts_dropped());
}

}  // namespace
}  // namespace tocsin::drafting
