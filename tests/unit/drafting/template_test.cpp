#include "drafting/template.hpp"

#include "unit/drafting/cases.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace tocsin::drafting {
namespace {

using namespace cases;

TEST(Template, NamesItsPlaceholders) {
    Case test = given({});
    test.when(put_template());
    const auto& stored = test.events().at(0).template_stored().template_();
    EXPECT_EQ(stored.placeholders_size(), 2);
    EXPECT_EQ(stored.version(), 1);
    EXPECT_EQ(stored.agency(), "calgary");
}

TEST(Template, WithAPlaceholderThatNothingFillsIsRefused) {
    Case test = given({});
    v1::Command command = put_template();
    auto& draft = *command.mutable_put_template()->mutable_draft();
    draft.mutable_areas(0)->mutable_geocodes(0)->set_value("{station}");
    EXPECT_EQ(test.when(command).refused(), "broken_placeholder");
    EXPECT_EQ(test.rejection()->field, "draft.areas[0].geocodes[0].value");
    EXPECT_NE(test.rejection()->text.find("{station}"), std::string::npos);
    draft.mutable_areas(0)->mutable_geocodes(0)->set_value("{{station}}");
    EXPECT_EQ(test.when(command).refused(), "");
    EXPECT_EQ(test.events().at(0).template_stored().template_().placeholders_size(), 3);
}

// Left to the author of the message.
constexpr const char* open = "open";

const struct {
    const char* field;  // empty: it is good
    std::function<void(content::v1::Draft&)> change;
} changed_templates[] = {
    {"", [](content::v1::Draft&) {}},
    {open, [](content::v1::Draft& it) { it.clear_title(); }},
    {"draft.status", [](content::v1::Draft& it) { it.set_status(content::v1::STATUS_EXERCISE); }},
    {open, [](content::v1::Draft& it) { it.clear_severity(); }},
    {open, [](content::v1::Draft& it) { it.clear_areas(); }},
    {open,
     [](content::v1::Draft& it) { it.mutable_areas(0)->mutable_descriptions()->erase("fr-CA"); }},
    {"draft.areas[0].polygons[0]",
     [](content::v1::Draft& it) { it.mutable_areas(0)->set_polygons(0, "51,-114"); }},
    {"draft.areas[0].geocodes[0].value_name",
     [](content::v1::Draft& it) {
         it.mutable_areas(0)->mutable_geocodes(0)->set_value_name("same");
     }},
    {"",
     [](content::v1::Draft& it) {
         auto& code = *it.mutable_areas(0)->mutable_geocodes(0);
         code.set_value_name("list of {{station}}");
         code.set_value("{{station}}");
     }},
    {open, [](content::v1::Draft& it) { it.mutable_texts()->RemoveLast(); }},
    {"draft.texts[2].language", [](content::v1::Draft& it) { *it.add_texts() = it.texts(0); }},
    {open, [](content::v1::Draft& it) { it.mutable_texts(1)->clear_instruction(); }},
    {"draft.texts[0].headline",
     [](content::v1::Draft& it) { it.mutable_texts(0)->set_headline("a\x01{{value}}"); }},
    {"draft.texts[0].headline",
     [](content::v1::Draft& it) {
         it.mutable_texts(0)->set_headline("{{value}}" + std::string(161, 'x'));
     }},
    {"", [](content::v1::Draft& it) { it.mutable_texts(0)->set_headline("{{value}} {{unit}}"); }},
    {"",
     [](content::v1::Draft& it) {
         it.mutable_texts(0)->set_headline(std::string(150, 'x') + " {{exact_value}}");
     }},
    {"draft.texts[0].channel_texts[0].kind",
     [](content::v1::Draft& it) {
         auto& words = *it.mutable_texts(0)->add_channel_texts();
         words.set_kind("telegraph");
         words.set_text("{{value}}");
     }},
    {open, [](content::v1::Draft& it) { it.mutable_retraction()->RemoveLast(); }},
    {"", [](content::v1::Draft& it) { it.clear_retraction(); }},
    {"draft.web", [](content::v1::Draft& it) { it.set_web("ftp://calgary.example"); }},
    {"", [](content::v1::Draft& it) { it.set_web("https://calgary.example/{{station}}"); }},
    {"", [](content::v1::Draft& it) { it.clear_agencies(); }},
    {open,
     [](content::v1::Draft& it) {
         *it.mutable_onset() = runtime::to_proto(samples::now + std::chrono::hours{1});
     }},
    {"",
     [](content::v1::Draft& it) {
         *it.mutable_onset() = runtime::to_proto(samples::now + std::chrono::minutes{1});
     }},
    {open,
     [](content::v1::Draft& it) {
         *it.mutable_release_at() = runtime::to_proto(samples::now + std::chrono::hours{2});
     }},
};

// Each of them is refused when it is put, or can be drafted from: by a crossing, unless it leaves
// something to a person.
TEST(Template, ThatNobodyCouldUseIsRefused) {
    for (const auto& [field, change] : changed_templates) {
        v1::Command command = put_template();
        change(*command.mutable_put_template()->mutable_draft());
        SCOPED_TRACE(command.put_template().draft().ShortDebugString());
        Case test = given({incident()});
        const std::string refused = ana(test).when(command).refused();
        const bool good = *field == 0 || field == open;
        EXPECT_EQ(refused, good ? "" : "template_unusable");
        if (!refused.empty()) {
            EXPECT_EQ(test.rejection()->field, field);
            continue;
        }
        if (field == open) continue;
        test.when(crossing());
        ASSERT_FALSE(test.events().empty());
        EXPECT_FALSE(test.events()[0].has_crossing_refused())
            << test.events()[0].crossing_refused().reason();
    }
}

TEST(Template, IsNotRefusedForWhatIsOpen) {
    v1::Command command = put_template();
    auto& draft = *command.mutable_put_template()->mutable_draft();
    Case test = given({});
    draft.mutable_texts(1)->set_language("{{language}}");
    draft.mutable_retraction(1)->set_language("{{language}}");
    draft.mutable_areas(0)->add_circles("{{circle}}");
    draft.mutable_areas(0)->mutable_geocodes(0)->set_value_name("profile:CAP-CP:{{list}}");
    draft.set_web("{{web}}");
    EXPECT_EQ(ana(test).when(command).refused(), "");
}

TEST(Template, IsReplacedWithItsEtag) {
    Case test = given({stored_template()});
    EXPECT_EQ(test.when(put_template("1")).etag(), "2");
    EXPECT_EQ(test.when(put_template("1")).refused(), "stale_etag");
}

TEST(Template, IsNotReplacedWithoutItsEtag) {
    Case test = given({stored_template()});
    EXPECT_EQ(test.when(put_template()).refused(), "already_exists");
}

TEST(Template, ThatDoesNotExistIsNotReplaced) {
    Case test = given({});
    EXPECT_EQ(test.when(put_template("1")).refused(), "not_found");
}

TEST(Template, AnAgencyHasOnlySoMany) {
    Case test = given({});
    for (int i = 0; i < 200; ++i) {
        v1::Command command = put_template();
        command.mutable_put_template()->set_template_id("flood-" + std::to_string(i));
        ASSERT_EQ(test.when(command).refused(), "") << i;
    }
    EXPECT_EQ(test.when(put_template()).refused(), "too_many_templates");
    v1::Command theirs = put_template();
    theirs.mutable_put_template()->set_template_id("storm");
    EXPECT_EQ(test.by("ivy", "alberta", {"author"}).when(theirs).refused(), "");
    ana(test);
    v1::Command replaced = put_template("1");
    replaced.mutable_put_template()->set_template_id("flood-7");
    EXPECT_EQ(test.when(replaced).refused(), "");
}

TEST(Template, IsReplacedByItsAgencyOnly) {
    Case test = given({stored_template()});
    EXPECT_EQ(ben(test).when(put_template("1")).refused(), "other_agency");
}

TEST(Template, NeedsAnAuthorOrDutyOfficer) {
    Case test = given({});
    EXPECT_EQ(test.by("ben", "calgary", {"approver"}).when(put_template()).refused(),
              "role_missing");
}

TEST(Template, KeepsEverybodyWhoWroteAVersionOfIt) {
    Case test = given({incident()});
    ana(test).when(put_template());
    test.by("cleo", "calgary", {"author"}).request("r2").when(put_template("1"));
    ana(test).request("r3").when(put_template("2"));
    const auto& editors = test.state().templates.at("flood").editors();
    EXPECT_EQ((std::vector<std::string>(editors.begin(), editors.end())),
              (std::vector<std::string>{"ana", "cleo"}));
}

TEST(Template, GivesItsEditorsToWhatIsMadeFromIt) {
    v1::Event stored = stored_template();
    stored.mutable_template_stored()->mutable_template_()->add_editors("cleo");
    Case test = given({incident(), stored});
    ana(test).when(create_from_template());
    ASSERT_EQ(test.refused(), "");
    EXPECT_EQ(only(test).editors, (std::set<std::string>{"ana", "cleo"}));
}

}  // namespace
}  // namespace tocsin::drafting
