#include "support/command_roles.hpp"
#include "trigger/decider.hpp"

namespace tocsin::trigger {
namespace {

TEST(Roles, AreThoseOfTheOptionBesideEachRpc) {
    testing::expect_roles_of_options<Decider>({}, {{"url", "https://water.example.org"}});
}

}  // namespace
}  // namespace tocsin::trigger
