// Characters that a reader does not see.
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

TEST(Invisible, AreCutOutOfWhatASourceNames) {
    EXPECT_EQ(without_invisible("m\u202E\u200B3/s"), "m3/s");
}

}  // namespace
}  // namespace tocsin::content
