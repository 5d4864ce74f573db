#include "runtime/base/ids.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tocsin::runtime {
namespace {

TEST(Ids, UuidMatchesRfc9562) {
    // RFC 9562 appendix A.6.
    const Time time{std::chrono::milliseconds{0x017F22E279B0}};
    const UuidRandomness random = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    const std::string uuid = uuid_v7(time, random);
    EXPECT_EQ(uuid, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    EXPECT_EQ(uuid_v7_time(uuid), time);
    EXPECT_EQ(uuid_v7_time("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), time);
}

TEST(Ids, OtherTextIsNotAUuidV7) {
    for (const std::string text :
         {"", "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-d8c4-dc0c0c07398f",
          "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e279b0-7cc3-98c4-dc0c0c07398f0",
          "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "{17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
          "017f22e2079b0-7cc3-98c4-dc0c0c07398f"})
        EXPECT_FALSE(uuid_v7_time(text)) << text;
}

TEST(Ids, NewOnesDiffer) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string uuid = new_uuid_v7();
        EXPECT_TRUE(uuid_v7_time(uuid));
        EXPECT_TRUE(seen.insert(uuid).second);
    }
}

TEST(Ids, DerivedIdsDependOnEveryPart) {
    const std::string id = derive_id("msg", {"agency", "actor", "request"});
    EXPECT_EQ(id.size(), 24U);
    EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567-"), std::string::npos);
    EXPECT_EQ(id, derive_id("msg", {"agency", "actor", "request"}));
    EXPECT_NE(derive_id("m", {"ab", "c"}), derive_id("m", {"a", "bc"}));
    EXPECT_NE(derive_id("m", {"ab"}), derive_id("m", {"ab", ""}));
}

TEST(Ids, DerivedIdsNeverChange) {
    // SHA-256 of 00000000 00000001 'x', computed elsewhere.
    EXPECT_EQ(derive_id("m", {"x"}), "m-akhq35nylfx3zuims4ql");
}

}  // namespace
}  // namespace tocsin::runtime
