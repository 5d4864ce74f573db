#include "measurement/message.hpp"

#include "unit/measurement/samples.hpp"

#include <gtest/gtest.h>

namespace tocsin::measurement {
namespace {

using samples::joint_draft;
using testing::at;

v1::Command remark(const std::string& message_id = "msg-1") {
    v1::Command command;
    command.mutable_add_remark()->set_message_id(message_id);
    command.mutable_add_remark()->set_text("The phone line was down.");
    return command;
}

TEST(Remarks, AreForWhomTheMessageConcerns) {
    auto given = joint_draft();
    given.repeats_add();
    EXPECT_EQ(given.by("eve", "banff", {"analyst"}).when(remark()).refused(), "other_agency");
    EXPECT_EQ(given.by("eve", "solo", {"duty-officer"}).when(remark()).refused(), "other_agency");
    EXPECT_EQ(given.by("dan", "banff", {"duty-officer"}).when(remark()).refused(), "");
}

TEST(Remarks, AnAnalystAddsARemarkToTheTimeline) {
    auto given = joint_draft();
    // Somebody may well say the same again.
    given.repeats_add().by("ada", "alberta", {"analyst"}).on(at(50)).when(remark());
    ASSERT_EQ(given.refused(), "");
    ASSERT_EQ(given.events().size(), 1U);
    const auto& added = given.events()[0].remark_added();
    EXPECT_EQ(added.milestone().person(), "ada");
    EXPECT_EQ(added.milestone().kind(), v1::MILESTONE_KIND_REMARK);
    EXPECT_EQ(added.milestone().agency(), "alberta");
    EXPECT_EQ(added.milestone().text(), "The phone line was down.");
    EXPECT_EQ(runtime::from_proto(added.milestone().at()), at(50));
    EXPECT_EQ(given.subject(), "msg-1");
    EXPECT_EQ(given.etag(), "1");
    EXPECT_EQ(given.when(remark()).etag(), "2");
}

TEST(Remarks, AnAuthorMayNotRemark) {
    auto given = joint_draft();
    EXPECT_EQ(given.by("ana", "calgary", {"author"}).when(remark()).refused(), "role_missing");
}

TEST(Remarks, AMessageHasAtMostAThousand) {
    auto given = joint_draft();
    given.repeats_add().by("ada", "alberta", {"analyst"});
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(given.when(remark()).refused(), "");
    EXPECT_EQ(given.when(remark()).refused(), "too_many_remarks");
}

TEST(Remarks, ARemarkNeedsItsMessage) {
    auto given = joint_draft();
    given.by("ada", "alberta", {"analyst"}).when(remark("msg-2"));
    EXPECT_EQ(given.refused(), "not_found");
    EXPECT_EQ(given.rejection()->field, "message_id");
}

TEST(Remarks, ACommandOfANewerVersionIsRefused) {
    EXPECT_EQ(joint_draft().when(v1::Command{}).refused(), "unknown_command");
}

}  // namespace
}  // namespace tocsin::measurement
