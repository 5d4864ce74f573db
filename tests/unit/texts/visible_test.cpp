#include "texts/visible.hpp"

#include "texts/utf8.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace tocsin::texts {
namespace {

TEST(Visible, IsATextOfWhichAReaderSeesSomething) {
    for (const std::string_view seen : {"a", " a ", "\u200Ba", "\u6C34", "\u00E9", "\U0001F6A8",
                                        "\U0001F3F4\U000E0067", "-", "\u2801", "\xff"})
        EXPECT_TRUE(is_visible(seen)) << seen;
}

TEST(Visible, IsNoTextOfBlanksAndWhatFontsDoNotShow) {
    for (const std::string_view blank : {"",
                                         " ",
                                         "\t\n",
                                         "\u00A0",
                                         "\u00AD",
                                         "\u115F",
                                         "\u200B",
                                         "\u200D",
                                         "\u200E",
                                         "\u2060",
                                         "\u2800",
                                         "\u3000",
                                         "\u3164",
                                         "\uFE0F",
                                         "\uFEFF",
                                         "\uFFA0",
                                         "\uFFF9",
                                         "\U0001D159",
                                         "\U000E0041\U000E007F",
                                         "\u200B \u3164\u2800"})
        EXPECT_FALSE(is_visible(blank)) << blank;
}

TEST(Visible, Utf8IsInItsShortestFormAndWithoutSurrogates) {
    for (const std::string_view good : {"", "a", "\u00E9", "\uFFFF", "\U0010FFFF"})
        EXPECT_TRUE(is_utf8(good)) << good;
    for (const std::string_view bad :
         {"\xff", "\x80", "a\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
        EXPECT_FALSE(is_utf8(bad)) << bad;
}

}  // namespace
}  // namespace tocsin::texts
