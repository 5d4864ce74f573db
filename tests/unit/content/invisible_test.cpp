// Characters that a reader does not see.
#include "content/graphemes.hpp"

#include <gtest/gtest.h>

namespace tocsin::content {
namespace {

TEST(Invisible, AreFoundWhereNothingNeedsThem) {
    for (const auto& [text, character] :
         std::initializer_list<std::pair<const char*, char32_t>>{{"Eva\u200Bcuate", 0x200B},
                                                                 {"\uFEFFEvacuate", 0xFEFF},
                                                                 {"Evac\u00ADuate", 0xAD},
                                                                 {"a\u2060b", 0x2060},
                                                                 {"a\u200Eb", 0x200E},
                                                                 {"a\u061Cb", 0x61C},
                                                                 {"a\u202Eb", 0x202E},
                                                                 {"a\u2028b", 0x2028},
                                                                 {"Lea\u200Dve", 0x200D},
                                                                 {"Lea\u200Cve", 0x200C},
                                                                 {"\U000E0041hidden", 0xE0041},
                                                                 {"\u3164", 0x3164},
                                                                 {"\uFE0F", 0xFE0F}}) {
        EXPECT_EQ(invisible_character(text), character) << text;
        EXPECT_EQ(invisible_character(without_invisible(text)), std::nullopt) << text;
    }
}

TEST(Invisible, AreLeftWhereWordsAndEmojiNeedThem) {
    for (const char* text : {"\U0001F468\u200D\U0001F692",            // a firefighter
                             "\U0001F469\U0001F3FD\u200D\U0001F692",  // with a skin tone
                             "\u26A0\uFE0F attention",                // a warning sign as an emoji
                             "\u0646\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645",  // Persian
                             "\u0915\u094D\u200D\u0937",  // Devanagari
                             "Quittez les berges\u00A0: l\u2019eau monte.",
                             "\u1403\u14C4\u1483\u144E\u1450\u1466",  // Inuktitut
                             ""}) {
        EXPECT_EQ(invisible_character(text), std::nullopt) << text;
        EXPECT_EQ(without_invisible(text), text);
    }
}

TEST(Invisible, AreCutOutOfWhatASourceNames) {
    EXPECT_EQ(without_invisible("m\u202E\u200B3/s"), "m3/s");
}

}  // namespace
}  // namespace tocsin::content
