#include "cases.hpp"
#include "support/command_roles.hpp"

namespace tocsin::drafting {
namespace {

TEST(Roles, AreThoseOfTheOptionBesideEachRpc) {
    const cases::Case given({cases::incident(), cases::message()});
    testing::expect_roles_of_options<Decider>(given.state(), {{"message_id", "msg-1"}});
}

}  // namespace
}  // namespace tocsin::drafting
