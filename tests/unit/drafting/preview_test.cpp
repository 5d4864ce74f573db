#include "drafting/preview.hpp"

#include "content/checks.hpp"
#include "content/content.hpp"
#include "unit/drafting/cases.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace tocsin::drafting {
namespace {

using namespace cases;

Destinations a_channel_each() {
    Destinations destinations;
    evolve(destinations, channel().channel_followed());
    evolve(destinations, channel("siren", "alberta").channel_followed());
    return destinations;
}

TEST(Preview, SaysWhatIsWrongWithWhereItGoes) {
    auto draft = samples::make_draft();
    EXPECT_TRUE(preview(draft, "bow", a_channel_each(), samples::now, "live").findings().empty());
    const auto nowhere = preview(draft, "bow", {}, samples::now, "live");
    ASSERT_EQ(nowhere.findings_size(), 2);
    EXPECT_EQ(nowhere.findings(0).code(), "no_channel");
    EXPECT_FALSE(nowhere.findings(0).blocks());
}

TEST(Preview, OfADraftThatCannotBeStoredIsNothingButTheChecks) {
    auto draft = samples::make_draft();
    const auto fits = preview(draft, "bow", a_channel_each(), samples::now, "live");
    EXPECT_FALSE(fits.previews().empty());
    auto& area = *draft.add_areas();
    area.add_polygons(std::string(content::draft_bytes_max, '1'));
    const auto large = preview(draft, "bow", a_channel_each(), samples::now, "live");
    EXPECT_TRUE(large.previews().empty());
    ASSERT_FALSE(large.findings().empty());
    EXPECT_TRUE(large.findings(0).blocks());
}

// A small draft can be made to lead to renditions of megabytes, ten times over.
TEST(Preview, HoldsNothingThatNobodyCouldSendAndNoEndOfFindings) {
    auto draft = samples::make_draft();
    draft.clear_areas();
    for (int i = 0; i < 50; ++i) {
        auto& area = *draft.add_areas();
        for (int j = 0; j < 20; ++j) {
            area.add_polygons("x");
            area.add_circles("x");
        }
        for (int j = 0; j < 100; ++j) {
            area.add_geocodes()->set_value_name("same");
            area.mutable_geocodes(j)->set_value("1");
        }
    }
    for (const char* language : {"cr", "iu", "oj", "mic", "de", "es", "it", "pa"})
        draft.add_texts()->set_language(language);
    ASSERT_LT(draft.ByteSizeLong(), content::draft_bytes_max);
    const auto shown = preview(draft, "bow", a_channel_each(), samples::now, "live");
    EXPECT_EQ(shown.findings_size(), findings_max);
    for (const auto& one : shown.previews())
        EXPECT_LE(one.rendition().body().size(), content::worst_case_bytes_max) << one.kind();
    EXPECT_LT(shown.ByteSizeLong(), std::size_t{4} << 20);  // what the gateway's gRPC takes
}

}  // namespace
}  // namespace tocsin::drafting
