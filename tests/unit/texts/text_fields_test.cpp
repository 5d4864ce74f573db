#include "texts/text_fields.hpp"

#include "tocsin/drafting/v1/drafting_service.pb.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace tocsin::texts {
namespace {

using ::testing::ElementsAre;

drafting::v1::ReviseMessageRequest make_request() {
    drafting::v1::ReviseMessageRequest request;
    request.set_etag("1");
    auto& draft = *request.mutable_draft();
    auto& area = *draft.add_areas();
    (*area.mutable_descriptions())["fr-CA"] = "Berges";
    (*area.mutable_descriptions())["en-CA"] = "Banks";
    area.add_polygons("1,1");
    area.add_geocodes()->set_value("4806016");
    draft.add_agencies("calgary");
    auto& text = *draft.add_texts();
    text.set_language("fr-CA");
    text.set_headline("Crue");
    text.add_channel_texts()->set_text("Crue !");
    return request;
}

TEST(TextFields, AreFoundWhereverTheyAreWithPathAndLanguage) {
    std::vector<std::string> found;
    each_text(make_request(), [&](const TextField& where, const std::string& text) {
        if (!text.empty()) found.push_back(where.path + " " + where.language + " " + text);
    });
    EXPECT_THAT(
        found,
        ElementsAre("etag  1", "draft.areas[0].descriptions[en-CA] en-CA Banks",
                    "draft.areas[0].descriptions[fr-CA] fr-CA Berges",
                    "draft.areas[0].polygons[0]  1,1", "draft.areas[0].geocodes[0].value  4806016",
                    "draft.agencies[0]  calgary", "draft.texts[0].language fr-CA fr-CA",
                    "draft.texts[0].headline fr-CA Crue",
                    "draft.texts[0].channel_texts[0].text fr-CA Crue !"));
}

TEST(TextFields, AreEditedInPlaceOfListsAndMapsToo) {
    auto request = make_request();
    edit_texts(request, [](const TextField&, std::string& text) {
        if (!text.empty()) text += "+";
    });
    const auto& draft = request.draft();
    EXPECT_EQ(draft.areas(0).descriptions().at("fr-CA"), "Berges+");
    EXPECT_EQ(draft.areas(0).geocodes(0).value(), "4806016+");
    EXPECT_EQ(draft.agencies(0), "calgary+");
    EXPECT_EQ(draft.texts(0).channel_texts(0).text(), "Crue !+");
    EXPECT_FALSE(draft.has_expires());
}

TEST(Tidy, TakesBlanksFromTheEdgesAndKeepsThoseWithin) {
    EXPECT_EQ(tidy("\n  High water\n"), "High water");
    EXPECT_EQ(tidy("\u00A0\u2003 High\u00A0water \u3000\u2028"), "High\u00A0water");
    EXPECT_EQ(tidy("a\n\n b"), "a\n\n b");
    EXPECT_EQ(tidy(" \t\r\n\u202F"), "");
    EXPECT_EQ(tidy(""), "");
    // What cannot be seen and is no blank is for the checks to find.
    EXPECT_EQ(tidy("a\u200B"), "a\u200B");
    EXPECT_EQ(tidy("\xC2"), "\xC2");
}

TEST(Tidy, MakesEveryEndOfLineTheSame) {
    EXPECT_EQ(tidy("The river rises.\r\nSecond line.\rThird."),
              "The river rises.\nSecond line.\nThird.");
    EXPECT_EQ(tidy("a\r\r\nb"), "a\n\nb");
}

TEST(Tidy, IsDoneToEveryTextOfAMessage) {
    auto request = make_request();
    edit_texts(request, [](const TextField&, std::string& text) {
        if (!text.empty()) text = "\r\n " + text + "\u00A0\r\n";
    });
    tidy_texts(request);
    EXPECT_EQ(request.DebugString(), make_request().DebugString());
}

}  // namespace
}  // namespace tocsin::texts
