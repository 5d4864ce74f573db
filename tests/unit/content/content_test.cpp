#include "content/content.hpp"

#include "support/sample_message.hpp"

#include <gtest/gtest.h>

#include <map>

namespace tocsin::content {
namespace {

TEST(Content, DigestIsLowerCaseHexSha256) {
    EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Content, EqualContentsGiveEqualBytes) {
    const std::string bytes = serialise(samples::make_content());
    for (int i = 0; i < 50; ++i) {
        // Maps filled in another order, with their own hash seeds.
        Content content = samples::make_content();
        auto& descriptions = *content.mutable_draft()->mutable_areas(0)->mutable_descriptions();
        const std::map<std::string, std::string> sorted(descriptions.begin(), descriptions.end());
        descriptions.clear();
        for (auto entry = sorted.rbegin(); entry != sorted.rend(); ++entry)
            descriptions[entry->first] = entry->second;
        EXPECT_EQ(serialise(content), bytes);
    }
}

TEST(Content, ParseGivesBackWhatWasSerialised) {
    const std::string bytes = serialise(samples::make_content());
    const auto content = parse(bytes);
    ASSERT_TRUE(content.has_value()) << content.error();
    EXPECT_EQ(digest(serialise(*content)), digest(bytes));
}

TEST(Content, ParseRefusesOtherBytes) { EXPECT_FALSE(parse("\xFF\xFFnot a message").has_value()); }

TEST(Content, ParseRefusesFieldsThatItDoesNotKnow) {
    // Field 1000, a string: approved by people, but this version would never send it.
    EXPECT_FALSE(parse(serialise(samples::make_content()) + "\xC2\x3E\x01x").has_value());
}

TEST(Content, ParseRefusesASecondFormOfTheSameContent) {
    const std::string bytes = serialise(samples::make_content());
    EXPECT_FALSE(parse(bytes + bytes.substr(0, 2 + samples::make_content().message_id().size()))
                     .has_value());
}

}  // namespace
}  // namespace tocsin::content
