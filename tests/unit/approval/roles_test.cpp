#include "samples.hpp"
#include "support/command_roles.hpp"

namespace tocsin::approval {
namespace {

TEST(Roles, AreThoseOfTheOptionBesideEachRpc) {
    v1::Roster all = samples::roster();
    samples::add_person(all, "everybody", "calgary",
                        {runtime::known_roles.begin(), runtime::known_roles.end()});
    samples::Case test({samples::imported(all)});
    test.when(samples::submission());
    testing::expect_roles_of_options<Decider>(test.state(), {{"message_id", samples::id}},
                                              "everybody");
}

}  // namespace
}  // namespace tocsin::approval
