// Releasing without stragglers, and channels that change while a release is under way.
#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::channel;
using samples::Story;

content::Content that_waits() {
    auto content = samples::make_content();
    content.mutable_draft()->mutable_stragglers()->set_wait_seconds(3600);
    return content;
}

// The feed is ready, the hook is not, and the message waits for both.
Story waiting() {
    Story story{samples::feed_and_hook(), that_waits()};
    story.clear().prepared("feed").prepared("hook", false, "its server is down");
    return story;
}

Story& proceed(Story& story, std::vector<std::string> without = {}, Time when = at(5),
               std::vector<std::string> roles = {"duty-officer"},
               const std::string& agency = "calgary") {
    v1::Command command;
    v1::ProceedReleaseRequest& request = *command.mutable_proceed_release();
    request.set_release_id(story.id());
    for (std::string& id : without) request.add_delivery_ids(std::move(id));
    request.set_reason("the river does not wait");
    story.given.by("olga", agency, std::move(roles)).on(when).when(command);
    return story;
}

TEST(Proceeding, ReleasesWithoutWhatIsNotReady) {
    Story story = waiting();
    proceed(story);
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_ARMED));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED));
    EXPECT_EQ(story.delivery("hook").head.reason(),
              "`olga` released without it: the river does not wait");
    story.prepared("hook", true, "", 0, at(6));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED)) << "it was left out";
}

TEST(Proceeding, ASecondClickAddsNothing) {
    Story story = waiting();
    proceed(proceed(story, {"hook"}), {"hook"});
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.given.events().empty());
}

TEST(Proceeding, LeavesOutNobodyElse) {
    Story story{{channel("feed", "feed"), channel("hook", "webhook"), channel("other", "webhook")},
                that_waits()};
    story.clear().prepared("feed").prepared("hook", false, "down").prepared("other", false, "down");
    proceed(story, {"hook"});
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_WAITING) << "the other one is still waited for";
    story.prepared("other", true, "", 0, at(9));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(Proceeding, EndsAReleaseThatIsOutOnAllOthers) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("hook", false, "down");
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_FIRING);
    proceed(story);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
}

TEST(Proceeding, LeavesOutWhatIsTriedAgain) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_RETRY_LATER);
    proceed(story, {"hook"});
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    story.claim("x1", at(60));
    EXPECT_EQ(story.given.refused(), "nothing_to_claim");
}

TEST(Proceeding, IsForADutyOfficerOfItsAgencies) {
    Story story = waiting();
    proceed(story, {}, at(5), {"approver"});
    EXPECT_EQ(story.given.refused(), "role_missing");
    proceed(story, {}, at(5), {"duty-officer"}, "elsewhere");
    EXPECT_EQ(story.given.refused(), "other_agency");
}

TEST(Proceeding, WhatMayBePublicIsStoppedInstead) {
    Story story =
        armed({channel("feed", "feed"), channel("hook", "webhook"), channel("other", "webhook")});
    story.claim();
    proceed(story, {"hook"});
    EXPECT_EQ(story.given.refused(), "may_be_public");
    story.outcome("hook", v1::OUTCOME_UNKNOWN);
    proceed(story, {"hook"});
    EXPECT_EQ(story.given.refused(), "may_be_public");
    story.outcome("other", v1::OUTCOME_REFUSED);
    proceed(story, {"other"});
    EXPECT_EQ(story.given.refused(), "delivery_over");
}

TEST(Proceeding, WithoutAnyIsAStop) {
    Story story = waiting();
    proceed(story, {"hook", "feed"});
    EXPECT_EQ(story.given.refused(), "nothing_left");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_WAITING);
}

TEST(Proceeding, IsOverOnceTheReleaseIs) {
    Story story = waiting();
    story.stop();
    proceed(story);
    EXPECT_EQ(story.given.refused(), "not_under_way");
    proceed(story, {"nobody"});
    EXPECT_EQ(story.given.refused(), "not_under_way");
    Story other = waiting();
    proceed(other, {"nobody"});
    EXPECT_EQ(other.given.refused(), "not_found");
}

// ---- channels

Story& put(Story& story, const std::string& id, const std::string& url,
           const std::string& credential, Time when = at(5), const std::string& kind = "webhook") {
    v1::Command command;
    v1::PutChannelRequest& request = *command.mutable_put_channel();
    request.set_channel_id(id);
    request.set_kind(kind);
    request.set_url(url);
    request.set_credential(credential);
    story.given.by("ada", "calgary", {"admin"}).on(when).when(command);
    return story;
}

void put_toot_in_english(Story& story) {
    v1::Command command;
    v1::PutChannelRequest& request = *command.mutable_put_channel();
    request.set_channel_id("toot");
    request.set_kind("mastodon");
    request.set_url("https://toot.example.org");
    request.set_credential("toot");
    request.add_languages("en-CA");
    story.given.by("ada", "calgary", {"admin"}).on(at(5)).when(command);
}

Story& remove(Story& story, const std::string& id, Time when = at(5)) {
    v1::Command command;
    command.mutable_remove_channel()->set_channel_id(id);
    story.given.by("ada", "calgary", {"admin"}).on(when).when(command);
    return story;
}

TEST(ChangedChannel, ThatLeadsElsewhereIsAStragglerUntilItIsPutBack) {
    Story story = waiting();
    put(story, "hook", "https://hook.example.org", "hook-2");
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_NOT_READY));
    EXPECT_TRUE(story.delivery("hook").head.reason().contains("another credential"));
    story.prepared("hook", true, "", 0, at(6));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_NOT_READY));
    put(story, "hook", "https://other.example.org", "hook", at(7));
    EXPECT_TRUE(story.delivery("hook").head.reason().contains("another URL"));
    put(story, "hook", "https://hook.example.org", "hook", at(8));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_PLANNED));
    EXPECT_EQ(story.delivery("hook").head.reason(), "");
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_READY));
    story.prepared("hook", true, "", 0, at(9));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(ChangedChannel, ThatLeadsElsewhereIsWhatAReleaseGoesWithout) {
    Story story = waiting();
    put(story, "hook", "https://other.example.org", "hook");
    proceed(story);
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(ChangedChannel, ThatIsRemovedIsNotWaitedFor) {
    Story story = waiting();
    remove(story, "hook");
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED));
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(5));
    story.due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(ChangedChannel, TheLastOneThatIsRemovedEndsIt) {
    Story story{samples::feed_only(), that_waits()};
    story.clear().prepared("feed", false, "off");
    remove(story, "feed").due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_FALSE(Decider::next_due(story.given.state()));
    Story other = armed(samples::feed_only());
    remove(other, "feed");
    EXPECT_EQ(other.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_FALSE(Decider::next_due(other.given.state()));
}

TEST(ChangedChannel, ThatIsRemovedIsNotSentToAnyMore) {
    Story story = armed();
    remove(story, "hook");
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED));
    story.claim("x1", at(6)).outcome("feed", v1::OUTCOME_CONFIRMED, at(7));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
}

TEST(ChangedChannel, WhatMayBeThereIsTakenBackFromThereAllTheSame) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_UNKNOWN);
    remove(story, "hook");
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_UNKNOWN));
    story.stop();
    EXPECT_NE(story.release().find("hook:cancel"), nullptr);
}

TEST(ChangedChannel, WhatMayBeThereIsNotSentThereAgain) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_UNKNOWN);
    story.outcome("hook", v1::OUTCOME_ABSENT, at(20));
    ASSERT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_ARMED));
    remove(story, "hook", at(21));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_REFUSED));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    story.retry("hook", at(22));
    EXPECT_EQ(story.given.refused(), "channel_gone");
    put(story, "hook", "https://hook.example.org", "hook", at(23)).retry("hook", at(24));
    EXPECT_EQ(story.given.refused(), "");

    Story claimed = armed();
    claimed.claim().outcome("feed", v1::OUTCOME_CONFIRMED);
    remove(claimed, "hook", at(3));
    EXPECT_TRUE(claimed.delivery("hook").is(v1::DELIVERY_STATE_CLAIMED));
    claimed.outcome("hook", v1::OUTCOME_RETRY_LATER, at(4));
    EXPECT_TRUE(claimed.delivery("hook").is(v1::DELIVERY_STATE_REFUSED));
}

TEST(ChangedChannel, ARetractionGoesToWhereItsOriginalWent) {
    Story story{{channel("toot", "mastodon")}};
    story.clear().prepared("toot:fr-CA").prepared("toot:en-CA", false, "too long");
    story.claim().outcome("toot:fr-CA", v1::OUTCOME_CONFIRMED);
    put(story, "toot", "https://other.example.org", "toot-2", at(5), "mastodon");
    EXPECT_TRUE(story.delivery("toot:en-CA").is(v1::DELIVERY_STATE_NOT_READY));
    story.stop();
    EXPECT_EQ(story.delivery("toot:fr-CA:cancel").channel->url(), "https://toot.example.org");
    EXPECT_EQ(story.release().find("toot:en-CA:cancel"), nullptr);
}

TEST(ChangedChannel, WhatIsArmedDoesNotGoElsewhereAndIsTriedAgainOnceItIsPutBack) {
    Story story = armed();
    put(story, "hook", "https://other.example.org", "hook", at(1));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_REFUSED));
    EXPECT_EQ(story.delivery("hook").channel->url(), "https://hook.example.org");
    story.claim().retry("hook", at(3));
    EXPECT_EQ(story.given.refused(), "channel_gone");
    put(story, "hook", "https://hook.example.org", "hook", at(4)).retry("hook", at(5));
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_ARMED));
}

TEST(ChangedChannel, ARetryKeepsToTheLanguagesOfNow) {
    Story story{{channel("feed", "feed"), channel("toot", "mastodon")}};
    story.clear().prepared("feed").prepared("toot:fr-CA").prepared("toot:en-CA");
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("toot:fr-CA", v1::OUTCOME_REFUSED);
    put_toot_in_english(story);
    story.retry("toot:fr-CA", at(6));
    EXPECT_EQ(story.given.refused(), "channel_gone");
}

// ---- what people wait for

TEST(Waiting, IsWhatAReleaseIsSaidToDoWhoseChannelsAllLeadElsewhere) {
    Story story{samples::feed_and_hook(), that_waits()};
    v1::Event moved = channel("hook", "webhook");
    moved.mutable_channel_put()->mutable_channel()->set_url("https://other.example.org");
    v1::Event removed;
    removed.mutable_channel_removed()->set_channel_id("feed");
    story.given.happens(moved).happens(removed);
    EXPECT_EQ(story.clear().state(), v1::RELEASE_STATE_WAITING);
    put(story, "hook", "https://hook.example.org", "hook");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PREPARING);
    put(story, "hook", "https://other.example.org", "hook", at(6));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_WAITING);
}

TEST(Waiting, IsNothingThatALeftOutChannelLeadsTo) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_release_at() = runtime::to_proto(at(1800));
    Story story{samples::feed_only(), content};
    story.given.happens(channel("hook", "webhook"));
    story.clear().prepared("feed");
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PREPARING) << "it waits for its time alone";
}

TEST(Quorum, CountsAChannelThatWasRemovedAndNoneThatAPersonLeftOut) {
    auto content = that_waits();
    content.mutable_draft()->mutable_stragglers()->set_quorum_percent(100);
    v1::Event removed;
    removed.mutable_channel_removed()->set_channel_id("hook");
    Story without{samples::feed_and_hook(), content};
    without.given.happens(removed);
    without.clear().prepared("feed");
    EXPECT_NE(without.state(), v1::RELEASE_STATE_ARMED) << "two were approved";
    Story with_new{samples::feed_only(), content};
    with_new.given.happens(channel("hook", "webhook"));
    with_new.clear().prepared("feed");
    EXPECT_EQ(with_new.state(), v1::RELEASE_STATE_ARMED) << "one was approved";
    Story left_out{samples::feed_and_hook(), content};
    left_out.clear().prepared("feed").prepared("hook", false, "down");
    EXPECT_EQ(proceed(left_out).state(), v1::RELEASE_STATE_ARMED);
}

// Another account does not show what went out by the one that was approved, and would be sent it
// once more.
TEST(ChangedChannel, WhatIsInDoubtIsLookedForByTheAccountThatWasApproved) {
    Story story = armed();
    story.claim().outcome("hook", v1::OUTCOME_UNKNOWN);
    put(story, "hook", "https://hook.example.org", "hook-2", at(3));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_UNKNOWN));
    EXPECT_EQ(story.delivery("hook").channel->credential(), "hook");
    story.outcome("hook", v1::OUTCOME_ABSENT, at(20));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_REFUSED)) << "not sent again";
}

TEST(ChangedChannel, ANewNameChangesNothing) {
    Story story = armed();
    v1::Command command;
    v1::PutChannelRequest& request = *command.mutable_put_channel();
    request.set_channel_id("hook");
    request.set_kind("webhook");
    request.set_url("https://hook.example.org");
    request.set_credential("hook");
    request.set_name("The radio station");
    story.given.by("ada", "calgary", {"admin"}).on(at(1)).when(command);
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_ARMED));
    EXPECT_EQ(story.delivery("hook").channel->name(), "The radio station");
}

TEST(ChangedChannel, ALaterRetractionGoesByTheCredentialOfNowAndARetryDoesNot) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_CONFIRMED);
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    put(story, "hook", "https://hook.example.org", "hook-2", at(5)).stop();
    EXPECT_EQ(story.delivery("hook:cancel").channel->credential(), "hook-2");
    story.stop(at(11));
    EXPECT_TRUE(story.given.events().empty()) << "a second click";

    Story other = armed();
    other.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_REFUSED);
    put(other, "hook", "https://hook.example.org", "hook-2", at(5)).retry("hook", at(6));
    EXPECT_EQ(other.given.refused(), "channel_gone");
    put(other, "hook", "https://hook.example.org", "hook", at(7)).retry("hook", at(8));
    EXPECT_EQ(other.given.refused(), "");
}

TEST(ChangedChannel, OfAnotherKindOrLanguageIsLeftOut) {
    Story story{{channel("feed", "feed"), channel("toot", "mastodon")}, that_waits()};
    story.clear().prepared("feed").prepared("toot:fr-CA", false, "401");
    put_toot_in_english(story);
    EXPECT_TRUE(story.delivery("toot:fr-CA").is(v1::DELIVERY_STATE_SKIPPED));
    EXPECT_TRUE(story.delivery("toot:en-CA").is(v1::DELIVERY_STATE_PLANNED));
    put(story, "toot", "https://toot.example.org", "toot", at(6));
    EXPECT_TRUE(story.delivery("toot:en-CA").is(v1::DELIVERY_STATE_NOT_READY)) << "a webhook now";
}

}  // namespace
}  // namespace tocsin::publishing
