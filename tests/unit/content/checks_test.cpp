#include "content/checks.hpp"

#include "support/sample_message.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace tocsin::content {
namespace {

using namespace std::chrono_literals;
using Level = Finding::Level;

struct Case {
    std::string code;
    std::string field;
    Level level;
    std::function<void(Draft&)> change;
};

void expect_findings(std::span<const Case> cases, std::string_view world = "live") {
    for (const Case& each : cases) {
        Draft draft = samples::make_draft();
        each.change(draft);
        const auto found = check(draft, samples::now, world);
        const bool there = std::ranges::any_of(found, [&](const Finding& finding) {
            return finding.code == each.code && finding.field == each.field &&
                   finding.level == each.level && !finding.text.empty();
        });
        EXPECT_TRUE(there) << each.code << " at " << each.field;
    }
}

google::protobuf::Timestamp after(runtime::Duration duration) {
    return runtime::to_proto(samples::now + duration);
}

TEST(Checks, ACompleteDraftHasNoFinding) {
    for (const Finding& finding : check(samples::make_draft(), samples::now, "live"))
        ADD_FAILURE() << finding.code << " " << finding.field << ": " << finding.text;
}

TEST(Checks, EveryLanguageHasEveryPart) {
    const Case cases[] = {
        {"language_missing", "texts", Level::error,
         [](Draft& d) { d.mutable_texts()->DeleteSubrange(0, 1); }},
        {"language_missing", "retraction", Level::error,
         [](Draft& d) { d.mutable_retraction()->RemoveLast(); }},
        {"language_missing", "retraction", Level::error,
         [](Draft& d) { *d.add_texts() = samples::make_text("cr", "e", "h", "d", "i"); }},
        {"missing", "areas[0].descriptions[cr]", Level::error,
         [](Draft& d) { *d.add_texts() = samples::make_text("cr", "e", "h", "d", "i"); }},
        {"language_duplicate", "texts[2].language", Level::error,
         [](Draft& d) { *d.add_texts() = d.texts(0); }},
        {"missing", "texts[1].event", Level::error,
         [](Draft& d) { d.mutable_texts(1)->clear_event(); }},
        {"missing", "texts[0].headline", Level::error,
         [](Draft& d) { d.mutable_texts(0)->set_headline(" \n\u00A0"); }},
        {"missing", "texts[1].description", Level::error,
         [](Draft& d) { d.mutable_texts(1)->clear_description(); }},
        {"missing", "retraction[1].instruction", Level::error,
         [](Draft& d) { d.mutable_retraction(1)->clear_instruction(); }},
        {"missing", "areas[0].descriptions[fr-CA]", Level::error,
         [](Draft& d) { d.mutable_areas(0)->mutable_descriptions()->erase("fr-CA"); }},
        {"no_retraction", "retraction", Level::warning, [](Draft& d) { d.clear_retraction(); }},
        {"same_text", "texts[1].instruction", Level::warning,
         [](Draft& d) { d.mutable_texts(1)->set_instruction(d.texts(0).instruction() + " "); }},
    };
    expect_findings(cases);
}

TEST(Checks, TextsCanBeShown) {
    const Case cases[] = {
        {"placeholder_left", "texts[0].headline", Level::error,
         [](Draft& d) { d.mutable_texts(0)->set_headline("Débit {{value}}"); }},
        {"placeholder_left", "areas[0].descriptions[en-CA]", Level::error,
         [](Draft& d) { (*d.mutable_areas(0)->mutable_descriptions())["en-CA"] = "{{area}}"; }},
        {"placeholder_left", "title", Level::error, [](Draft& d) { d.set_title("{{x}}"); }},
        {"placeholder_left", "areas[0].geocodes[0].value", Level::error,
         [](Draft& d) { d.mutable_areas(0)->mutable_geocodes(0)->set_value("{{station}}"); }},
        {"placeholder_left", "web", Level::error,
         [](Draft& d) { d.set_web("https://calgary.example/{station}"); }},
        {"placeholder_left", "retraction[1].instruction", Level::error,
         [](Draft& d) { d.mutable_retraction(1)->set_instruction("Call {{number"); }},
        {"control_character", "areas[0].geocodes[0].value_name", Level::error,
         [](Draft& d) { d.mutable_areas(0)->mutable_geocodes(0)->set_value_name("a\x07z"); }},
        {"control_character", "texts[1].description", Level::error,
         [](Draft& d) { d.mutable_texts(1)->set_description("a\x07z"); }},
        {"invisible_character", "texts[1].description", Level::warning,
         [](Draft& d) { d.mutable_texts(1)->set_description("Eva\u200Bcuate."); }},
        {"control_character", "texts[1].headline", Level::error,
         [](Draft& d) { d.mutable_texts(1)->set_headline("Flood\uFDD0"); }},
        {"control_character", "title", Level::error,
         [](Draft& d) { d.set_title("Flood\U0001FFFE"); }},
        {"meaningless_character", "texts[1].headline", Level::warning,
         [](Draft& d) { d.mutable_texts(1)->set_headline("Flood \uE000"); }},
        {"meaningless_character", "texts[0].instruction", Level::warning,
         [](Draft& d) { d.mutable_texts(0)->set_instruction("Quittez les berges \uFFFD l'eau"); }},
        {"heaped_marks", "areas[0].descriptions[en-CA]", Level::warning,
         [](Draft& d) {
             std::string& words = (*d.mutable_areas(0)->mutable_descriptions())["en-CA"];
             for (int i = 0; i < 11; ++i) words += "\u0301";
         }},
        {"missing", "texts[1].headline", Level::error,
         [](Draft& d) { d.mutable_texts(1)->set_headline("\u0301 \u0302"); }},
        {"missing", "title", Level::error, [](Draft& d) { d.set_title("\u3164\u2003"); }},
        {"headline_long", "texts[1].headline", Level::error,
         [](Draft& d) { d.mutable_texts(1)->set_headline(std::string(161, 'h')); }},
        {"unknown_kind", "texts[0].channel_texts[0].kind", Level::error,
         [](Draft& d) {
             ChannelText* text = d.mutable_texts(0)->add_channel_texts();
             text->set_kind("pigeon");
             text->set_text("x");
         }},
        {"channel_text_parity", "texts[0].channel_texts[0]", Level::warning,
         [](Draft& d) {
             ChannelText* text = d.mutable_texts(0)->add_channel_texts();
             text->set_kind("mastodon");
             text->set_text("x");
         }},
    };
    expect_findings(cases);
}

TEST(Checks, ACodeListIsNamedAsItsReceiversNameIt) {
    const auto named = [](const char* name) {
        Draft draft = samples::make_draft();
        draft.mutable_areas(0)->mutable_geocodes(0)->set_value_name(name);
        const auto found = check(draft, samples::now, "live");
        const Finding* finding = samples::find_code(found, "geocode_name");
        return finding ? finding->field : std::string{};
    };
    for (const char* good : {"profile:CAP-CP:Location:0.3", "profile:CAP-CP:Location:1", "SAME",
                             "gauge", "layer:EC-MSC-SMC:1.0:CLC"})
        EXPECT_EQ(named(good), "") << good;
    for (const char* bad : {"profile:CAP-CP:Loction:0.3", "profile:CAP-CP:Location", "same",
                            "Profile:cap-cp:location:0.3", "profile:CAP-CP:Location:O.3", "Fips6"})
        EXPECT_EQ(named(bad), "areas[0].geocodes[0].value_name") << bad;
}

TEST(Checks, AHeadlineIsCountedInCharactersNotBytes) {
    Draft draft = samples::make_draft();
    std::string headline;
    for (int i = 0; i < 160; ++i) headline += "é";
    draft.mutable_texts(0)->set_headline(headline);
    EXPECT_EQ(samples::find_code(check(draft, samples::now, "live"), "headline_long"), nullptr);
}

TEST(Checks, TimesAreSane) {
    const Case cases[] = {
        {"missing", "expires", Level::error, [](Draft& d) { d.clear_expires(); }},
        {"expires_past", "expires", Level::error,
         [](Draft& d) { *d.mutable_expires() = after(0s); }},
        {"expires_before_onset", "expires", Level::error,
         [](Draft& d) { *d.mutable_expires() = d.onset(); }},
        {"expires_late", "expires", Level::warning,
         [](Draft& d) { *d.mutable_expires() = after(25h); }},
        {"expires_far", "expires", Level::error,
         [](Draft& d) { *d.mutable_expires() = after(7 * 24h + 1s); }},
        {"release_after_expiry", "release_at", Level::error,
         [](Draft& d) { *d.mutable_release_at() = d.expires(); }},
        {"release_far", "release_at", Level::error,
         [](Draft& d) {
             *d.mutable_release_at() = after(30 * 24h + 1s);
             *d.mutable_expires() = after(31 * 24h);
         }},
        {"release_past", "release_at", Level::warning,
         [](Draft& d) { *d.mutable_release_at() = after(-1s); }},
        {"time_invalid", "onset", Level::error,
         [](Draft& d) { d.mutable_onset()->set_seconds(std::numeric_limits<int64_t>::max()); }},
        {"time_invalid", "expires", Level::error,
         [](Draft& d) { d.mutable_expires()->set_nanos(-1); }},
    };
    expect_findings(cases);
}

TEST(Checks, ExpiryCountsFromThePlannedRelease) {
    Draft draft = samples::make_draft();
    *draft.mutable_release_at() = after(20 * 24h);
    *draft.mutable_expires() = after(20 * 24h + 12h);
    EXPECT_TRUE(check(draft, samples::now, "live").empty());
}

TEST(Checks, ExerciseExistsOnlyInItsWorld) {
    struct Pair {
        v1::Status status;
        std::string_view world;
        std::string_view code;
    };
    const Pair pairs[] = {
        {v1::STATUS_ACTUAL, "live", ""},
        {v1::STATUS_TEST, "live", ""},
        {v1::STATUS_EXERCISE, "live", "status_world"},
        {v1::STATUS_EXERCISE, "exercise", ""},
        {v1::STATUS_ACTUAL, "exercise", "status_world"},
        {v1::STATUS_TEST, "exercise", "status_world"},
        {v1::STATUS_UNSPECIFIED, "live", "missing"},
        {v1::STATUS_UNSPECIFIED, "exercise", "missing"},
    };
    for (const Pair& pair : pairs) {
        Draft draft = samples::make_draft();
        draft.set_status(pair.status);
        const auto found = check(draft, samples::now, pair.world);
        if (pair.code.empty())
            EXPECT_TRUE(found.empty()) << pair.world << pair.status;
        else
            EXPECT_NE(samples::find_code(found, pair.code), nullptr) << pair.world << pair.status;
    }
}

TEST(Checks, CodesPlacesAndLinkAreThere) {
    const Case cases[] = {
        {"missing", "category", Level::error, [](Draft& d) { d.clear_category(); }},
        {"missing", "urgency", Level::error, [](Draft& d) { d.clear_urgency(); }},
        {"missing", "severity", Level::error, [](Draft& d) { d.clear_severity(); }},
        {"missing", "certainty", Level::error, [](Draft& d) { d.clear_certainty(); }},
        {"missing", "agencies", Level::error, [](Draft& d) { d.clear_agencies(); }},
        {"missing", "areas", Level::error, [](Draft& d) { d.clear_areas(); }},
        {"no_shape", "areas[0]", Level::warning,
         [](Draft& d) {
             d.mutable_areas(0)->clear_polygons();
             d.mutable_areas(0)->clear_geocodes();
         }},
        {"polygon_open", "areas[0].polygons[1]", Level::error,
         [](Draft& d) { d.mutable_areas(0)->add_polygons("1,1 1,2 2,2 2,1"); }},
        {"circle_range", "areas[0].circles[0]", Level::error,
         [](Draft& d) { d.mutable_areas(0)->add_circles("51,-114 501"); }},
        {"web_insecure", "web", Level::warning,
         [](Draft& d) { d.set_web("http://www.calgary.ca"); }},
        {"web_invalid", "web", Level::error, [](Draft& d) { d.set_web("javascript:alert(1)"); }},
    };
    expect_findings(cases);
}

TEST(Checks, EveryChannelCanCarryIt) {
    const Case cases[] = {
        {"too_long", "texts[1].channel_texts[0].text", Level::error,
         [](Draft& d) {
             ChannelText* text = d.mutable_texts(1)->add_channel_texts();
             text->set_kind("mastodon");
             text->set_text(std::string(480, 'x'));
         }},
        {"too_long", "retraction[0].headline", Level::error,
         [](Draft& d) { d.mutable_retraction(0)->set_headline(std::string(490, 'x')); }},
        {"too_long", "texts", Level::error,
         [](Draft& d) {
             for (Text& text : *d.mutable_texts()) text.set_description(std::string(8000, 'x'));
             for (Text& text : *d.mutable_texts()) text.set_instruction(std::string(8000, 'x'));
         }},
        {"shortened", "texts[0].instruction", Level::warning,
         [](Draft& d) {
             std::string words;
             for (int i = 0; i < 500; ++i) words += "quittez ";
             d.mutable_texts(0)->set_instruction(words);
         }},
    };
    expect_findings(cases);
}

TEST(Checks, TooLongSaysByHowMuch) {
    Draft draft = samples::make_draft();
    ChannelText* text = draft.mutable_texts(1)->add_channel_texts();
    text->set_kind("mastodon");
    text->set_text(std::string(480, 'x'));
    const auto found = check(draft, samples::now, "live");
    const Finding* finding = samples::find_code(found, "too_long");
    ASSERT_NE(finding, nullptr);
    // 480, an empty line and a link of 23.
    EXPECT_TRUE(finding->text.contains("5 characters too long (505 of 500)")) << finding->text;
}

// A shape of about `bytes`.
std::string ring(std::size_t bytes) {
    std::string ring;
    for (int i = 0; ring.size() < bytes; ++i)
        ring += fmt::format("51.0{:04},-114.0{:04} ", 1000 + i, 1000 + i);
    return ring + "51.01000,-114.01000";
}

Draft with_areas(std::size_t bytes) {
    Draft draft = samples::make_draft();
    const Area one = draft.areas(0);
    draft.clear_areas();
    while (draft.ByteSizeLong() + 9'000 < bytes) {
        Area& area = *draft.add_areas();
        area = one;
        area.clear_polygons();
        area.add_polygons(ring(8'000));
    }
    return draft;
}

// The page that is linked to where no feed shows the alert may count for more than any other link.
TEST(Checks, ATextFitsWithEachLinkThatItMayGet) {
    Draft draft = samples::make_draft();
    for (Text& text : *draft.mutable_texts()) {
        ChannelText* other = text.add_channel_texts();
        other->set_kind("mastodon");
        other->set_text(std::string(400, 'x'));
    }
    EXPECT_EQ(samples::find_code(check(draft, samples::now, "live"), "too_long"), nullptr);
    draft.set_web("https://192.0.2.1/" + std::string(300, 'p'));
    const auto found = check(draft, samples::now, "live");
    const Finding* long_one = samples::find_code(found, "too_long");
    ASSERT_NE(long_one, nullptr);
    EXPECT_EQ(long_one->field, "texts[0].channel_texts[0].text");
}

TEST(Checks, ADraftThatLeadsToARecordThatDoesNotFitIsNotSubmitted) {
    const auto found = check(with_areas(385'000), samples::now, "live");
    const auto large = std::ranges::find(found, "too_large", &Finding::code);
    ASSERT_NE(large, found.end());
    EXPECT_EQ(large->field, "areas");
    EXPECT_EQ(large->level, Level::error);
    EXPECT_TRUE(large->text.contains(fmt::format("{}", draft_bytes_max)));
}

TEST(Checks, ADraftWithinTheLimitIsNot) {
    const auto found = check(with_areas(draft_bytes_max), samples::now, "live");
    EXPECT_EQ(std::ranges::find(found, "too_large", &Finding::code), found.end());
}

TEST(Checks, ARenditionThatDoesNotFitIntoARecordIsFoundBeforeAnyoneApproves) {
    Draft draft = with_areas(200'000);
    // Each language repeats the areas.
    for (const char* language : {"es-MX", "de-DE"}) {
        Text& text = *draft.add_texts();
        text = draft.texts(0);
        text.set_language(language);
    }
    ASSERT_LT(draft.ByteSizeLong(), draft_bytes_max);
    const auto found = check(draft, samples::now, "live");
    const auto large = std::ranges::find(found, "too_large", &Finding::code);
    ASSERT_NE(large, found.end());
    EXPECT_TRUE(large->text.contains("On `feed`"));
    EXPECT_EQ(large->field, "areas");
}

}  // namespace
}  // namespace tocsin::content
