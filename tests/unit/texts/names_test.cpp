#include "texts/names.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tocsin::texts {
namespace {

TEST(Names, ATimeZoneIsOneOfTheDatabase) {
    for (const char* zone : {"America/Edmonton", "America/Toronto", "UTC", "Etc/UTC",
                             "Canada/Mountain", "America/Argentina/Buenos_Aires"})
        EXPECT_TRUE(is_time_zone(zone)) << zone;
    for (const char* zone : {"",
                             "America/Toronot",
                             "america/toronto",
                             "Amercia/Toronto",
                             "Toronto",
                             "GMT-7",
                             "GMT-07:00",
                             "UTC+1",
                             "Etc/Unknown",
                             "No/Such",
                             "\xFF",
                             "America/Edmonton ",
                             "America/Edmonton\n",
                             "AST",
                             "NST",
                             "BST",
                             "EST",
                             "MST",
                             "EST5EDT",
                             "SystemV/MST7",
                             "Etc/GMT-7",
                             "Etc/GMT+7"})
        EXPECT_FALSE(is_time_zone(zone)) << zone;
    EXPECT_FALSE(is_time_zone(std::string(100'000, 'A')));
    const auto all = time_zones();
    EXPECT_GT(all.size(), 400U);
    EXPECT_NE(std::ranges::find(all, "America/Toronto"), all.end());
}

TEST(Names, ALanguageIsOneThatIsSpokenSomewhere) {
    for (const char* tag : {"fr-CA", "en-CA", "fr", "cr", "moh", "crj", "iu-CA"})
        EXPECT_TRUE(is_language(tag)) << tag;
    for (const char* tag : {"", "f", "xx", "xx-CA", "fr-UK", "fr-ca", "FR-CA", "fr_CA", "fr-",
                            "-CA", "fra-CA", "eng", "french", "fr-CAN", "fr-CA-x", "é"})
        EXPECT_FALSE(is_language(tag)) << tag;
}

}  // namespace
}  // namespace tocsin::texts
