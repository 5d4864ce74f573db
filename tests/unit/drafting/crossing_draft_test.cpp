#include "drafting/crossing_draft.hpp"

#include "content/content.hpp"
#include "unit/drafting/cases.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

namespace tocsin::drafting {
namespace {

using namespace cases;

TEST(Crossing, BecomesASubmittedMessageInOneDecision) {
    Case test = given({incident(), stored_template()});
    test.when(crossing());
    ASSERT_EQ(test.events().size(), 2u) << test.events().at(0).crossing_refused().reason();
    const auto& created = test.events()[0].message_created();
    EXPECT_EQ(test.events()[0].message_id(), crossing_message_id("x-1"));
    EXPECT_EQ(created.author(), "service:trigger");
    EXPECT_EQ(created.rule_id(), "bow-high");
    EXPECT_EQ(created.draft().evidence_size(), 1);
    EXPECT_EQ(runtime::from_proto(created.draft().expires()), samples::now + std::chrono::hours(6));
    EXPECT_EQ(created.draft().texts(0).description().find("{{"), std::string::npos);
    const auto& submitted = test.events()[1].message_submitted();
    EXPECT_EQ(submitted.crossing_id(), "x-1");
    ASSERT_EQ(submitted.editors_size(), 1);
    EXPECT_EQ(submitted.editors(0), "service:trigger");
    EXPECT_EQ(content::parse(submitted.content())->draft().evidence_size(), 1);
    EXPECT_EQ(only(test).state, v1::MESSAGE_STATE_IN_REVIEW);
}

// Those who wrote what led to it do not approve it.
TEST(Crossing, BearsTheEditorsOfTemplateRuleAndSource) {
    v1::Event stored = stored_template();
    for (const char* editor : {"ana", "ben"})
        stored.mutable_template_stored()->mutable_template_()->add_editors(editor);
    Case test = given({incident(), stored});
    trigger::v1::Event event = crossed();
    for (const char* editor : {"rule-writer", "ben", "source-writer"})
        event.mutable_rule_crossed()->add_editors(editor);
    test.when(foreign<trigger::v1::Event>("trigger", "bow", {event}));
    ASSERT_EQ(test.events().size(), 2u);
    const auto& editors = test.events()[1].message_submitted().editors();
    EXPECT_EQ(
        (std::set<std::string>(editors.begin(), editors.end())),
        (std::set<std::string>{"ana", "ben", "rule-writer", "service:trigger", "source-writer"}));
}

TEST(Crossing, ThatIsRepeatedLeavesNoRecord) {
    Case test = given({incident(), stored_template()});
    test.when(crossing());
    EXPECT_FALSE(test.when(crossing()).reacted());
}

TEST(Crossing, EachOfOneDecisionMakesItsMessage) {
    Case test = given({incident(), stored_template()});
    test.when(foreign<trigger::v1::Event>("trigger", "bow", {crossed("x-1"), crossed("x-2")}));
    EXPECT_EQ(test.state().messages.size(), 2u);
}

TEST(Crossing, IsRefusedWithoutItsTemplate) {
    Case test = given({incident()});
    test.when(crossing());
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_NE(test.events()[0].crossing_refused().reason().find("template `flood`"),
              std::string::npos);
    EXPECT_FALSE(test.when(crossing()).reacted());
}

TEST(Crossing, IsRefusedWithoutItsIncident) {
    Case test = given({stored_template()});
    test.when(crossing());
    EXPECT_NE(test.events().at(0).crossing_refused().reason().find("incident `inc-1`"),
              std::string::npos);
}

TEST(Crossing, IsRefusedWithPlaceholdersThatAReadingDoesNotFill) {
    Case test = given({incident(), stored_template("{{bridge}}")});
    test.when(crossing());
    EXPECT_TRUE(test.events().at(0).crossing_refused().reason().ends_with(": bridge"));
}

TEST(Crossing, FillsEveryFieldOfItsTemplate) {
    v1::Event stored = stored_template();
    auto& draft = *stored.mutable_template_stored()->mutable_template_()->mutable_draft();
    draft.mutable_areas(0)->mutable_geocodes(0)->set_value("{{station}}");
    draft.set_web("https://calgary.example/{{station}}");
    Case test = given({incident(), stored});
    test.when(crossing());
    const auto& made = test.events().at(0).message_created().draft();
    EXPECT_EQ(made.areas(0).geocodes(0).value(), "05BH004");
    EXPECT_EQ(made.web(), "https://calgary.example/05BH004");
}

TEST(Crossing, SaysTheReadingRoundedAndKeepsItAsEvidence) {
    Case test = given({incident(), stored_template("{{value}} {{unit}}")});
    test.when(crossing());
    const auto& draft = test.events().at(0).message_created().draft();
    EXPECT_TRUE(draft.texts(1).description().ends_with("1,080 m³/s"));
    EXPECT_EQ(draft.evidence(0).value(), 1083.5);
}

// The rule was put where it was known. The river does not wait for a database of time zones.
TEST(Crossing, IsDraftedInUtcWhereItsTimeZoneIsNotKnown) {
    Case test = given({incident(), stored_template()});
    trigger::v1::Event event = crossed();
    event.mutable_rule_crossed()->set_time_zone("America/Toronot");
    test.when(crossing(event));
    EXPECT_TRUE(test.events().at(0).has_message_created());
}

TEST(Crossing, IsRefusedWithErrors) {
    v1::Event incomplete = stored_template();
    incomplete.mutable_template_stored()->mutable_template_()->mutable_draft()->clear_areas();
    Case test = given({incident(), incomplete});
    test.when(crossing());
    EXPECT_NE(test.events().at(0).crossing_refused().reason().find("incomplete"),
              std::string::npos);
}

TEST(Crossing, IsRefusedForAnAgencyOutsideTheIncident) {
    v1::Event wide = stored_template();
    wide.mutable_template_stored()->mutable_template_()->mutable_draft()->add_agencies("police");
    Case test = given({incident(), wide});
    test.when(crossing());
    EXPECT_TRUE(test.events().at(0).has_crossing_refused());
}

TEST(Crossing, WarningsDoNotStopIt) {
    v1::Event warned = stored_template();
    warned.mutable_template_stored()->mutable_template_()->mutable_draft()->clear_retraction();
    Case test = given({incident(), warned});
    test.when(crossing());
    EXPECT_EQ(test.events().size(), 2u);
}

TEST(Crossing, WhoseReadingIsTooOldIsRefused) {
    Case test = given({incident(), stored_template()});
    test.when(crossing(crossed_until(samples::now)));
    const std::string reason = reason_of(test);
    EXPECT_TRUE(says(reason,
                     "the reading is too old: rule `bow-high` drafts nothing from it after "
                     "20"))
        << reason;
    EXPECT_TRUE(says(reason, " UTC; write the message by hand")) << reason;
    // Nobody is sent to change what does not help.
    EXPECT_FALSE(says(reason, "max_age_seconds")) << reason;
    EXPECT_EQ(test.state().refused.size(), 0u);
    test.when(crossing(crossed_until(samples::now + std::chrono::seconds{1}, "x-2")));
    EXPECT_EQ(test.events().size(), 2u);
}

}  // namespace
}  // namespace tocsin::drafting
