// Characters that a reader does not see, or can make nothing of.
#include "content/graphemes.hpp"

#include <gtest/gtest.h>

namespace tocsin::content {
namespace {

TEST(Invisible, AreFoundWhereNothingNeedsThem) {
    for (const auto& [text, character] : std::initializer_list<std::pair<const char*, char32_t>>{
             {"Eva\u200Bcuate", 0x200B},
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
             {"a\uFE0F\uFE0F", 0xFE0F},
             {"\U0001F3F4\U000E0068\U000E0069", 0xE0068},  // letters without an end
             {"a\uFFF9b", 0xFFF9},
             {"a\u2800b", 0x2800},
             {"\uFE0F", 0xFE0F}}) {
        EXPECT_EQ(invisible_character(text), character) << text;
        EXPECT_EQ(invisible_character(without_invisible(text)), std::nullopt) << text;
    }
}

TEST(Invisible, AreLeftWhereWordsAndEmojiNeedThem) {
    for (const char* text :
         {"\U0001F468\u200D\U0001F692",                              // a firefighter
          "\U0001F469\U0001F3FD\u200D\U0001F692",                    // with a skin tone
          "\u26A0\uFE0F attention",                                  // a warning sign as an emoji
          "\u0646\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645",  // Persian
          "\u0915\u094D\u200D\u0937",                                // Devanagari
          "Quittez les berges\u00A0: l\u2019eau monte.",
          "\u0647\u200D 1445",             // Hijri, before a blank
          "GPS\u200C\u0647\u0627",         // Latin and Persian
          "\u05D0\u200F!",                 // Hebrew with a mark
          "\u2764\uFE0F\u200D\U0001F525",  // a heart on fire
          "1\uFE0F\u20E3",                 // a keycap
          // Scotland.
          "\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F",
          "\u1403\u14C4\u1483\u144E\u1450\u1466",  // Inuktitut
          ""}) {
        EXPECT_EQ(invisible_character(text), std::nullopt) << text;
        EXPECT_EQ(without_invisible(text), text);
    }
}

TEST(Meaningless, AreFoundWhereverTheyStand) {
    for (const auto& [text, character] :
         std::initializer_list<std::pair<const char*, char32_t>>{{"a\uE000", 0xE000},
                                                                 {"\uF8FF", 0xF8FF},
                                                                 {"\U000F0000b", 0xF0000},
                                                                 {"\U0010FFFD", 0x10FFFD},
                                                                 {"a\uFFFCb", 0xFFFC},
                                                                 {"caf\uFFFD", 0xFFFD}})
        EXPECT_EQ(meaningless_character(text), character) << text;
    for (const char* text : {"\uFDD0", "\uFDEF", "a\uFFFE", "\uFFFF", "\U0001FFFE", "\U0010FFFF"}) {
        EXPECT_FALSE(is_printable(text)) << text;
        EXPECT_TRUE(is_printable(printable(text))) << text;
    }
}

TEST(Meaningless, MarksWithoutALetterShowNothing) {
    for (const char* text : {"", " ", "\u0301", "\u00A0\u0301\uFE0F", "\u200B", "\u2800\u3000"})
        EXPECT_TRUE(shows_nothing(text)) << text;
    std::string heap = "o";
    for (int i = 0; i < 10; ++i) heap += "\u0301";
    EXPECT_FALSE(has_heaped_marks(heap + "o" + heap));
    EXPECT_TRUE(has_heaped_marks(heap + "\u0301"));
    EXPECT_TRUE(has_heaped_marks(heap + "\u20DD"));
}

// What people write, in scripts with many marks too.
TEST(Meaningless, IsNothingThatPeopleWrite) {
    for (const char* text :
         {"Quittez les berges\u00A0: l\u2019eau monte.", "e\u0301", "\U0001F468\u200D\U0001F692",
          "\u26A0\uFE0F", "1\uFE0F\u20E3", "\U0001F1E8\U0001F1E6",
          "\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F",
          "\u1403\u14C4\u1483\u144E\u1450\u1466",                          // Inuktitut
          "\u0915\u094D\u0937\u094D\u0923\u093F\u0902",                    // Devanagari
          "\u05D1\u05BC\u05B0\u05E8\u05B5\u05D0\u05E9\u05C1\u05B4\u0596",  // pointed Hebrew
          "\u0F67\u0FB1\u0FB2\u0F74\u0F7E",                                // Tibetan
          "\u0E19\u0E49\u0E33", "\u1EC7", "7\u00A0m\u00B3/s"}) {
        EXPECT_EQ(meaningless_character(text), std::nullopt) << text;
        EXPECT_FALSE(has_heaped_marks(text)) << text;
        EXPECT_FALSE(shows_nothing(text)) << text;
        EXPECT_TRUE(is_printable(text)) << text;
    }
}

TEST(Invisible, AreCutOutOfWhatASourceNames) {
    EXPECT_EQ(without_invisible("m\u202E\u200B3/s"), "m3/s");
}

}  // namespace
}  // namespace tocsin::content
