#include "content/templates.hpp"

#include "unit/content/samples.hpp"

#include <gtest/gtest.h>

namespace tocsin::content {
namespace {

Draft make_template() {
    Draft draft = samples::make_draft();
    draft.set_title("Flow at {{station}}");
    draft.mutable_texts(0)->set_headline("Débit : {{value}} {{ unit }}");
    draft.mutable_texts(1)->set_headline("Flow: {{value}} {{ unit }}");
    draft.mutable_retraction(1)->set_description("It was not {{value}}.");
    (*draft.mutable_areas(0)->mutable_descriptions())["en-CA"] = "Bow River at {{station}}";
    return draft;
}

TEST(Templates, EveryGapIsFound) {
    EXPECT_EQ(placeholders(make_template()), (std::set<std::string>{"station", "unit", "value"}));
    EXPECT_TRUE(placeholders(samples::make_draft()).empty());
}

TEST(Templates, EachLanguageIsFilledInItsOwnManner) {
    const auto values = reading_values(samples::make_evidence());
    const auto draft = fill(make_template(), {}, values);
    ASSERT_TRUE(draft.has_value());
    EXPECT_EQ(draft->title(), "Flow at 05BH004");
    // Canadian French groups thousands with a no-break space.
    EXPECT_EQ(draft->texts(0).headline(), "Débit : 1\u00A0083,5 m³/s");
    EXPECT_EQ(draft->texts(1).headline(), "Flow: 1,083.5 m³/s");
    EXPECT_EQ(draft->retraction(1).description(), "It was not 1,083.5.");
    EXPECT_EQ(draft->areas(0).descriptions().at("en-CA"), "Bow River at 05BH004");
    EXPECT_TRUE(placeholders(*draft).empty());
}

TEST(Templates, MissingValuesAreNamed) {
    const auto draft = fill(make_template(), {{"value", "3"}});
    ASSERT_FALSE(draft.has_value());
    EXPECT_EQ(draft.error(), (std::vector<std::string>{"station", "unit"}));
}

TEST(Templates, AValueIsNeverExpandedAgain) {
    const auto draft =
        fill(make_template(), {{"value", "{{unit}}"}, {"unit", "m"}, {"station", "s"}});
    ASSERT_TRUE(draft.has_value());
    EXPECT_EQ(draft->texts(1).headline(), "Flow: {{unit}} m");
}

TEST(Templates, ValuesThatCannotBeShownAreRefused) {
    const std::string bad_values[] = {"a\nb", std::string{"a\0b", 3}, "\xFF", "\u0085",
                                      std::string(value_bytes_max + 1, 'x')};
    for (const std::string& bad : bad_values) {
        const auto draft = fill(make_template(), {{"value", bad}, {"unit", "m"}, {"station", "s"}});
        ASSERT_FALSE(draft.has_value()) << bad;
        EXPECT_EQ(draft.error(), std::vector<std::string>{"value"});
    }
}

TEST(Templates, AnOpenBraceAloneStays) {
    Draft draft = samples::make_draft();
    draft.mutable_texts(0)->set_headline("{{value");
    const auto filled = fill(draft, {});
    ASSERT_TRUE(filled.has_value());
    EXPECT_EQ(filled->texts(0).headline(), "{{value");
}

TEST(Readings, TimesAreAbsoluteWithTheirZone) {
    const auto values = reading_values(samples::make_evidence());
    const std::string& french = values.at("fr-CA").at("read_at");
    const std::string& english = values.at("en-CA").at("read_at");
    EXPECT_TRUE(french.starts_with("20 juin 2026")) << french;
    EXPECT_TRUE(french.contains("11") && french.contains("50") && french.contains("HAR")) << french;
    EXPECT_TRUE(english.starts_with("June 20, 2026")) << english;
    EXPECT_TRUE(english.contains("11:50") && english.contains("MDT")) << english;
}

TEST(Readings, TheZoneIsTheOneAskedForAndUtcWhenUnknown) {
    const auto at = [](std::string_view zone) {
        return reading_values(samples::make_evidence(), zone).at("en-CA").at("read_at");
    };
    EXPECT_TRUE(at("America/Toronto").contains("1:50")) << at("America/Toronto");
    EXPECT_TRUE(at("No/Such").contains("5:50")) << at("No/Such");
}

TEST(Readings, NamesAreThoseOfTheLanguage) {
    const auto values = reading_values(samples::make_evidence());
    EXPECT_EQ(values.at("fr-CA").at("parameter"), "débit");
    EXPECT_EQ(values.at("en-CA").at("parameter"), "discharge");
    EXPECT_EQ(values.at("fr-CA").at("threshold"), "850");
}

}  // namespace
}  // namespace tocsin::content
