#include "runtime/edge/method_rules.hpp"

#include "runtime/base/parties.hpp"
#include "runtime/edge/identity.hpp"
#include "runtime/edge/service_named.hpp"
#include "services.inc"
#include "tocsin/drafting/v1/message.pb.h"
#include "tocsin/drafting/v1/template.pb.h"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

using rules::v1::MethodRules;

TEST(MethodRules, AreSoundForEveryMethod) {
#define TOCSIN_NAME(service) #service,
    for (const char* name : {TOCSIN_SERVICES(TOCSIN_NAME) "ledger"}) {
#undef TOCSIN_NAME
        const auto* service = service_named(name);
        ASSERT_NE(service, nullptr) << name;
        ASSERT_EQ(service->file()->service_count(), 1) << name;
        EXPECT_NO_THROW(check_rules(*service)) << name;
    }
    EXPECT_EQ(service_named("nothing"), nullptr);
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
    EXPECT_EQ(rules_problem(rules(ACCESS_READ, {}, REACH_REALM)), "");
    for (const MethodRules& wrong :
         {rules(ACCESS_UNSPECIFIED, {}, REACH_REALM),
          rules(static_cast<Access>(99), {}, REACH_REALM), rules(ACCESS_CHANGE, {}, REACH_REALM),
          rules(ACCESS_CHANGE, {"auther"}, REACH_REALM),
          rules(ACCESS_CHANGE, {"operator"}, REACH_REALM),
          rules(ACCESS_READ, {}, REACH_UNSPECIFIED), rules(ACCESS_PUBLIC, {"author"}, {}),
          rules(ACCESS_PUBLIC, {}, REACH_OWNER), rules(ACCESS_OPERATOR, {"admin"}, {}),
          rules(ACCESS_OPERATOR, {"operator"}, REACH_REALM)})
        EXPECT_NE(rules_problem(wrong), "") << wrong.ShortDebugString();
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
