// JSON Web Keys (RFC 7517) for ES256, RS256 and PS256 (RFC 7518 section 3) and EdDSA with Ed25519
// (RFC 8037), over OpenSSL. Written here because cjose knows no EdDSA.
#pragma once

#include <openssl/evp.h>

#include <algorithm>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

struct Jwk {
    std::string kid;
    std::vector<std::string> algorithms;  // at least one; of an RSA key there may be two
    std::shared_ptr<EVP_PKEY> key;

    bool may(std::string_view algorithm) const {
        return std::ranges::find(algorithms, algorithm) != algorithms.end();
    }
};

// The keys of a set that may verify a signature by one of `algorithms`. Passed over are keys of
// other types, those that their own `use`, `key_ops` or `alg` keeps from it, and RSA keys of fewer
// than 2048 bits. The error says what is wrong, and why each key was passed over when none is left.
std::expected<std::vector<Jwk>, std::string> read_jwks(const std::string& json,
                                                       std::span<const std::string> algorithms);

// False as well where `key` is not of the type that `algorithm` signs with.
bool verify_signature(const std::string& algorithm, EVP_PKEY* key, std::string_view signed_text,
                      std::string_view signature);

// For the development issuer: a new P-256 private key as PEM, its public set, and tokens by it.
// These throw std::runtime_error when the PEM is not such a key.
std::string make_issuer_key_pem();
std::string jwks_of_pem(const std::string& pem);
std::string issue_token(const std::string& pem, const std::string& claims_json);

}  // namespace tocsin::runtime
