// What a hold keeps back, what it does not, and who lifts it.
#include "publishing/holds.hpp"

#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::Story;

// How a request differs from that for everything, for as long as is usual.
using Change = void (*)(v1::PlaceHoldRequest&);

v1::PlaceHoldRequest everything() {
    v1::PlaceHoldRequest request;
    request.set_everything(true);
    request.set_reason("the account was taken over");
    return request;
}

v1::PlaceHoldRequest on_channel(const std::string& id) {
    v1::PlaceHoldRequest request = everything();
    request.clear_everything();
    request.set_channel_id(id);
    return request;
}

v1::PlaceHoldRequest on_agency(const std::string& id) {
    v1::PlaceHoldRequest request = everything();
    request.clear_everything();
    request.set_agency_id(id);
    return request;
}

Story& place(Story& story, const v1::PlaceHoldRequest& request, Time when = at(1),
             const std::string& agency = "calgary", std::vector<std::string> roles = {"approver"},
             const std::string& who = "olga") {
    v1::Command command;
    *command.mutable_place_hold() = request;
    static int requests = 0;
    story.given.by(who, agency, std::move(roles)).request(std::to_string(++requests)).on(when);
    story.given.when(command);
    return story;
}

Story& lift(Story& story, const std::string& id, const std::string& who = "dora",
            const std::string& agency = "calgary", Time when = at(2),
            std::vector<std::string> roles = {"duty-officer"}) {
    v1::Command command;
    command.mutable_lift_hold()->set_hold_id(id);
    command.mutable_lift_hold()->set_reason("the account is ours again");
    story.given.by(who, agency, std::move(roles)).on(when).when(command);
    return story;
}

const Holds& holds_of(const Story& story) { return story.given.state().holds; }

// The only one in force.
std::string the_hold(const Story& story) {
    const auto& in_force = holds_of(story).in_force;
    EXPECT_EQ(in_force.size(), 1U);
    return in_force.empty() ? std::string{} : in_force.begin()->first;
}

bool claimed(const Story& story, const std::string& id) {
    return story.delivery(id).is(v1::DELIVERY_STATE_CLAIMED);
}

TEST(Holds, KeepBackEverythingThatIsNotClaimed) {
    Story story = armed();
    place(story, everything()).claim();
    EXPECT_EQ(story.given.refused(), "nothing_to_claim");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(Holds, KeepBackOneChannelAndNoOther) {
    Story story = armed();
    place(story, on_channel("hook")).claim();
    EXPECT_TRUE(claimed(story, "feed"));
    EXPECT_FALSE(claimed(story, "hook"));
}

TEST(Holds, KeepBackOneAgencyAndNoOther) {
    content::Content content = samples::make_content();
    content.mutable_draft()->add_agencies("alberta");
    Story story{
        {samples::channel("feed", "feed"), samples::channel("theirs", "webhook", "alberta")},
        content};
    story.clear().prepared("feed").prepared("theirs");
    place(story, on_agency("alberta"), at(1), "alberta").claim();
    EXPECT_TRUE(claimed(story, "feed"));
    EXPECT_FALSE(claimed(story, "theirs"));
}

TEST(Holds, KeepBackWhatIsTriedAgain) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_RETRY_LATER);
    place(story, on_channel("hook"), at(3)).claim("x1", at(60));
    EXPECT_EQ(story.given.refused(), "nothing_to_claim");
}

TEST(Holds, LeaveWhatIsClaimedToItsExecutor) {
    Story story = armed();
    story.claim();
    place(story, everything(), at(1)).outcome("hook", v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_CONFIRMED));
}

TEST(Holds, NeverKeepBackARetraction) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_CONFIRMED);
    place(story, everything(), at(5)).stop().claim("x1", at(11), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(claimed(story, "hook:cancel"));
}

TEST(Holds, ReleaseWhatTheyKeptBackWhenASecondPersonLiftsThem) {
    Story story = armed();
    place(story, everything());
    lift(story, the_hold(story)).claim("x1", at(30));
    EXPECT_TRUE(claimed(story, "feed"));
    const auto until = runtime::from_proto(story.delivery("feed").head.give_up_at());
    EXPECT_GT(until, at(30)) << "T0 is long over, and it may still start";
    ASSERT_EQ(holds_of(story).ended.size(), 1U);
    EXPECT_EQ(holds_of(story).ended[0].lifted_by(), "dora");
    EXPECT_EQ(runtime::from_proto(holds_of(story).ended[0].end_time()), at(2));
}

TEST(Holds, AreNotLiftedByWhoPlacedThem) {
    Story story = armed();
    place(story, everything());
    lift(story, the_hold(story), "olga");
    EXPECT_EQ(story.given.refused(), "second_person");
    EXPECT_EQ(holds_of(story).in_force.size(), 1U);
}

TEST(Holds, AreLiftedTwiceWithoutHarm) {
    Story story = armed();
    place(story, everything());
    const std::string id = the_hold(story);
    lift(lift(story, id), id, "cleo");
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.given.events().empty());
}

TEST(Holds, OfAnAgencyAreItsOwnBusiness) {
    Story story = armed();
    place(story, on_channel("hook"), at(1), "alberta");
    EXPECT_EQ(story.given.refused(), "other_agency");
    place(story, on_agency("calgary"), at(1), "alberta");
    EXPECT_EQ(story.given.refused(), "other_agency");
    place(story, on_agency("calgary"));
    lift(story, the_hold(story), "dora", "alberta");
    EXPECT_EQ(story.given.refused(), "other_agency");
}

TEST(Holds, OnEverythingAreLiftedByAnyAgency) {
    Story story = armed();
    place(story, everything());
    lift(story, the_hold(story), "dora", "alberta");
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(holds_of(story).in_force.empty());
}

TEST(Holds, AreForApproversAndDutyOfficers) {
    Story story = armed();
    place(story, everything(), at(1), "calgary", {"author", "admin"});
    EXPECT_EQ(story.given.refused(), "role_missing");
    place(story, everything());
    lift(story, the_hold(story), "dora", "calgary", at(2), {"author"});
    EXPECT_EQ(story.given.refused(), "role_missing");
}

TEST(Holds, SayWhatTheyAreFor) {
    const std::pair<Change, const char*> cases[] = {
        {[](auto& request) { request.clear_everything(); }, "hold_unclear"},
        {[](auto& request) { request.set_agency_id("calgary"); }, "hold_unclear"},
        {[](auto& request) { request.set_channel_id("hook"); }, "hold_unclear"},
        {[](auto& request) {
             request.clear_everything();
             request.set_channel_id("none");
         },
         "not_found"},
        {[](auto& request) {
             request.set_lasts_seconds(60);
             request.set_remind_after_seconds(60);
         },
         "reminder_too_late"}};
    for (const auto& [change, code] : cases) {
        Story story = armed();
        v1::PlaceHoldRequest request = everything();
        change(request);
        EXPECT_EQ(place(story, request).given.refused(), code);
    }
}

TEST(Holds, RemindAndThenEndByThemselves) {
    Story story{samples::feed_and_hook()};
    v1::PlaceHoldRequest request = everything();
    request.set_lasts_seconds(600);
    request.set_remind_after_seconds(60);
    place(story, request, at(0));
    const std::string id = the_hold(story);
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(60));
    story.due();
    EXPECT_TRUE(holds_of(story).find(id)->reminded());
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(600));
    story.due();
    EXPECT_TRUE(holds_of(story).in_force.empty());
    EXPECT_EQ(holds_of(story).find(id)->lifted_by(), "");
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

TEST(Holds, DoNotEndBeforeTheirTime) {
    Story story{samples::feed_and_hook()};
    place(story, everything(), at(0));
    v1::Command command;
    command.mutable_reach_due()->set_hold_id(the_hold(story));
    *command.mutable_reach_due()->mutable_due_at() = runtime::to_proto(at(500));
    story.tell(command, at(500));
    EXPECT_TRUE(story.given.events().empty()) << "neither the reminder nor the end is due";
    story.tell(command, at(100));
    EXPECT_EQ(story.given.refused(), "not_due");
    story.given.by("olga", "calgary", {"approver"}).on(at(500)).when(command);
    EXPECT_EQ(story.given.refused(), "not_a_timer");
}

TEST(Holds, OfARealmAreBounded) {
    Story story{samples::feed_and_hook()};
    for (std::size_t i = 0; i < holds_of_agency_max; ++i) {
        place(story, everything(), at(1));
        ASSERT_EQ(story.given.refused(), "");
    }
    place(story, everything(), at(1));
    EXPECT_EQ(story.given.refused(), "too_many_holds");
    // The other agencies have room of their own.
    for (std::size_t i = holds_of_agency_max; i < holds_max; ++i) {
        const std::string agency = "agency-" + std::to_string(i);
        place(story, everything(), at(1), agency);
        ASSERT_EQ(story.given.refused(), "") << agency;
    }
    place(story, everything(), at(1), "alberta");
    EXPECT_EQ(story.given.refused(), "too_many_holds");
}

TEST(Holds, ThatEndedAreKnownForAWhile) {
    Story story{samples::feed_and_hook()};
    for (std::size_t i = 0; i < ended_holds_max + 5; ++i) {
        place(story, everything(), at(1));
        lift(story, the_hold(story));
    }
    place(story, everything(), at(3));
    const auto all = listed(holds_of(story));
    ASSERT_EQ(all.size(), ended_holds_max + 1);
    EXPECT_FALSE(all[0]->has_end_time()) << "what is in force comes first";
    EXPECT_TRUE(all[1]->has_end_time());
}

TEST(Holds, LetAReleaseBeStopped) {
    Story story = armed();
    place(story, everything()).stop();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_CANCELLED);
}

}  // namespace
}  // namespace tocsin::publishing
