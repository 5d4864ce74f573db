// JSON Web Keys (RFC 7517) for ES256 (RFC 7518 section 3.4) and EdDSA with Ed25519 (RFC 8037), over
// OpenSSL. Written here because cjose knows no EdDSA.
#pragma once

#include <openssl/evp.h>

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

struct Jwk {
    std::string kid;
    std::string algorithm;  // ES256 or EdDSA
    std::shared_ptr<EVP_PKEY> key;
};

// The usable public keys of a set; keys of other types are passed over. The error says what is
// wrong.
std::expected<std::vector<Jwk>, std::string> read_jwks(const std::string& json);

bool verify_signature(const std::string& algorithm, EVP_PKEY* key, std::string_view signed_text,
                      std::string_view signature);

// For the development issuer: a new P-256 private key as PEM, its public set, and tokens by it.
// These throw std::runtime_error when the PEM is not such a key.
std::string make_issuer_key_pem();
std::string jwks_of_pem(const std::string& pem);
std::string issue_token(const std::string& pem, const std::string& claims_json);

}  // namespace tocsin::runtime
