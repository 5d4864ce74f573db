#include "samples.hpp"
#include "support/command_roles.hpp"

namespace tocsin::publishing {
namespace {

TEST(Roles, AreThoseOfTheOptionBesideEachRpc) {
    const samples::Story story = samples::armed();
    testing::expect_roles_of_options<Decider>(story.given.state(), {{"release_id", story.id()}});
}

}  // namespace
}  // namespace tocsin::publishing
