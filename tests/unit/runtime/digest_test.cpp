#include "runtime/base/digest.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

TEST(Digest, Sha256MatchesFips180) {
    EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(sha256("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, HmacMatchesRfc4231) {
    EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                              "Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Digest, MacVerifiesOnlyItsOwn) {
    const Mac mac("key");
    const std::string good = mac.sign("data");
    EXPECT_TRUE(mac.verify("data", good));
    EXPECT_FALSE(mac.verify("Data", good));
    EXPECT_FALSE(mac.verify("data", good.substr(1)));
    EXPECT_FALSE(mac.verify("data", ""));
    EXPECT_FALSE(Mac("other").verify("data", good));
}

TEST(Digest, HexRoundTrip) {
    EXPECT_EQ(hex(std::string("\x00\xff\x1a", 3)), "00ff1a");
    EXPECT_EQ(unhex("00fF1A"), std::string("\x00\xff\x1a", 3));
    EXPECT_FALSE(unhex("0"));
    EXPECT_FALSE(unhex("0g"));
}

TEST(Digest, Base64MatchesRfc4648) {
    const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(base64(bytes), text);
        EXPECT_EQ(unbase64(text), bytes);
        EXPECT_EQ(unbase64url(base64url(bytes)), bytes);
    }
    EXPECT_EQ(base64url("\xfb\xff"), "-_8");
}

TEST(Digest, Base64IsStrict) {
    for (const std::string text :
         {"Zg", "Zg=", "Zg===", "Z===", "Zh==", "Zm9v\n", "Zm9v Zm9v", "Zm=v", "-_8="})
        EXPECT_FALSE(unbase64(text)) << text;
    for (const std::string text : {"Zg==", "Z", "Zh", "+/8", "Zm9v."})
        EXPECT_FALSE(unbase64url(text)) << text;
}

TEST(Digest, SameDigest) {
    EXPECT_TRUE(same_digest("", ""));
    EXPECT_TRUE(same_digest("abc", "abc"));
    EXPECT_FALSE(same_digest("abc", "abd"));
    EXPECT_FALSE(same_digest("abc", "ab"));
}

}  // namespace
}  // namespace tocsin::runtime
