#include "runtime/edge/method_rules.hpp"

#include "runtime/base/parties.hpp"
#include "runtime/edge/identity.hpp"
#include "tocsin/approval/v1/approval_service.pb.h"
#include "tocsin/drafting/v1/drafting_service.pb.h"
#include "tocsin/ledger/v1/ledger_service.pb.h"
#include "tocsin/measurement/v1/measurement_service.pb.h"
#include "tocsin/publishing/v1/publishing_service.pb.h"
#include "tocsin/trigger/v1/trigger_service.pb.h"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

using rules::v1::MethodRules;

TEST(MethodRules, AreSoundForEveryMethod) {
    for (const auto* request :
         {approval::v1::ApproveRequest::descriptor(), drafting::v1::GetMessageRequest::descriptor(),
          ledger::v1::GetStatusRequest::descriptor(),
          measurement::v1::GetScorecardRequest::descriptor(),
          publishing::v1::GetFeedRequest::descriptor(),
          trigger::v1::ListRulesRequest::descriptor()}) {
        ASSERT_EQ(request->file()->service_count(), 1);
        EXPECT_NO_THROW(require_rules(*request->file()->service(0)));
    }
}

TEST(MethodRules, AreThoseOfTheMethodThatTakesTheRequest) {
    const auto& rules = method_rules(*drafting::v1::PutTemplateRequest::descriptor());
    EXPECT_EQ(rules.access(), rules::v1::ACCESS_CHANGE);
    EXPECT_EQ(rules.roles_size(), 2);
    EXPECT_THROW(method_rules(*drafting::v1::Message::descriptor()), std::logic_error);
}

MethodRules rules(rules::v1::Access access, const std::vector<std::string>& roles,
                  rules::v1::Reach reach) {
    MethodRules made;
    made.set_access(access);
    made.mutable_roles()->Assign(roles.begin(), roles.end());
    made.set_reach(reach);
    return made;
}

TEST(MethodRules, ThatSayTooLittleAreRefused) {
    using namespace rules::v1;
    EXPECT_EQ(unsound(rules(ACCESS_READ, {}, REACH_REALM)), "");
    for (const MethodRules& wrong :
         {rules(ACCESS_UNSPECIFIED, {}, REACH_REALM), rules(ACCESS_CHANGE, {}, REACH_REALM),
          rules(ACCESS_CHANGE, {"auther"}, REACH_REALM),
          rules(ACCESS_CHANGE, {"operator"}, REACH_REALM),
          rules(ACCESS_READ, {}, REACH_UNSPECIFIED), rules(ACCESS_PUBLIC, {"author"}, {}),
          rules(ACCESS_PUBLIC, {}, REACH_OWNER), rules(ACCESS_OPERATOR, {"admin"}, {}),
          rules(ACCESS_OPERATOR, {"operator"}, REACH_REALM)})
        EXPECT_NE(unsound(wrong), "") << wrong.ShortDebugString();
}

TEST(Parties, AreTheAgenciesNamedAndTheDutyOfficersOfTheIncident) {
    content::v1::Parties parties;
    parties.add_agencies("city");
    parties.add_incident_agencies("city");
    parties.add_incident_agencies("harbour");
    const auto concerned = [&](const std::string& agency, const std::string& role) {
        return concerns(Caller{"ana", "calgary", agency, {role}}, parties);
    };
    EXPECT_TRUE(concerned("city", "analyst"));
    EXPECT_TRUE(concerned("harbour", "duty-officer"));
    EXPECT_FALSE(concerned("harbour", "approver"));
    EXPECT_FALSE(concerned("bridge", "duty-officer"));
    EXPECT_FALSE(concerned("", "duty-officer"));
    EXPECT_FALSE(concerns(Caller{"ana", "calgary", "city", {"admin"}}, content::v1::Parties{}));
    EXPECT_EQ(KeptParties(parties).get().ShortDebugString(), parties.ShortDebugString());
}

}  // namespace
}  // namespace tocsin::runtime
