#include "drafting/published_alerts.hpp"

#include "unit/drafting/cases.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace tocsin::drafting {
namespace {

using namespace cases;

TEST(Published, AnAlertIsTakenDownOnce) {
    Case test = given();
    test.when(published({"tocsin-rel-1-calgary", "tocsin-rel-1-alberta"}));
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_EQ(test.events()[0].alerts_published().alerts_size(), 2);
    test.when(published({"tocsin-rel-1-calgary", "tocsin-rel-2-calgary"}));
    ASSERT_EQ(test.events().size(), 1u);
    ASSERT_EQ(test.events()[0].alerts_published().alerts_size(), 1);
    EXPECT_EQ(test.events()[0].alerts_published().alerts(0).identifier(), "tocsin-rel-2-calgary");
    EXPECT_FALSE(test.when(published({"tocsin-rel-2-calgary"})).reacted());
    EXPECT_FALSE(test.when(published({})).reacted()) << "a later attempt";
}

// Receivers show an update of nothing as first information, or not at all.
TEST(Published, AReferenceToWhatWasNotIsAWarning) {
    Case test = given({incident(), update_of(alert("tocsin-rel-1-calgary"))});
    ASSERT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    EXPECT_TRUE(test.rejection()->text.contains("reference_not_published at references[0]"));
    EXPECT_TRUE(test.rejection()->text.contains("alerts@example.org,tocsin-rel-1-calgary,2026"));
    Case other_system = test;
    EXPECT_EQ(other_system.when(submit("1", {"reference_not_published"})).refused(), "");
    test.when(published({"tocsin-rel-1-alberta"}));
    EXPECT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    test.when(published({"tocsin-rel-1-calgary"}));
    EXPECT_EQ(test.when(submit("1")).refused(), "");
}

TEST(Published, AReferenceIsHeldAgainstAllThatNamesAnAlert) {
    for (const auto& change : std::vector<std::function<void(content::v1::Reference&)>>{
             [](auto& wrong) { wrong.set_sender("other@example.org"); },
             [](auto& wrong) { wrong.set_sent("2026-06-20T18:00:01-00:00"); }}) {
        content::v1::Reference wrong = alert("tocsin-rel-1-calgary");
        change(wrong);
        Case test = given({incident(), update_of(wrong)});
        test.when(published({"tocsin-rel-1-calgary"}));
        EXPECT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    }
}

}  // namespace
}  // namespace tocsin::drafting
