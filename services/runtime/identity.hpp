// Who calls: a bearer JWT (RFC 7519, compact JWS), verified against a JSON Web Key Set.
#pragma once

#include "runtime/config.hpp"
#include "runtime/time.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tocsin::runtime {

struct Caller {
    std::string actor;  // sub
    std::string realm;
    std::string agency;
    std::vector<std::string> roles;

    bool has(std::string_view role) const {
        return std::find(roles.begin(), roles.end(), role) != roles.end();
    }
};

struct TokenOptions {
    std::string jwks;  // path, or http(s) URL
    std::string issuer;
    std::string audience;
    std::chrono::seconds leeway{30};
};
TokenOptions verifier_options(const RuntimeConfig& config);

// Algorithms ES256 and EdDSA (Ed25519) only. A file is read again when it changes; a URL is asked
// again for an unknown key, at most every 10 s, in the background: verify() never waits for it,
// and a caller with a brand-new key succeeds a moment later. Thread-safe.
class TokenVerifier {
public:
    explicit TokenVerifier(TokenOptions options);
    ~TokenVerifier();

    // `authorization` is the header's value. The error is one of token_missing, token_malformed,
    // token_expired, token_not_yet_valid, token_signature, token_issuer, token_audience,
    // token_key_unknown, token_claims.
    std::expected<Caller, std::string> verify(std::string_view authorization, Time now);

private:
    struct Key {
        std::string algorithm;
        std::shared_ptr<EVP_PKEY> key;
    };
    struct Verified {
        Caller caller;
        Time not_before, expires_at;
    };
    std::expected<Verified, std::string> check(std::string_view token, Time now);
    std::optional<Key> find_key(const std::string& kid, const std::string& algorithm);
    void load(bool unknown_key);
    void take(const std::string& json);
    void fetch_keys();

    TokenOptions options_;
    std::mutex mutex_;
    std::multimap<std::string, Key> keys_;
    std::int64_t file_stamp_ = 0;
    std::chrono::steady_clock::time_point next_load_{};
    // Tokens that verified before: a signature check costs a tenth of a millisecond.
    std::unordered_map<std::string, Verified> known_;
    bool fetching_ = false;
    std::jthread fetcher_;  // last: it ends before what it uses
};

}  // namespace tocsin::runtime
