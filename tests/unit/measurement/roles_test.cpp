#include "measurement/decider.hpp"
#include "support/command_roles.hpp"

namespace tocsin::measurement {
namespace {

TEST(Roles, AreThoseOfTheOptionBesideEachRpc) { testing::expect_roles_of_options<Decider>({}, {}); }

}  // namespace
}  // namespace tocsin::measurement
