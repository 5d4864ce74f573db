// What updates and cancels may refer to.
#include "drafting/published_alerts.hpp"

#include "content/content.hpp"
#include "unit/drafting/cases.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace tocsin::drafting {
namespace {

using namespace cases;

const std::vector<std::string> joint{"tocsin-rel-1-calgary", "tocsin-rel-1-alberta"};

runtime::Foreign over_by(const std::function<void(publishing::v1::Event&)>& how) {
    publishing::v1::Event event;
    event.set_release_id("rel-1");
    how(event);
    return foreign<publishing::v1::Event>("publishing", "bow", {event});
}

// The alerts that a submitted message refers to.
std::vector<std::string> referred_to(const Case& test) {
    std::vector<std::string> all;
    if (test.events().empty()) return all;
    const auto content = content::parse(test.events().back().message_submitted().content());
    for (const auto& reference : content->references()) all.push_back(reference.identifier());
    return all;
}

TEST(Published, AnAlertIsTakenDownOnce) {
    Case test = given();
    test.when(published(joint));
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_EQ(test.events()[0].alerts_published().alerts_size(), 2);
    EXPECT_EQ(test.events()[0].alerts_published().message_id(), "msg-of-rel-1");
    test.when(published({"tocsin-rel-1-calgary", "tocsin-rel-1-edmonton"}));
    ASSERT_EQ(test.events().size(), 1u);
    ASSERT_EQ(test.events()[0].alerts_published().alerts_size(), 1);
    EXPECT_EQ(test.events()[0].alerts_published().alerts(0).agency_id(), "edmonton");
    EXPECT_FALSE(test.when(published({"tocsin-rel-1-edmonton"})).reacted());
    EXPECT_FALSE(test.when(published({})).reacted()) << "a later attempt";
}

// Receivers show an update of nothing as first information, or not at all.
TEST(Update, RefersToWhatIsInForce) {
    Case test = given({incident(), update_of(alert("tocsin-rel-1-calgary"))});
    EXPECT_EQ(ana(test).when(submit("1")).refused(), "incomplete");
    EXPECT_TRUE(says(test.rejection()->text, "reference_not_in_force at references[0]"));
    EXPECT_TRUE(says(test.rejection()->text, "alerts@example.org,tocsin-rel-1-calgary,2026"));
    EXPECT_EQ(test.when(submit("1", {"reference_not_in_force"})).refused(), "incomplete");
    test.when(published({"tocsin-rel-2-calgary"}, "rel-2"));
    EXPECT_EQ(test.when(submit("1")).refused(), "incomplete") << "another one";
    test.when(published({"tocsin-rel-1-calgary"}));
    EXPECT_EQ(test.when(submit("1")).refused(), "");
}

TEST(Update, IsHeldAgainstAllThatNamesAnAlert) {
    for (const auto& change : std::vector<std::function<void(content::v1::Reference&)>>{
             [](auto& wrong) { wrong.set_sender("other@example.org"); },
             [](auto& wrong) { wrong.set_sent("2026-06-20T18:00:01-00:00"); }}) {
        content::v1::Reference wrong = alert("tocsin-rel-1-calgary");
        change(wrong);
        Case test = given({incident(), update_of(wrong)});
        test.when(published({"tocsin-rel-1-calgary"}));
        EXPECT_EQ(ana(test).when(submit("1")).refused(), "incomplete");
    }
}

TEST(Update, OfWhatExpiredWasRetractedUpdatedOrReachedNobodyIsAnError) {
    using publishing::v1::RELEASE_STATE_RETRACTED;
    for (const auto& how : std::vector<std::function<void(publishing::v1::Event&)>>{
             [](auto& event) { event.mutable_release_superseded()->set_by("rel-9"); },
             [](auto& event) { event.mutable_release_cancelled(); },
             [](auto& event) { event.mutable_release_ended(); },
             [](auto& event) { event.mutable_retraction_armed()->add_deliveries(); },
             [](auto& event) {
                 event.mutable_release_completed()->set_state(RELEASE_STATE_RETRACTED);
             }}) {
        Case test = given({incident(), update_of(alert("tocsin-rel-1-calgary"))});
        test.when(published({"tocsin-rel-1-calgary"})).when(over_by(how));
        EXPECT_EQ(ana(test).when(submit("1")).refused(), "incomplete");
        EXPECT_FALSE(test.when(over_by(how)).reacted()) << "it is known";
    }
    Case test = given({incident(), update_of(alert("tocsin-rel-1-calgary"))});
    test.when(published({"tocsin-rel-1-calgary"}, "rel-1", samples::now));
    EXPECT_EQ(ana(test).when(submit("1")).refused(), "incomplete");
}

TEST(Update, OfWhatIsInForceAgainIsTaken) {
    using publishing::v1::RELEASE_STATE_RELEASED;
    using publishing::v1::RELEASE_STATE_RETRACTED;
    const auto updated = [](auto& event) { event.mutable_release_superseded()->set_by("rel-9"); };
    const auto not_updated = [](auto& event) { event.mutable_release_superseded(); };
    const auto given_up = [](auto& event) { event.mutable_release_ended(); };
    const auto out_after_all = [](auto& event) {
        event.mutable_release_completed()->set_state(RELEASE_STATE_RELEASED);
    };
    const auto retracted = [](auto& event) {
        event.mutable_release_completed()->set_state(RELEASE_STATE_RETRACTED);
    };
    Case test = given({incident(), update_of(alert("tocsin-rel-1-calgary"))});
    test.when(published({"tocsin-rel-1-calgary"})).when(over_by(updated));
    Case other = test;
    // Of what was to take its place nothing was public.
    EXPECT_EQ(ana(test.when(over_by(not_updated))).when(submit("1")).refused(), "");
    // But it was retracted in the meantime.
    other.when(over_by(retracted)).when(over_by(not_updated));
    EXPECT_EQ(ana(other).when(submit("1")).refused(), "incomplete");
    // Given up in doubt, it turned out to be there.
    Case doubted = given({incident(), update_of(alert("tocsin-rel-1-calgary"))});
    doubted.when(published({"tocsin-rel-1-calgary"})).when(over_by(given_up));
    EXPECT_EQ(ana(doubted.when(over_by(out_after_all))).when(submit("1")).refused(), "");
}

// Somebody may still have it: an update is what is left to correct it with.
TEST(Update, OfWhatWasRetractedInPartIsTaken) {
    Case test = given({incident(), update_of(alert("tocsin-rel-1-calgary"))});
    test.when(published({"tocsin-rel-1-calgary"})).when(over_by([](auto& event) {
        event.mutable_release_completed()->set_state(
            publishing::v1::RELEASE_STATE_PARTLY_RETRACTED);
    }));
    EXPECT_EQ(ana(test).when(submit("1")).refused(), "");
}

TEST(Update, OfAJointMessageRefersToTheAlertsOfAllItsAgencies) {
    Case test = given({incident(), update_of(alert("tocsin-rel-1-calgary"))});
    test.when(published(joint));
    ASSERT_EQ(ana(test).when(submit("1")).refused(), "");
    EXPECT_EQ(referred_to(test),
              (std::vector<std::string>{"tocsin-rel-1-alberta", "tocsin-rel-1-calgary"}));
}

TEST(Update, LeavesNoAgencysAlertStanding) {
    v1::Event update = update_of(alert("tocsin-rel-1-calgary"));
    update.mutable_message_created()->mutable_draft()->mutable_agencies()->RemoveLast();
    Case test = given({incident(), update});
    test.when(published(joint));
    EXPECT_EQ(ana(test).when(submit("1")).refused(), "incomplete");
    EXPECT_EQ(test.rejection()->field, "agencies");
    EXPECT_TRUE(says(test.rejection()->text, "agency_missing at agencies: Message `msg-of-rel-1`"))
        << test.rejection()->text;
}

TEST(Update, OfMoreThanFitsIsAnError) {
    Case test = given({incident(), update_of(alert("tocsin-rel-1-a0"))});
    std::vector<std::string> many;
    for (int i = 0; i < 21; ++i) many.push_back(fmt::format("tocsin-rel-1-a{}", i));
    test.when(published(many));
    EXPECT_EQ(ana(test).when(submit("1")).refused(), "incomplete");
    EXPECT_TRUE(says(test.rejection()->text, "too_many_references")) << test.rejection()->text;
}

TEST(Update, NamesAMessageInsteadOfItsAlerts) {
    Case test = given({incident()});
    test.when(published(joint));
    v1::Command command = create(samples::make_draft());
    command.mutable_create_message()->mutable_draft()->clear_evidence();
    command.mutable_create_message()->set_message_type(content::v1::MESSAGE_TYPE_CANCEL);
    command.mutable_create_message()->add_earlier_messages("msg-of-rel-2");
    EXPECT_EQ(ana(test).when(command).refused(), "not_in_force");
    EXPECT_EQ(test.rejection()->field, "earlier_messages[0]");
    command.mutable_create_message()->set_earlier_messages(0, "msg-of-rel-1");
    ASSERT_EQ(test.when(command).refused(), "");
    EXPECT_EQ(test.events().at(0).message_created().references_size(), 2);
    command.mutable_create_message()->set_message_type(content::v1::MESSAGE_TYPE_ALERT);
    EXPECT_EQ(test.request("r2").when(command).refused(), "references_not_allowed");
    EXPECT_EQ(test.rejection()->field, "earlier_messages");
}

TEST(Published, WhatHasExpiredIsForgottenAtTheNext) {
    Case test = given();
    test.when(published(joint)).on(samples::now + std::chrono::hours{2});
    test.when(published({"tocsin-rel-2-calgary"}, "rel-2", samples::now + std::chrono::hours{9}));
    EXPECT_EQ(test.state().alerts.releases.size(), 1u);
    EXPECT_EQ(test.state().alerts.release_of.size(), 1u);
}

}  // namespace
}  // namespace tocsin::drafting
