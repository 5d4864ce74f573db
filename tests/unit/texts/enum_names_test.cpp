#include "texts/enum_names.hpp"

#include "tocsin/approval/v1/review.pb.h"
#include "tocsin/content/v1/content.pb.h"
#include "tocsin/publishing/v1/delivery.pb.h"

#include <gtest/gtest.h>

namespace tocsin::texts {
namespace {

using approval::v1::ReviewState;
using Strings = std::vector<std::string>;

TEST(EnumNames, AreTheLastWordsOfTheProtosInSmallLetters) {
    EXPECT_EQ(enum_name(approval::v1::REVIEW_STATE_IN_REVIEW), "in_review");
    EXPECT_EQ(enum_name(publishing::v1::DELIVERY_STATE_STOOD_DOWN), "stood_down");
    EXPECT_EQ(enum_name(content::v1::SEVERITY_EXTREME), "extreme");
}

TEST(EnumNames, OfUnspecifiedAndOfANumberThatIsNotKnownAreEmpty) {
    EXPECT_EQ(enum_name(approval::v1::REVIEW_STATE_UNSPECIFIED), "");
    EXPECT_EQ(enum_name(static_cast<ReviewState>(77)), "");
    EXPECT_EQ(enum_name(static_cast<ReviewState>(-1)), "");
}

// Of one enum they are not those of another.
TEST(EnumNames, AreOfTheirEnum) {
    EXPECT_EQ(enum_name(publishing::v1::DELIVERY_STATE_UNKNOWN), "unknown");
    EXPECT_EQ(enum_name(static_cast<publishing::v1::Outcome>(
                  static_cast<int>(publishing::v1::DELIVERY_STATE_UNKNOWN))),
              "");
    EXPECT_EQ(enum_name(publishing::v1::OUTCOME_UNKNOWN), "unknown");
}

TEST(EnumNames, OfAllValuesAreInTheOrderOfTheProto) {
    EXPECT_EQ(enum_names(*approval::v1::ReviewState_descriptor()),
              (Strings{"in_review", "cleared", "returned", "rejected"}));
}

TEST(EnumNames, AreLeftWithoutTheirPrefix) {
    EXPECT_EQ(enum_prefix(*approval::v1::ReviewState_descriptor()), "REVIEW_STATE_");
    EXPECT_EQ(enum_prefix(*content::v1::Status_descriptor()), "STATUS_");
}

TEST(EnumNames, EveryValueButUnspecifiedHasOneOfItsOwn) {
    const auto values = enum_values<publishing::v1::DeliveryState>();
    Strings names;
    for (const auto value : values) names.emplace_back(enum_name(value));
    EXPECT_EQ(names, enum_names(*publishing::v1::DeliveryState_descriptor()));
    EXPECT_EQ(values.front(), publishing::v1::DELIVERY_STATE_PLANNED);
    EXPECT_EQ(values.back(), publishing::v1::DeliveryState_MAX);
}

}  // namespace
}  // namespace tocsin::texts
