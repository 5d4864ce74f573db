// What drafting would refuse a crossing for is what the rule is refused for.
#include "trigger/draftable.hpp"

#include "support/sample_message.hpp"

#include <gmock/gmock.h>

namespace tocsin::trigger {
namespace {

namespace samples = content::samples;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DraftableTest : public ::testing::Test {
protected:
    DraftableTest() {
        put_.set_template_id("flood");
        put_.set_incident_id("inc-1");
        put_.set_source_id("bow-river");
        put_.set_series("05BH004:discharge");
        put_.set_unit("m3/s");
        put_.set_threshold(850);
        stored_.set_template_id("flood");
        stored_.set_expires_after_seconds(3600);
        *stored_.mutable_draft() = samples::make_draft();
        stored_.mutable_draft()->clear_onset();
        stored_.mutable_draft()->clear_evidence();
        headline("{{value}} {{unit}}");
    }
    void headline(const std::string& words) {
        for (auto& text : *stored_.mutable_draft()->mutable_texts()) text.set_headline(words);
    }
    // `code: text`; empty: a message could be made.
    std::string problem() const {
        const auto no = require_draftable({put_, agency_, stored_, members_, samples::now});
        if (!no) return {};
        EXPECT_EQ(no->because, runtime::Because::failed_precondition);
        EXPECT_EQ(no->field, "template_id");
        return no->code + ": " + no->text;
    }

    v1::PutRuleRequest put_;
    std::string agency_ = "calgary";
    drafting::v1::Template stored_;
    std::vector<std::string> members_{"calgary", "alberta"};
};

TEST_F(DraftableTest, AGoodTemplateIs) { EXPECT_EQ(problem(), ""); }

TEST_F(DraftableTest, ATemplateWithoutAgenciesIsOfTheRules) {
    stored_.mutable_draft()->clear_agencies();
    EXPECT_EQ(problem(), "");
}

TEST_F(DraftableTest, ATemplateOfOtherAgenciesIsNot) {
    agency_ = "police";
    members_.push_back("police");
    EXPECT_THAT(problem(), AllOf(HasSubstr("template_without_agency: your agency `police`"),
                                 HasSubstr("calgary, alberta")));
}

TEST_F(DraftableTest, ATemplateOfAnAgencyOutsideTheIncidentIsNot) {
    members_ = {"calgary"};
    EXPECT_THAT(problem(), HasSubstr("template_not_for_incident: agency `alberta`"));
}

TEST_F(DraftableTest, ATemplateWithAPlaceholderThatNoReadingFillsIsNot) {
    headline("{{bridge}} and {{value}}");
    EXPECT_THAT(problem(), AllOf(HasSubstr("template_needs_more"), HasSubstr(": bridge")));
}

// Stored as it is, to be added to by the people who draft from it.
TEST_F(DraftableTest, ATemplateThatLeavesSomethingOpenIsNot) {
    stored_.mutable_draft()->mutable_texts()->RemoveLast();
    EXPECT_THAT(problem(), AllOf(HasSubstr("template_incomplete"), HasSubstr("texts")));
}

TEST_F(DraftableTest, ATemplateThatGrowsTooLongWithALargerReadingIsNot) {
    headline(std::string(155, 'x') + "{{value}}");
    EXPECT_EQ(problem(), "") << "850 and 8,500 alike";
    headline(std::string(157, 'x') + "{{value}}");
    EXPECT_THAT(problem(), AllOf(HasSubstr("template_incomplete"), HasSubstr("headline")));
}

TEST_F(DraftableTest, TheExercisesTemplateIsInTheExercise) {
    stored_.mutable_draft()->set_status(content::v1::STATUS_EXERCISE);
    EXPECT_EQ(problem(), "");
}

}  // namespace
}  // namespace tocsin::trigger
