// The table of formats is made of files: each reads what its file is named after.
#include "trigger/sources.hpp"

#include "source_formats.inc"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tocsin::trigger {
namespace {

TEST(SourceFormats, AreNamedAfterTheirFiles) {
#define TOCSIN_NAME(format) #format,
    std::vector<std::string> names{TOCSIN_SOURCE_FORMATS(TOCSIN_NAME)};
#undef TOCSIN_NAME
    ASSERT_EQ(source_formats().size(), names.size());
    ASSERT_GE(names.size(), 2u);
    for (std::size_t i = 0; i < names.size(); ++i) {
        std::ranges::replace(names[i], '_', '-');
        const SourceFormat& format = source_formats()[i];
        EXPECT_EQ(format.name, names[i]);
        EXPECT_EQ(find_format(names[i]), &format);
        EXPECT_FALSE(format.accept.empty()) << names[i];
        EXPECT_FALSE(format.read("")) << names[i] << ": nothing is no answer";
        EXPECT_NE(series_problem(names[i], "NOWHERE:nothing"), "") << names[i];
    }
    EXPECT_EQ(find_format("nonsense"), nullptr);
    // Nothing is known of it, hence nothing wrong.
    EXPECT_EQ(series_problem("nonsense", "A:b"), "");
}

}  // namespace
}  // namespace tocsin::trigger
