#include "content/templates.hpp"

#include "support/sample_message.hpp"
#include "texts/text_fields.hpp"

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

// By descriptor, so that this covers a field that is added tomorrow.
TEST(Templates, AGapIsFoundAndFilledInEveryField) {
    Draft draft = samples::make_draft();
    draft.mutable_texts(0)->add_channel_texts()->set_text("x");
    draft.mutable_areas(0)->add_circles("51,-114 3");
    std::set<std::string> wanted;
    texts::edit_texts(draft, [&](const texts::TextField& where, std::string& text) {
        if (where.path.starts_with("evidence") || where.path.ends_with("language")) return;
        text = "{{" + where.path + "}}";
        wanted.insert(where.path);
    });
    ASSERT_TRUE(wanted.contains("areas[0].geocodes[0].value"));
    ASSERT_TRUE(wanted.contains("texts[0].channel_texts[0].text"));
    EXPECT_EQ(placeholders(draft), wanted);
    Values values;
    for (const std::string& name : wanted) values[name] = "value of " + name;
    const auto filled = fill(draft, values);
    ASSERT_TRUE(filled.has_value());
    EXPECT_TRUE(gaps_left(*filled).empty());
    EXPECT_EQ(filled->areas(0).geocodes(0).value(), "value of areas[0].geocodes[0].value");
}

TEST(Templates, AnEmptyValueLeavesNoBlankAtTheEdge) {
    Draft draft = make_template();
    draft.mutable_texts(1)->set_headline("Flow: {{value}} {{unit}}");
    const auto filled = fill(draft, {{"value", "3"}, {"unit", ""}, {"station", "s"}});
    ASSERT_TRUE(filled.has_value());
    EXPECT_EQ(filled->texts(1).headline(), "Flow: 3");
}

TEST(Templates, AnEmptyValueTakesTheBlankBeforeItAlong) {
    const std::pair<const char*, const char*> cases[] = {
        {"1 {{unit}}.", "1."},
        {"1\u00A0{{unit}}.", "1."},
        {"1\u202F{{unit}}, 2", "1, 2"},
        {"1 {{unit}}!", "1!"},
        {"1 {{unit}}?", "1?"},
        {"« 1 {{unit}}»", "« 1»"},
        // The blank that French has before these stays.
        {"« 1 {{unit}}\u00A0»", "« 1\u00A0»"},
        {"1\u00A0{{unit}}\u202F!", "1\u202F!"},
        {"“1 {{unit}}”", "“1”"},
        {"[1 {{unit}}]", "[1]"},
        {"1 {{unit}}\nThen", "1\nThen"},
        {"1\u00A0{{unit}}", "1"},
        {"1 {{unit}} {{unit}}.", "1."},
        {"1 {{unit}}-2", "1 -2"},
        {"été{{unit}}.", "été."},
    };
    for (const auto& [text, wanted] : cases) {
        Draft draft;
        draft.set_title(text);
        EXPECT_EQ(fill(draft, {{"unit", ""}})->title(), wanted) << text;
    }
}

TEST(Templates, WhatNoValueCouldFillIsBroken) {
    const auto gap = [](const char* words) {
        Draft draft = samples::make_draft();
        draft.mutable_areas(0)->mutable_geocodes(0)->set_value(words);
        const auto found = broken_gap(draft);
        return found ? found->field + " " + found->words : std::string{};
    };
    EXPECT_EQ(gap("{{station}} of {{ the river }}"), "");
    EXPECT_EQ(gap("{{débit}}"), "");
    EXPECT_EQ(gap("a set {1, 2}, {} and { so on }"), "");
    const std::string field = "areas[0].geocodes[0].value ";
    EXPECT_EQ(gap("{{station"), field + "{{");
    EXPECT_EQ(gap("{{station}"), field + "{{");
    EXPECT_EQ(gap("station}}"), field + "}}");
    EXPECT_EQ(gap("{station}"), field + "{station}");
    EXPECT_EQ(gap("{{}}"), field + "{{");
    EXPECT_EQ(gap("{{a {{b}}"), field + "{{");
    EXPECT_EQ(gap("{{a\nb}}"), field + "{{");
    EXPECT_EQ(gap(("{{" + std::string(name_bytes_max + 1, 'n') + "}}").c_str()), field + "{{");
}

TEST(Templates, EachLanguageIsFilledInItsOwnManner) {
    const auto values = reading_values(samples::make_evidence());
    const auto draft = fill(make_template(), {}, values);
    ASSERT_TRUE(draft.has_value());
    EXPECT_EQ(draft->title(), "Flow at 05BH004");
    // Canadian French groups thousands with a no-break space.
    EXPECT_EQ(draft->texts(0).headline(), "Débit : 1\u00A0080 m³/s");
    EXPECT_EQ(draft->texts(1).headline(), "Flow: 1,080 m³/s");
    EXPECT_EQ(draft->retraction(1).description(), "It was not 1,080.");
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

TEST(Readings, TheZoneIsTheOneAskedFor) {
    const auto at = [](std::string_view zone) {
        return reading_values(samples::make_evidence(), zone).at("en-CA").at("read_at");
    };
    EXPECT_TRUE(at("America/Toronto").contains("1:50")) << at("America/Toronto");
    EXPECT_TRUE(at("UTC").contains("5:50")) << at("UTC");
    EXPECT_THROW(at("No/Such"), std::invalid_argument);
}

TEST(Readings, NumbersAreSaidRoundedInTheMannerOfTheLanguage) {
    Evidence evidence = samples::make_evidence();
    evidence.set_value(1107.3);
    const auto values = reading_values(evidence);
    EXPECT_EQ(values.at("fr-CA").at("value"), "1\u00A0110");
    EXPECT_EQ(values.at("en-CA").at("value"), "1,110");
    EXPECT_EQ(values.at("en-CA").at("exact_value"), "1,107.3");
    EXPECT_EQ(values.at("fr-CA").at("exact_value"), "1\u00A0107,3");
}

TEST(Readings, RoundingStaysOnTheSideOfTheThreshold) {
    const auto said = [](double value, double threshold) {
        Evidence evidence = samples::make_evidence();
        evidence.set_value(value);
        evidence.set_threshold(threshold);
        return reading_values(evidence).at("en-CA").at("value");
    };
    EXPECT_EQ(said(1107.3, 1000), "1,110");
    EXPECT_EQ(said(1004.4, 1000), "1,004.4") << "1,000 would be at the threshold";
    EXPECT_EQ(said(1084.4, 1000), "1,084") << "1,080 would hide a twentieth of what is above";
    EXPECT_EQ(said(217.46, 216.5), "217.5") << "217 would hide half of what is above";
    EXPECT_EQ(said(1000.4, 1000), "1,000.4");
    EXPECT_EQ(said(1000, 1000), "1,000");
    EXPECT_EQ(said(999.7, 1000), "999.7") << "1,000 would be above";
    EXPECT_EQ(said(215.678, 215.5), "215.68");
    EXPECT_EQ(said(0.0034567, 0.003), "0.00346");
    EXPECT_EQ(said(-3.4567, -9), "-3.46");
    EXPECT_EQ(said(0, 0), "0");
    for (int i = 0; i < 2'000; ++i) {
        const double value = 990 + i * 0.01037;
        std::string number = said(value, 1000);
        std::erase(number, ',');
        EXPECT_EQ(std::stod(number) >= 1000, value >= 1000) << number << " for " << value;
        EXPECT_EQ(std::stod(number) > 1000, value > 1000) << number << " for " << value;
        EXPECT_LE(std::abs(std::stod(number) - value), 0.05001 * std::abs(value - 1000)) << value;
    }
}

TEST(Readings, LevelsKeepTheirDecimals) {
    const auto said = [](const char* series, const char* unit, double value) {
        Evidence evidence = samples::make_evidence();
        evidence.set_series(series);
        evidence.set_unit(unit);
        evidence.set_value(value);
        evidence.set_threshold(100);
        return reading_values(evidence).at("en-CA").at("value");
    };
    EXPECT_EQ(said("05BH004:level", "m", 217.463), "217.463");
    EXPECT_EQ(said("05BH004:level", "", 1'217.463), "1,217.463");
    EXPECT_EQ(said("03339000:00065:11878", "ft", 217.46), "217.46");
    EXPECT_EQ(said("03339000:62614", "ft", 217.46), "217.46");
    EXPECT_EQ(said("gauge:stage", "ft NAVD88", 217.46), "217.46");
    EXPECT_EQ(said("gauge:pegel", "cm", 217.46), "217.46");
    EXPECT_EQ(said("gauge:flow", "m3/s", 217.46), "217");
    EXPECT_EQ(said("03339000:00060", "ft3/s", 217.46), "217");
    EXPECT_EQ(said("03339000:99999", "", 217.46), "217");
}

TEST(Readings, CodesAndUnitsAreWrittenOut) {
    const auto said = [](const char* series, const char* unit) {
        Evidence evidence = samples::make_evidence();
        evidence.set_series(series);
        evidence.set_unit(unit);
        const auto values = reading_values(evidence).at("en-CA");
        return values.at("parameter") + ", " + values.at("unit");
    };
    EXPECT_EQ(said("03339000:00060", "ft3/s"), "discharge, ft³/s");
    EXPECT_EQ(said("03339000:00065:11878", "ft"), "level, ft");
    EXPECT_EQ(said("03339000:99999", "deg C"), "reading, °C");
    EXPECT_EQ(said("05BH004:discharge", "m3/s"), "discharge, m³/s");
    EXPECT_EQ(said("05BH004:ice", "km2"), "ice, km²");
    EXPECT_EQ(said("05BH004:level", ""), "level, ");
    EXPECT_EQ(said("05BH004:level", "m 2020"), "level, m 2020");
}

TEST(Readings, AReadingWithoutUnitLeavesNoHole) {
    Draft draft = samples::make_draft();
    draft.mutable_texts(1)->set_description(
        "It was {{value}} {{unit}} ({{parameter}}), not 1 {{unit}}.");
    Evidence evidence = samples::make_evidence();
    evidence.clear_unit();
    EXPECT_EQ(fill(draft, {}, reading_values(evidence))->texts(1).description(),
              "It was 1,080 (discharge), not 1.");
}

TEST(Readings, NamesAreThoseOfTheLanguage) {
    const auto values = reading_values(samples::make_evidence());
    EXPECT_EQ(values.at("fr-CA").at("parameter"), "débit");
    EXPECT_EQ(values.at("en-CA").at("parameter"), "discharge");
    EXPECT_EQ(values.at("fr-CA").at("threshold"), "850");
}

}  // namespace
}  // namespace tocsin::content
