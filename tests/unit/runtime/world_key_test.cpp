#include "runtime/ledger/world_key.hpp"

#include "runtime/base/digest.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace tocsin::runtime {
namespace {

class WorldKeysFile : public ::testing::Test {
protected:
    void SetUp() override { std::filesystem::create_directories(folder); }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::expected<WorldKeys, std::string> read(const std::string& text) {
        std::ofstream(folder + "/mac.key") << text;
        return read_world_keys(folder + "/mac.key");
    }
    std::string fault(const std::string& text) {
        const auto keys = read(text);
        return keys ? "" : keys.error();
    }
    static std::string key(int number) { return hex(sha256(std::to_string(number))); }

    std::string folder = ::testing::TempDir() + "world_key_test." + std::to_string(getpid());
};

TEST_F(WorldKeysFile, OneLineIsOneKey) {
    for (const std::string end : {"", "\n", "\r\n", "\n\n"}) {
        const auto keys = read(key(1) + end);
        ASSERT_TRUE(keys) << keys.error();
        ASSERT_EQ(keys->all().size(), 1U);
        EXPECT_EQ(keys->all()[0].bytes, sha256("1"));
        EXPECT_EQ(keys->newest(), hex(sha256(sha256("1"))).substr(0, 16));
    }
}

TEST_F(WorldKeysFile, TheNewestComesFirst) {
    const auto keys = read("# since July\n  " + key(2) + " \n\n# before\n" + key(1) + "\n");
    ASSERT_TRUE(keys) << keys.error();
    ASSERT_EQ(keys->all().size(), 2U);
    EXPECT_EQ(keys->all()[0].bytes, sha256("2"));
    EXPECT_EQ(keys->newest(), keys->all()[0].id);
    EXPECT_TRUE(keys->has(keys->all()[1].id));
    EXPECT_FALSE(keys->has(std::string(16, '0')));
    EXPECT_FALSE(keys->has(""));
}

TEST_F(WorldKeysFile, AnErrorNamesTheLine) {
    EXPECT_NE(fault(key(1) + "\n\n" + key(2).substr(2)).find("line 3 must be"), std::string::npos);
    EXPECT_NE(fault("x" + key(1)).find("line 1 must be"), std::string::npos);
    EXPECT_NE(fault(key(1).substr(0, 32) + "\n" + key(1).substr(32)).find("line 1"),
              std::string::npos);
    EXPECT_NE(fault(key(1) + "\n" + key(2) + "\n" + key(1)).find("line 3 repeats"),
              std::string::npos);
}

TEST_F(WorldKeysFile, HasNeitherNoneNorTooMany) {
    EXPECT_NE(fault("\n# nothing\n").find("holds no key"), std::string::npos);
    std::string many;
    for (int i = 0; i < 16; ++i) many += key(i) + "\n";
    EXPECT_EQ(read(many)->all().size(), 16U);
    EXPECT_NE(fault(many + key(16)).find("line 17 is one key too many"), std::string::npos);
    EXPECT_NE(fault(std::string(20'000, 'a')).find("not a file of keys"), std::string::npos);
    EXPECT_FALSE(read_world_keys(folder + "/missing"));
}

TEST(WorldKeys, AreAtLeastOne) { EXPECT_THROW(WorldKeys({}), std::invalid_argument); }

}  // namespace
}  // namespace tocsin::runtime
