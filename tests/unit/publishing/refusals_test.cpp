// Refusals that only publishing's own executors and timers could meet.
#include "publishing/release_steps.hpp"
#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::Story;

std::string refused(Story& story, const v1::Command& command) {
    return story.tell(command, at(2)).given.refused();
}

TEST(Refusals, AReleaseThatIsNotThere) {
    Story story = armed();
    v1::Command command;
    command.mutable_claim_release()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "not_found");
    command.mutable_record_prepared()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "not_found");
    command.mutable_record_outcome()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "not_found");
    command.mutable_reach_due()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "not_found");
    command.mutable_stop_release()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "not_found");
    command.mutable_retry_delivery()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "not_found");
    command.mutable_resolve_delivery()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "not_found");
    EXPECT_EQ(story.given.rejection()->field, "release_id");
}

TEST(Refusals, ADeliveryThatIsNotThere) {
    Story story = armed();
    EXPECT_EQ(story.prepared("pigeon").given.refused(), "not_found");
    EXPECT_EQ(story.outcome("pigeon", v1::OUTCOME_CONFIRMED).given.refused(), "not_found");
}

TEST(Refusals, AClaimOfNobody) {
    Story story = armed();
    EXPECT_EQ(story.claim("").given.refused(), "executor_missing");
}

TEST(Refusals, AnOutcomeOfANewerVersion) {
    Story story = armed();
    story.claim();
    EXPECT_EQ(story.outcome("hook", static_cast<v1::Outcome>(99)).given.refused(),
              "unknown_outcome");
}

TEST(Refusals, AnOutcomeOfWhatIsSettled) {
    Story story = armed();
    story.claim().outcome("hook", v1::OUTCOME_REFUSED);
    EXPECT_EQ(story.delivery("hook").head.state(), v1::DELIVERY_STATE_REFUSED);
    EXPECT_EQ(story.outcome("hook", v1::OUTCOME_CONFIRMED).given.refused(), "already_settled");
}

TEST(Refusals, ATimeThatIsReachedByNoTimer) {
    Story story = armed();
    const auto next = Decider::next_due(story.given.state());
    ASSERT_TRUE(next);
    story.given.by("ana", "calgary", {"admin"}).on(next->at).when(next->command);
    EXPECT_EQ(story.given.refused(), "not_a_timer");
}

// No rule decides such; a ledger that holds one is not read on.
TEST(Refusals, AnEventThatCannotFollow) {
    const Story story = armed();
    State state = story.given.state();
    v1::Event completed = event_of(story.id());
    completed.mutable_release_completed()->set_state(v1::RELEASE_STATE_RELEASED);
    v1::Event settled = event_of(story.id(), {"hook"});
    settled.mutable_delivery_settled()->set_state(v1::DELIVERY_STATE_UNKNOWN);
    v1::Event again = event_of(story.id());
    again.mutable_release_planned()->mutable_release()->set_release_id(story.id());
    v1::Event elsewhere = event_of("rel-0");
    elsewhere.mutable_release_cancelled();
    for (const v1::Event& event : {completed, settled, again, elsewhere, v1::Event{}})
        EXPECT_FALSE(Decider::evolve(state, event, at(2))) << event.ShortDebugString();
    Turn turn{story.release(), at(2), {}};
    EXPECT_THROW(turn.add(completed), std::logic_error);
}

TEST(Refusals, ACommandOfANewerVersion) {
    Story story = armed();
    EXPECT_EQ(refused(story, v1::Command{}), "unknown_command");
}

}  // namespace
}  // namespace tocsin::publishing
