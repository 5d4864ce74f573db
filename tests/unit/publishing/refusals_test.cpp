// What nobody but publishing's own executors and timers could ask wrongly.
#include "publishing/steps.hpp"
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
    EXPECT_EQ(refused(story, command), "no_such_release");
    command.mutable_record_prepared()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "no_such_release");
    command.mutable_record_outcome()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "no_such_release");
    command.mutable_reach_due()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "no_such_release");
    command.mutable_cancel_release()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "no_such_release");
    command.mutable_retract_release()->set_release_id("rel-0");
    EXPECT_EQ(refused(story, command), "no_such_release");
    EXPECT_EQ(story.given.rejection()->field, "release_id");
}

TEST(Refusals, ADeliveryThatIsNotThere) {
    Story story = armed();
    EXPECT_EQ(story.prepared("pigeon").given.refused(), "no_such_delivery");
    EXPECT_EQ(story.outcome("pigeon", "confirmed").given.refused(), "no_such_delivery");
}

TEST(Refusals, AClaimOfNobody) {
    Story story = armed();
    EXPECT_EQ(story.claim("").given.refused(), "executor_missing");
}

TEST(Refusals, AnOutcomeOfANewerVersion) {
    Story story = armed();
    story.claim();
    EXPECT_EQ(story.outcome("hook", "half-done").given.refused(), "unknown_outcome");
}

TEST(Refusals, AnOutcomeOfWhatIsSettled) {
    Story story = armed();
    story.claim().outcome("hook", "refused");
    EXPECT_EQ(story.item("hook").delivery.state(), "refused");
    EXPECT_EQ(story.outcome("hook", "confirmed").given.refused(), "already_settled");
}

TEST(Refusals, ATimeThatIsReachedByNoTimer) {
    Story story = armed();
    const auto next = Decider::next_due(story.given.state());
    ASSERT_TRUE(next);
    story.given.by("ana", "calgary", {"admin"}).on(next->at).when(next->command);
    EXPECT_EQ(story.given.refused(), "not_a_timer");
}

TEST(Refusals, ACommandOfANewerVersion) {
    Story story = armed();
    EXPECT_EQ(refused(story, v1::Command{}), "unknown_command");
}

}  // namespace
}  // namespace tocsin::publishing
