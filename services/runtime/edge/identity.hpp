// Who calls: a bearer JWT (RFC 7519, compact JWS), verified against a JSON Web Key Set.
#pragma once

#include "runtime/base/generations.hpp"
#include "runtime/base/time.hpp"
#include "runtime/edge/jwk.hpp"
#include "runtime/host/config.hpp"

#include <algorithm>
#include <array>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tocsin::runtime {

// Of who runs the installation, for all its realms: by the token alone, no roster confirms it.
inline constexpr std::string_view operator_role = "operator";

// Every role that a token may name.
inline constexpr std::array<std::string_view, 7> known_roles{
    "author", "approver", "duty-officer", "analyst", "admin", "service", operator_role};

struct Caller {
    std::string actor;  // sub
    std::string realm;  // with `agency` empty only in the token of an operator
    std::string agency;
    std::vector<std::string> roles;
    // That the token names, once `roles` are those of them that the roster confirms.
    std::vector<std::string> claimed{};
    // When the token ends; a stream ends with it. Unset: it never does.
    std::optional<Time> expires_at{};

    bool has(std::string_view role) const {
        return std::find(roles.begin(), roles.end(), role) != roles.end();
    }
};

struct TokenOptions {
    std::string jwks;  // path, or http(s) URL
    std::string issuer;
    std::string audience;
    std::vector<std::string> algorithms{"ES256", "EdDSA"};  // that the issuer may sign with
    std::chrono::seconds leeway{30};
    std::chrono::milliseconds refresh{300'000};          // of a URL
    std::chrono::milliseconds unknown_key_wait{10'000};  // least time between fetches
    std::size_t known_max = 10'000;                      // tokens of one generation
};
TokenOptions verifier_options(const RuntimeConfig& config);

// By an algorithm of the options only, and only by a key of that type. A file is read again when it
// changes. A URL is asked again for an unknown key and when the set is older than `refresh`, in the
// background and never more often than `unknown_key_wait`, which doubles up to 16 times while it
// cannot be fetched: verify() never waits for it, and a caller with a brand-new key succeeds a
// moment later. What cannot be read or fetched leaves the old set in place. Thread-safe.
class TokenVerifier {
public:
    // Throws std::runtime_error when a file cannot be used; a URL may be away for now.
    explicit TokenVerifier(TokenOptions options);
    ~TokenVerifier();

    // `authorization` is the header's value. The error is one of token_missing, token_malformed,
    // token_expired, token_not_yet_valid, token_signature, token_issuer, token_audience,
    // token_key_unknown, token_claims.
    std::expected<Caller, std::string> verify(std::string_view authorization, Time now);

private:
    struct Key {
        Jwk jwk;
        std::int64_t set = 0;  // which it came with
    };
    struct Verified {
        Caller caller;
        Time not_before, expires_at;
        std::int64_t key_set = 0;
    };
    // All that costs time, without `mutex_`: who shows new tokens must not hold up all others.
    std::expected<Verified, std::string> check(std::string_view token, Time now);
    std::optional<Verified> find_known(const std::string& name);
    void keep(const std::string& name, Verified verified);
    std::optional<Key> find_key(const std::string& kid, const std::string& algorithm);
    bool is_url() const;
    void load(bool unknown_key);
    void load_file(bool unknown_key);
    // Empty: taken.
    std::string take(const std::string& json);
    void fetch_keys();

    TokenOptions options_;
    std::mutex mutex_;
    std::multimap<std::string, Key> keys_;
    std::int64_t file_stamp_ = 0;
    std::chrono::steady_clock::time_point next_load_{}, next_refresh_{};
    int failures_ = 0;  // of fetches, in a row
    // Counts the key sets that were taken: what was checked against an earlier one is not kept.
    std::int64_t key_set_ = 0;
    // Tokens that verified before: a signature check costs a tenth of a millisecond.
    Generations<Verified> known_{options_.known_max};
    bool fetching_ = false;
    std::jthread fetcher_;  // last: it ends before what it uses
};

}  // namespace tocsin::runtime
