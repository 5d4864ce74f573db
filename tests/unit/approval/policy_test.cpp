#include "approval/policy.hpp"

#include "runtime/base/validate.hpp"
#include "unit/approval/samples.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace tocsin::approval {
namespace {

using namespace samples;

TEST(Policy, NeedsTheRoleAdminOfTheRoster) {
    Case test({imported()});
    EXPECT_EQ(ben(test).when(policy(1, {"approver"})).refused(), "role_missing");
    EXPECT_EQ(test.by("zoe", "calgary", {"admin"}).when(policy(1, {"approver"})).refused(),
              "not_on_roster");
}

TEST(Policy, BindsTheCallersOwnAgency) {
    Case test({imported()});
    root(test).when(policy(1, {"approver"}));
    EXPECT_EQ(test.events().at(0).policy_set().policy().agency_id(), "calgary");
    EXPECT_EQ(test.etag(), "1");
    EXPECT_EQ(test.when(policy(2, {"approver"})).etag(), "2");
}

TEST(Policy, AsksAtLeastOnePersonOfAtLeastOneRole) {
    Case test({imported()});
    EXPECT_EQ(root(test).when(policy(0, {"approver"})).refused(), "out_of_range");
    EXPECT_EQ(test.rejection()->field, "quorum");
    EXPECT_EQ(test.when(policy(1, {})).refused(), "required");
    EXPECT_EQ(test.rejection()->field, "roles");
}

TEST(Policy, NamesOnlyRolesThatMayApprove) {
    Case test({imported()});
    EXPECT_EQ(root(test).when(policy(1, {"analyst"})).refused(), "unknown_role");
}

TEST(Policy, NamesTheRolesThatTheEdgeAndTheCommandLineTake) {
    const auto& roles = *v1::SetPolicyRequest::descriptor()->FindFieldByName("roles");
    EXPECT_EQ(runtime::field_rules(roles).pattern(),
              fmt::format("{}", fmt::join(approving_roles, "|")));
}

TEST(Policy, IsTwoApproversOrDutyOfficersWhereNoneIsSet) {
    const Case test = reviewing();
    EXPECT_EQ(review(test).agencies(0).quorum(), 2);
    EXPECT_EQ(review(test).agencies(0).roles_size(), 2);
}

TEST(Policy, IsFrozenWhenTheReviewOpens) {
    Case test({imported()});
    root(test).when(policy(1, {"approver"}));
    test.when(submission());
    root(test).when(policy(3, {"approver"}));
    ben(test).when(approve());
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_CLEARED);
}

TEST(Policy, IsThatOfTheMessagesSeverity) {
    v1::Command other = policy(1, {"approver"});
    other.mutable_set_policy()->set_severity(content::v1::SEVERITY_MINOR);
    Case test({imported()});
    root(test).when(other);
    test.when(submission());
    EXPECT_EQ(review(test).agencies(0).quorum(), default_quorum);
}

}  // namespace
}  // namespace tocsin::approval
