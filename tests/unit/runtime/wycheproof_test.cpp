// The vectors of project Wycheproof (third_party/wycheproof) against what verifies tokens.
#include "runtime/base/digest.hpp"
#include "runtime/edge/jwk.hpp"
#include "runtime/host/config.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace tocsin::runtime {
namespace {

struct Vector {
    std::string number, verdict, message, signature, comment;
};

struct Counts {
    int valid = 0, invalid = 0;

    bool operator==(const Counts&) const = default;
};

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, '\t');) cells.push_back(cell);
    cells.resize(std::max(cells.size(), std::size_t{5}));
    return cells;
}

std::shared_ptr<EVP_PKEY> key_of(const std::string& jwk, const std::string& algorithm) {
    const auto keys = read_jwks(R"({"keys":[)" + jwk + "]}", std::vector<std::string>{algorithm});
    EXPECT_TRUE(keys) << keys.error() << jwk;
    return keys ? keys->front().key : nullptr;
}

// Each vector of the file gets the verdict that stands there; how many of each there were.
Counts check(const std::string& algorithm, const std::string& name) {
    std::ifstream file(TOCSIN_SOURCE_DIR "/third_party/wycheproof/" + algorithm + "." + name +
                       ".tsv");
    Counts counts;
    std::shared_ptr<EVP_PKEY> key;
    for (std::string line; std::getline(file, line);) {
        const auto cells = cells_of(line);
        if (cells[0] == "key") {
            key = key_of(cells[1], algorithm);
            continue;
        }
        const auto message = unbase64url(cells[2]), signature = unbase64url(cells[3]);
        const bool valid = cells[1] == "valid";
        ++(valid ? counts.valid : counts.invalid);
        if (key == nullptr || !message || !signature) {
            ADD_FAILURE() << name << " " << line << ": cannot be read";
            continue;
        }
        EXPECT_EQ(verify_signature(algorithm, key.get(), *message, *signature), valid)
            << name << " " << cells[0] << ": " << cells[4];
        if (!valid) continue;
        // A key and a signature are for one algorithm.
        for (const std::string_view other : signature_algorithms)
            EXPECT_TRUE(other == algorithm ||
                        !verify_signature(std::string(other), key.get(), *message, *signature))
                << name << " " << cells[0] << " as " << other;
    }
    return counts;
}

TEST(Wycheproof, Es256) {
    EXPECT_EQ(check("ES256", "ecdsa_secp256r1_sha256_p1363"), (Counts{173, 89}));
}

TEST(Wycheproof, EdDsa) { EXPECT_EQ(check("EdDSA", "ed25519"), (Counts{88, 63})); }

TEST(Wycheproof, Rs256) {
    EXPECT_EQ(check("RS256", "rsa_signature_2048_sha256"), (Counts{9, 250}));
}

TEST(Wycheproof, Ps256) {
    EXPECT_EQ(check("PS256", "rsa_pss_2048_sha256_mgf1_32"), (Counts{63, 45}));
}

TEST(Wycheproof, Ps256WithAnotherSaltOrHashIsRefused) {
    const Counts salt = check("PS256", "rsa_pss_2048_sha256_mgf1_0");
    EXPECT_EQ(salt.valid, 0);
    EXPECT_GT(salt.invalid, 50);
    const Counts hash = check("PS256", "rsa_pss_2048_sha256_mgf1sha1_20");
    EXPECT_EQ(hash.valid, 0);
    EXPECT_GT(hash.invalid, 50);
}

}  // namespace
}  // namespace tocsin::runtime
