// How many posts an account may have, and for what the last ones are kept.
#include "publishing/budgets.hpp"

#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::at;
using samples::channel;
using samples::Story;

// Three posts in a minute, one of them kept.
v1::Event with_budget(const std::string& id, int posts = 3, int seconds = 60, int reserve = 1) {
    v1::Event event = channel(id, "webhook");
    v1::Channel& put = *event.mutable_channel_put()->mutable_channel();
    put.set_url("https://one.example.org");
    put.set_credential("one");
    put.set_budget_posts(posts);
    put.set_budget_seconds(seconds);
    put.set_budget_reserve(reserve);
    return event;
}

content::Content of_severity(content::v1::Severity severity) {
    content::Content content = samples::make_content();
    content.mutable_draft()->set_severity(severity);
    return content;
}

// Armed on all channels at once.
Story on(const std::vector<v1::Event>& channels, content::v1::Severity severity) {
    Story story{channels, of_severity(severity)};
    story.clear();
    const Deliveries deliveries = story.release().deliveries;
    for (const Delivery& delivery : deliveries) story.prepared(delivery.id());
    return story;
}

int claimed(const Story& story) {
    return story.release().count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_CLAIMED);
}

std::vector<v1::Event> four() {
    return {with_budget("a"), with_budget("b"), with_budget("c"), with_budget("d")};
}

TEST(Budgets, AreOfAnAccountWhateverItsChannels) {
    Story story = on(four(), content::v1::SEVERITY_SEVERE);
    story.claim();
    EXPECT_EQ(claimed(story), 3) << "the channels are of one account";
    story.claim("x1", at(30));
    EXPECT_EQ(claimed(story), 3);
    EXPECT_EQ(story.given.refused(), "already_claimed");
    story.claim("x1", at(61));
    EXPECT_EQ(claimed(story), 4) << "the first ones count no more";
}

TEST(Budgets, KeepSomeForWhatIsUrgent) {
    Story story = on(four(), content::v1::SEVERITY_MINOR);
    story.claim();
    EXPECT_EQ(claimed(story), 2);
    const Spending spending{story.given.state().budgets, at(2)};
    EXPECT_EQ(spending.full_until(story.release(), story.delivery("d")), at(61));
}

TEST(Budgets, CountEveryAttempt) {
    Story story = on({with_budget("a", 3, 60, 0)}, content::v1::SEVERITY_SEVERE);
    story.claim().outcome("a", v1::OUTCOME_RETRY_LATER, at(2));
    story.claim("x1", at(10)).outcome("a", v1::OUTCOME_RETRY_LATER, at(11), 2);
    story.claim("x1", at(20)).outcome("a", v1::OUTCOME_RETRY_LATER, at(21), 3);
    EXPECT_EQ(posts_left(story.given.state().budgets, *story.delivery("a").channel, at(22)), 0);
    story.claim("x1", at(50));
    EXPECT_EQ(story.given.refused(), "nothing_to_claim");
    story.claim("x1", at(61));
    EXPECT_EQ(claimed(story), 1);
    EXPECT_EQ(posts_left(story.given.state().budgets, *story.delivery("a").channel, at(61)), 0);
    EXPECT_EQ(posts_left(story.given.state().budgets, *story.delivery("a").channel, at(71)), 1);
}

TEST(Budgets, NeverKeepARetractionBack) {
    Story story = on({with_budget("a", 1, 600, 0)}, content::v1::SEVERITY_SEVERE);
    story.claim().outcome("a", v1::OUTCOME_CONFIRMED).stop(at(3));
    story.claim("x1", at(4), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.delivery("a:cancel").is(v1::DELIVERY_STATE_CLAIMED));
}

TEST(Budgets, OfNoChannelCountNothing) {
    Story story = samples::armed();
    story.claim();
    EXPECT_TRUE(story.given.state().budgets.claims.empty());
}

TEST(Budgets, AreGivenWhole) {
    struct {
        const char* kind;
        int posts, seconds, reserve;
        const char* code;
    } const cases[] = {{"webhook", 3, 60, 1, ""},
                       {"webhook", 0, 0, 0, ""},
                       {"webhook", 3, 0, 0, "budget_unclear"},
                       {"webhook", 0, 60, 0, "budget_unclear"},
                       {"webhook", 0, 0, 1, "budget_unclear"},
                       {"webhook", 3, 60, 3, "budget_unclear"},
                       {"feed", 3, 60, 1, "budget_unclear"}};
    for (const auto& one : cases) {
        samples::GivenRelease given;
        v1::Command command;
        v1::PutChannelRequest& put = *command.mutable_put_channel();
        put.set_channel_id("new");
        put.set_kind(one.kind);
        put.set_name("new");
        if (put.kind() == "webhook") {
            put.set_url("https://hook.example.org");
            put.set_credential("hook");
        }
        put.set_budget_posts(one.posts);
        put.set_budget_seconds(one.seconds);
        put.set_budget_reserve(one.reserve);
        given.by("ada", "calgary", {"admin"}).when(command);
        EXPECT_EQ(given.refused(), one.code) << put.ShortDebugString();
    }
}

}  // namespace
}  // namespace tocsin::publishing
