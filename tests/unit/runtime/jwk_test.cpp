#include "runtime/edge/jwk.hpp"
#include "runtime/host/config.hpp"

#include "runtime/base/digest.hpp"
#include "support/rsa_issuer.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tocsin::runtime {
namespace {

using nlohmann::json;

const std::vector<std::string> every{signature_algorithms.begin(), signature_algorithms.end()};

TEST(Jwk, Es256MatchesRfc7515) {
    // RFC 7515 appendix A.3.
    const auto keys = read_jwks(R"({"keys":[{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})",
                                every);
    ASSERT_TRUE(keys);
    const std::string text =
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    std::string signature = *unbase64url(
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    EXPECT_TRUE(verify_signature("ES256", (*keys)[0].key.get(), text, signature));
    EXPECT_FALSE(verify_signature("ES256", (*keys)[0].key.get(), text + "x", signature));
    signature[5] ^= 1;
    EXPECT_FALSE(verify_signature("ES256", (*keys)[0].key.get(), text, signature));
    EXPECT_FALSE(verify_signature("ES256", (*keys)[0].key.get(), text, std::string(64, '\0')));
    EXPECT_FALSE(verify_signature("ES256", (*keys)[0].key.get(), text, ""));
}

TEST(Jwk, EdDsaMatchesRfc8037) {
    // RFC 8037 appendix A.4.
    const auto keys = read_jwks(R"({"keys":[{"kty":"OKP","crv":"Ed25519",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
                                every);
    ASSERT_TRUE(keys);
    EXPECT_EQ((*keys)[0].algorithms, std::vector<std::string>{"EdDSA"});
    const std::string text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    std::string signature = *unbase64url(
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    EXPECT_TRUE(verify_signature("EdDSA", (*keys)[0].key.get(), text, signature));
    signature[5] ^= 1;
    EXPECT_FALSE(verify_signature("EdDSA", (*keys)[0].key.get(), text, signature));
}

// RFC 7515 appendix A.2: the key, what is signed, and its signature.
constexpr auto rsa_modulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4"
    "QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdb"
    "BYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-D"
    "WNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr auto rsa_signed =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvb"
    "S9pc19yb290Ijp0cnVlfQ";
constexpr auto rsa_signature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5ju"
    "jGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07"
    "Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipU"
    "TI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

std::expected<std::vector<Jwk>, std::string> read(const json& key) {
    return read_jwks(json{{"keys", {key}}}.dump(), every);
}

TEST(Jwk, Rs256MatchesRfc7515) {
    const auto keys = read({{"kty", "RSA"}, {"n", rsa_modulus}, {"e", "AQAB"}});
    ASSERT_TRUE(keys) << keys.error();
    EVP_PKEY* key = (*keys)[0].key.get();
    std::string signature = *unbase64url(rsa_signature);
    EXPECT_TRUE(verify_signature("RS256", key, rsa_signed, signature));
    EXPECT_FALSE(verify_signature("RS256", key, std::string(rsa_signed) + "x", signature));
    EXPECT_FALSE(verify_signature("RS256", key, rsa_signed, signature + std::string(1, '\0')));
    EXPECT_FALSE(verify_signature("RS256", key, rsa_signed, signature.substr(1)));
    EXPECT_FALSE(verify_signature("RS256", key, rsa_signed, ""));
    // One key, one signature: no other algorithm takes it.
    for (const char* other : {"PS256", "ES256", "EdDSA", "RS384", "HS256", "none", ""})
        EXPECT_FALSE(verify_signature(other, key, rsa_signed, signature)) << other;
    signature[5] ^= 1;
    EXPECT_FALSE(verify_signature("RS256", key, rsa_signed, signature));
}

TEST(Jwk, Ps256WantsASaltOfTheHashsLength) {
    const test::RsaIssuer issuer;
    const auto keys = read(issuer.jwk());
    ASSERT_TRUE(keys) << keys.error();
    EVP_PKEY* key = (*keys)[0].key.get();
    const std::string good = issuer.sign("PS256", "text");
    EXPECT_TRUE(verify_signature("PS256", key, "text", good));
    EXPECT_FALSE(verify_signature("RS256", key, "text", good));
    EXPECT_FALSE(verify_signature("PS256", key, "text", issuer.sign("PS256", "text", 0)));
    EXPECT_FALSE(verify_signature("PS256", key, "text", issuer.sign("PS256", "text", 20)));
    EXPECT_FALSE(verify_signature("PS256", key, "text", issuer.sign("RS256", "text")));
    EXPECT_FALSE(verify_signature("PS256", key, "other", good));
}

TEST(Jwk, KeysOfAnotherPurposeArePassedOver) {
    const json key{{"kty", "RSA"}, {"kid", "a"}, {"n", rsa_modulus}, {"e", "AQAB"}};
    const auto with = [&](const json& more) {
        json changed = key;
        changed.update(more);
        const auto keys = read(changed);
        return keys ? (*keys)[0].algorithms : std::vector<std::string>{};
    };
    using Names = std::vector<std::string>;
    EXPECT_EQ(with(json::object()), (Names{"RS256", "PS256"}));
    EXPECT_EQ(with({{"use", "sig"}, {"alg", "RS256"}}), Names{"RS256"});
    EXPECT_EQ(with({{"alg", "PS256"}}), Names{"PS256"});
    EXPECT_EQ(with({{"key_ops", {"sign", "verify"}}}), (Names{"RS256", "PS256"}));
    for (const json& other :
         {json{{"use", "enc"}}, json{{"use", ""}}, json{{"use", 1}}, json{{"use", "SIG"}},
          json{{"use", nullptr}}, json{{"key_ops", {"encrypt"}}}, json{{"key_ops", {"sign"}}},
          json{{"key_ops", json::array()}}, json{{"key_ops", "verify"}},
          json{{"use", "sig"}, {"key_ops", {"wrapKey"}}}, json{{"use", "enc"}, {"alg", "RS256"}},
          json{{"alg", "RSA-OAEP"}}, json{{"alg", "RS512"}}, json{{"alg", "ES256"}},
          json{{"alg", ""}}, json{{"alg", 256}}, json{{"kty", "rsa"}}})
        EXPECT_EQ(with(other), Names{}) << other;
    // Beside a good key they do no harm.
    json enc = key;
    enc.update({{"use", "enc"}, {"kid", "b"}});
    const auto keys = read_jwks(json{{"keys", {enc, key}}}.dump(), every);
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ((*keys)[0].kid, "a");
}

TEST(Jwk, AlgorithmsThatAreNotAllowedLeaveNoKey) {
    const std::vector<std::string> usual{"ES256", "EdDSA"};
    const json key{{"kty", "RSA"}, {"kid", "a"}, {"n", rsa_modulus}, {"e", "AQAB"}};
    const auto keys = read_jwks(json{{"keys", {key}}}.dump(), usual);
    ASSERT_FALSE(keys);
    EXPECT_NE(keys.error().find("a: no algorithm of it is among jwt-algorithms (ES256,EdDSA)"),
              std::string::npos)
        << keys.error();
}

TEST(Jwk, WeakRsaKeysAreRefused) {
    const auto why = [](const json& key) {
        const auto keys = read(key);
        return keys ? std::string() : keys.error();
    };
    for (const int bits : {512, 1024, 2040}) {
        const test::RsaIssuer issuer(bits);
        EXPECT_NE(why(issuer.jwk()).find("bits"), std::string::npos) << bits;
    }
    EXPECT_EQ(why(test::RsaIssuer(2048).jwk()), "");
    json key{{"kty", "RSA"}, {"n", rsa_modulus}, {"e", "AQAB"}};
    for (const char* exponent : {"AQ", "AA", "", "Ag", "AQAAAAAAAQ"}) {
        key["e"] = exponent;
        EXPECT_NE(why(key), "") << exponent;
    }
    key["e"] = "AQAB";
    std::string even = *unbase64url(rsa_modulus);
    even.back() = '\2';
    for (const std::string& modulus :
         {base64url(even), base64url(std::string(2, '\0') + even.substr(0, 100)),
          base64url(std::string(2000, '\xff')), std::string(), std::string("*")}) {
        key["n"] = modulus;
        EXPECT_NE(why(key), "") << modulus.substr(0, 40);
    }
}

TEST(Jwk, SetsThatCannotBeUsed) {
    for (const std::string text :
         {"", "{}", "[]", R"({"keys":[]})", R"({"keys":[1]})",
          R"({"keys":[{"kty":"oct","k":"AAAA"}]})", R"({"keys":[{"kty":"RSA","n":"AQAB"}]})",
          // A point that is not on the curve.
          R"({"keys":[{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",
              "y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}]})"})
        EXPECT_FALSE(read_jwks(text, every)) << text;
}

}  // namespace
}  // namespace tocsin::runtime
