// Where a submitted message goes, and under which names.
#include "drafting/destinations.hpp"

#include "content/content.hpp"
#include "unit/drafting/cases.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tocsin::drafting {
namespace {

using namespace cases;

publishing::v1::Event put(const char* id = "hook", const char* agency = "calgary",
                          const char* url = "https://hook.example.org") {
    publishing::v1::Event event;
    publishing::v1::Channel& channel = *event.mutable_channel_put()->mutable_channel();
    channel.set_channel_id(id);
    channel.set_agency_id(agency);
    channel.set_kind("webhook");
    channel.set_url(url);
    channel.set_credential("hook-account");
    channel.add_languages("fr-CA");
    channel.set_active(true);
    return event;
}

publishing::v1::Event removed(const char* id = "hook") {
    publishing::v1::Event event;
    event.mutable_channel_removed()->set_channel_id(id);
    return event;
}

runtime::Foreign published(const publishing::v1::Event& event) {
    return foreign<publishing::v1::Event>("publishing", "bow", {event});
}

runtime::Foreign roster(const std::vector<std::string>& agencies, const char* suffix = "") {
    approval::v1::Event event;
    for (const std::string& id : agencies) {
        auto& agency = *event.mutable_roster_imported()->mutable_roster()->add_agencies();
        agency.set_agency_id(id);
        agency.set_cap_sender(fmt::format("{}@example.org", id));
        (*agency.mutable_names())["en-CA"] = fmt::format("The {}{}", id, suffix);
    }
    return foreign<approval::v1::Event>("approval", "bow", {event});
}

content::Content submitted_content(const Case& test) {
    const auto& events = test.events();
    if (events.empty() || !events.back().has_message_submitted()) {
        ADD_FAILURE() << "nothing was submitted: " << test.refused();
        return {};
    }
    return *content::parse(events.back().message_submitted().content());
}

content::Content after(const std::vector<runtime::Foreign>& followed) {
    Case test({incident(), message()}, samples::now);
    for (const auto& each : followed) test.when(each);
    return submitted_content(ana(test).when(submit("1", {"no_channel"})));
}

TEST(Destinations, AreThoseOfTheAgenciesWhenItIsSubmitted) {
    const auto content = after(
        {published(put()), published(put("far", "elsewhere")), published(put("siren", "alberta"))});
    ASSERT_EQ(content.publishers_size(), 2) << "one for each agency, in the draft's order";
    ASSERT_EQ(content.publishers(0).destinations_size(), 1);
    const content::Destination& hook = content.publishers(0).destinations(0);
    EXPECT_EQ(content.publishers(0).agency_id(), "calgary");
    EXPECT_EQ(hook.channel_id(), "hook");
    EXPECT_EQ(hook.kind(), "webhook");
    EXPECT_EQ(hook.url(), "https://hook.example.org");
    EXPECT_EQ(hook.account(), "hook-account");
    EXPECT_EQ(hook.languages(0), "fr-CA");
    EXPECT_EQ(content.publishers(1).agency_id(), "alberta");
    EXPECT_EQ(content.publishers(1).destinations(0).channel_id(), "siren");
    EXPECT_EQ(content::find_target(content, "siren").publisher->agency_id(), "alberta");
    EXPECT_EQ(content::find_target(content, "far").publisher, nullptr);
}

TEST(Destinations, AreThoseOfTheLatestPut) {
    const auto content =
        after({published(put()), published(put("hook", "calgary", "https://other.example.org"))});
    EXPECT_EQ(content.publishers(0).destinations(0).url(), "https://other.example.org");
    EXPECT_TRUE(
        after({published(put()), published(removed())}).publishers(0).destinations().empty());
}

TEST(Destinations, ChangeTheDigest) {
    EXPECT_NE(content::serialise(after({published(put())})),
              content::serialise(
                  after({published(put("hook", "calgary", "https://other.example.org"))})));
}

TEST(Destinations, NamesAndSenderAreThoseOfTheRoster) {
    const auto content = after({roster({"calgary", "alberta"}), roster({"calgary"}, " again")});
    EXPECT_EQ(content.publishers(0).names().at("en-CA"), "The calgary again");
    EXPECT_EQ(content.publishers(0).cap_sender(), "calgary@example.org");
    EXPECT_EQ(content.publishers(1).names().at("en-CA"), "The alberta");
}

TEST(Destinations, ARosterThatNamesTheAgenciesAsBeforeIsNoNews) {
    Case test({incident()}, samples::now);
    EXPECT_TRUE(test.when(roster({"calgary", "alberta"})).reacted());
    EXPECT_FALSE(test.when(roster({"calgary", "alberta"})).reacted());
    test.when(roster({"calgary", "alberta", "banff"}));
    ASSERT_EQ(test.events().size(), 1u);
    ASSERT_EQ(test.events()[0].agencies_followed().agencies_size(), 1);
    EXPECT_EQ(test.events()[0].agencies_followed().agencies(0).agency_id(), "banff");
}

TEST(Destinations, OnlyTheChannelsThatTheDraftNames) {
    auto draft = samples::make_draft();
    draft.add_channels("hook");
    Case test({incident(), message(draft)}, samples::now);
    test.when(published(put())).when(published(put("other")));
    const auto content = submitted_content(ana(test).when(submit("1", {"no_channel"})));
    ASSERT_EQ(content.publishers(0).destinations_size(), 1);
    EXPECT_EQ(content.publishers(0).destinations(0).channel_id(), "hook");
}

TEST(Destinations, AChannelThatNoAgencyHasIsAnError) {
    auto draft = samples::make_draft();
    draft.add_channels("hook");
    draft.add_channels("hok");
    Case test({incident(), message(draft)}, samples::now);
    ana(test.when(published(put())));
    EXPECT_EQ(test.when(submit("1")).refused(), "incomplete");
    EXPECT_EQ(test.rejection()->field, "channels[1]");
    EXPECT_TRUE(says(test.rejection()->text, "unknown_channel")) << test.rejection()->text;
}

TEST(Destinations, AnAgencyThatPublishesItNowhereIsAWarning) {
    Case test({incident(), message()}, samples::now);
    ana(test);
    EXPECT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    EXPECT_TRUE(says(test.rejection()->text, "no_channel at agencies[0]"))
        << test.rejection()->text;
    test.when(published(put()));
    EXPECT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    EXPECT_TRUE(says(test.rejection()->text, "no_channel at agencies[1]"))
        << test.rejection()->text;
    test.when(published(put("siren", "alberta")));
    EXPECT_EQ(test.when(submit("1")).refused(), "");
}

TEST(Destinations, OfOneKindAloneAreAWarningWhereLivesAreAtStake) {
    auto draft = samples::make_draft();
    draft.set_severity(content::v1::SEVERITY_EXTREME);
    Case test({incident(), message(draft)}, samples::now);
    ana(test).when(published(put()));
    test.when(published(put("siren", "alberta")));
    EXPECT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    EXPECT_TRUE(says(test.rejection()->text, "few_kinds at channels")) << test.rejection()->text;
    auto page = put("page");
    page.mutable_channel_put()->mutable_channel()->set_kind("feed");
    test.when(published(page));
    EXPECT_EQ(test.when(submit("1")).refused(), "");
}

TEST(Destinations, SoManyThatTheContentIsTooLargeAreRefused) {
    Case test({incident(), message()}, samples::now);
    const std::string url = "https://hook.example.org/" + std::string(400, 'h');
    for (int i = 0; i < 700; ++i)
        test.when(published(put(fmt::format("hook-{}", i).c_str(), "calgary", url.c_str())));
    EXPECT_EQ(ana(test).when(submit("1", {"no_channel"})).refused(), "content_too_large");
    EXPECT_EQ(test.rejection()->field, "channels");
    EXPECT_TRUE(says(test.rejection()->text, "name fewer channels")) << test.rejection()->text;
}

TEST(Destinations, ACrossingGoesWhereAPersonsMessageWould) {
    Case test({incident(), stored_template()}, samples::now);
    test.when(published(put())).when(crossing());
    EXPECT_EQ(submitted_content(test).publishers(0).destinations(0).channel_id(), "hook");
}

}  // namespace
}  // namespace tocsin::drafting
