// Both halves of a kind of channel go by the name of their file.
#include "publishing/wire.hpp"

#include "channel_kinds.inc"
#include "content/channel.hpp"

#include <gmock/gmock.h>

namespace tocsin::publishing {
namespace {

TEST(Wires, AreNamedAfterTheirFilesAsTheirPurePartsAre) {
#define TOCSIN_NAME(kind) #kind,
    const std::vector<std::string_view> names{TOCSIN_CHANNEL_KINDS(TOCSIN_NAME)};
#undef TOCSIN_NAME
    EXPECT_EQ(wire_kinds(), names);
    std::vector<std::string_view> pure;
    for (const content::ChannelKind& kind : content::all_kinds()) pure.push_back(kind.kind);
    EXPECT_EQ(pure, names);
    for (const auto name : names) {
        const ChannelWire* wire = find_wire(name);
        ASSERT_NE(wire, nullptr) << name;
        EXPECT_TRUE(wire->prepare != nullptr && wire->fire != nullptr && wire->find != nullptr)
            << name;
    }
}

}  // namespace
}  // namespace tocsin::publishing
