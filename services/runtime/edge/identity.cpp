#include "runtime/edge/identity.hpp"

#include "runtime/base/digest.hpp"
#include "runtime/edge/json_text.hpp"
#include "runtime/host/logs.hpp"
#include "texts/letters.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace tocsin::runtime {

using nlohmann::json;

static constexpr std::size_t token_bytes_max = 8192;
static constexpr auto lifetime_max = std::chrono::hours(24);

TokenOptions verifier_options(const RuntimeConfig& config) {
    return {.jwks = config.jwks,
            .issuer = config.jwt_issuer,
            .audience = config.jwt_audience,
            .algorithms = config.algorithms(),
            .leeway = std::chrono::seconds(config.jwt_leeway_s),
            .refresh = std::chrono::seconds(config.jwks_refresh_s)};
}

TokenVerifier::TokenVerifier(TokenOptions options) : options_(std::move(options)) {
    load(true);
    // The first set is waited for, at most as long as a fetch may take.
    if (fetcher_.joinable()) fetcher_.join();
    if (!is_url() && keys_.empty())
        throw std::runtime_error(
            fmt::format("jwks {}: holds no key set that can be used", options_.jwks));
}
TokenVerifier::~TokenVerifier() = default;

bool TokenVerifier::is_url() const {
    return options_.jwks.starts_with("http://") || options_.jwks.starts_with("https://");
}

static std::optional<std::string> fetch(const std::string& url) {
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    std::string body;
    const auto write = +[](char* data, std::size_t, std::size_t size, void* into) -> std::size_t {
        auto& text = *static_cast<std::string*>(into);
        if (text.size() + size > (1U << 20)) return 0;
        text.append(data, size);
        return size;
    };
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, 2000L);
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    // Else http_proxy in the environment says who is asked for the keys that everything rests on.
    curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
    // Waits for no lookup beyond its time: neither does the end of the process.
    curl_easy_setopt(curl.get(), CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, write);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
    if (curl_easy_perform(curl.get()) != CURLE_OK) return std::nullopt;
    return body;
}

// Under mutex_, or before anybody else knows this object.
void TokenVerifier::load(bool unknown_key) {
    if (!is_url()) return load_file(unknown_key);
    const auto now = std::chrono::steady_clock::now();
    if (fetching_ || now < next_load_ || (!unknown_key && now < next_refresh_)) return;
    fetching_ = true;
    // A caller with an unknown key must not make all others wait for the network.
    fetcher_ = std::jthread([this] { fetch_keys(); });
}

void TokenVerifier::load_file(bool unknown_key) {
    const auto now = std::chrono::steady_clock::now();
    if (!unknown_key && now < next_load_) return;
    next_load_ = now + std::chrono::seconds(1);
    std::error_code error;
    const auto stamp = std::filesystem::last_write_time(options_.jwks, error);
    if (error || stamp.time_since_epoch().count() == file_stamp_) return;
    std::ifstream file(options_.jwks);
    std::stringstream text;
    text << file.rdbuf();
    file_stamp_ = stamp.time_since_epoch().count();
    take(text.str());
}

static constexpr int failures_max = 4;  // the wait is doubled that often

void TokenVerifier::fetch_keys() {
    const auto body = fetch(options_.jwks);
    const std::lock_guard guard(mutex_);
    if (!body)
        logs::warn("key set cannot be fetched; the old one stays",
                   {{"jwks", options_.jwks}, {"keys", keys_.size()}});
    const bool taken = body && take(*body).empty();
    failures_ = taken ? 0 : std::min(failures_ + 1, failures_max);
    const auto now = std::chrono::steady_clock::now();
    next_load_ = now + options_.unknown_key_wait * (1 << failures_);
    next_refresh_ = now + options_.refresh;
    if (!taken) next_refresh_ = std::min(next_refresh_, next_load_);
    fetching_ = false;
}

std::string TokenVerifier::take(const std::string& text) {
    auto keys = read_jwks(text, options_.algorithms);
    if (!keys) {
        logs::error("key set cannot be used; the old one stays",
                    {{"jwks", options_.jwks}, {"why", keys.error()}});
        return keys.error();
    }
    keys_.clear();
    known_.clear();
    ++key_set_;
    for (Jwk& key : *keys) {
        const std::string kid = key.kid;
        keys_.emplace(kid, Key{std::move(key), key_set_});
    }
    return {};
}

std::optional<TokenVerifier::Key> TokenVerifier::find_key(const std::string& kid,
                                                          const std::string& algorithm) {
    const std::lock_guard guard(mutex_);
    for (const bool unknown : {false, true}) {
        load(unknown);
        // Without a kid there must be no choice.
        if (kid.empty() && keys_.size() == 1 && keys_.begin()->second.jwk.may(algorithm))
            return keys_.begin()->second;
        const auto [begin, end] = keys_.equal_range(kid);
        for (auto key = begin; key != end; ++key)
            if (!kid.empty() && key->second.jwk.may(algorithm)) return key->second;
    }
    return std::nullopt;
}

static std::optional<std::int64_t> seconds_of(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number()) return std::nullopt;
    const double value = found->get<double>();
    if (!(value >= 0 && value < 1e12)) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

static std::expected<Caller, std::string> caller_of(const json& claims) {
    static const std::regex id("[a-z0-9][a-z0-9-]{0,63}");
    static const std::regex subject("[A-Za-z0-9@._:-]{1,128}");
    Caller caller{text_of(claims, "sub"), text_of(claims, "realm"), text_of(claims, "agency"), {}};
    const auto roles = claims.find("roles");
    if (!std::regex_match(caller.actor, subject) || roles == claims.end() || !roles->is_array())
        return std::unexpected("token_claims");
    // A person must never pass for a timer or an effect, whose commands carry such names.
    if (caller.actor.starts_with("service:")) return std::unexpected("token_claims");
    for (const json& role : *roles) {
        if (!role.is_string() ||
            std::ranges::find(known_roles, role.get<std::string>()) == known_roles.end())
            return std::unexpected("token_claims");
        caller.roles.push_back(role.get<std::string>());
    }
    // An operator belongs to the installation, and only on the side to a realm.
    const auto named = [&](const std::string& name) {
        return std::regex_match(name, id) || (name.empty() && caller.has(operator_role));
    };
    if (!named(caller.realm) || !named(caller.agency) ||
        caller.realm.empty() != caller.agency.empty())
        return std::unexpected("token_claims");
    return caller;
}

static bool names_audience(const json& claims, const std::string& audience) {
    const auto found = claims.find("aud");
    if (found == claims.end()) return false;
    if (found->is_string()) return found->get<std::string>() == audience;
    return found->is_array() && std::any_of(found->begin(), found->end(), [&](const json& one) {
               return one.is_string() && one.get<std::string>() == audience;
           });
}

std::expected<TokenVerifier::Verified, std::string> TokenVerifier::check(std::string_view token,
                                                                         Time now) {
    const auto first = token.find('.');
    const auto second = token.find('.', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos ||
        token.find('.', second + 1) != std::string_view::npos)
        return std::unexpected("token_malformed");
    const auto header_text = unbase64url(token.substr(0, first));
    const auto claims_text = unbase64url(token.substr(first + 1, second - first - 1));
    const auto signature = unbase64url(token.substr(second + 1));
    if (!header_text || !claims_text || !signature) return std::unexpected("token_malformed");
    const json header = json::parse(*header_text, nullptr, false);
    const json claims = json::parse(*claims_text, nullptr, false);
    if (!header.is_object() || !claims.is_object() || header.contains("crit"))
        return std::unexpected("token_malformed");
    const std::string algorithm = text_of(header, "alg");
    if (std::ranges::find(options_.algorithms, algorithm) == options_.algorithms.end())
        return std::unexpected("token_signature");
    const auto key = find_key(text_of(header, "kid"), algorithm);
    if (!key) return std::unexpected("token_key_unknown");
    if (!verify_signature(algorithm, key->jwk.key.get(), token.substr(0, second), *signature))
        return std::unexpected("token_signature");
    if (text_of(claims, "iss") != options_.issuer) return std::unexpected("token_issuer");
    if (!names_audience(claims, options_.audience)) return std::unexpected("token_audience");
    const auto expires = seconds_of(claims, "exp");
    if (!expires) return std::unexpected("token_claims");
    const auto issued = seconds_of(claims, "iat");
    const auto not_before = seconds_of(claims, "nbf");
    // A limit that cannot be read must not be taken for no limit.
    if ((claims.contains("iat") && !issued) || (claims.contains("nbf") && !not_before))
        return std::unexpected("token_claims");
    Verified verified{{}, Time{}, Time{std::chrono::seconds(*expires)}, key->set};
    verified.not_before =
        Time{std::chrono::seconds(std::max(issued.value_or(0), not_before.value_or(0)))};
    const Time begun = issued ? Time{std::chrono::seconds(*issued)} : now + options_.leeway;
    if (verified.expires_at - begun > lifetime_max) return std::unexpected("token_claims");
    auto caller = caller_of(claims);
    if (!caller) return std::unexpected(caller.error());
    verified.caller = std::move(*caller);
    if (now > verified.expires_at + options_.leeway) return std::unexpected("token_expired");
    return verified;
}

std::optional<TokenVerifier::Verified> TokenVerifier::find_known(const std::string& name) {
    const std::lock_guard guard(mutex_);
    load(false);
    const Verified* known = known_.use(name);
    return known ? std::optional{*known} : std::nullopt;
}

void TokenVerifier::keep(const std::string& name, Verified verified) {
    const std::lock_guard guard(mutex_);
    if (verified.key_set == key_set_) known_.keep(name, std::move(verified));
}

std::expected<Caller, std::string> TokenVerifier::verify(std::string_view authorization, Time now) {
    if (authorization.empty()) return std::unexpected("token_missing");
    // The name of a scheme has no case (RFC 9110 section 11.1).
    constexpr std::string_view scheme = "bearer ";
    if (texts::lower_case(authorization.substr(0, scheme.size())) != scheme ||
        authorization.size() > token_bytes_max)
        return std::unexpected("token_malformed");
    const std::string_view token = authorization.substr(scheme.size());
    const std::string name = sha256(token);
    auto known = find_known(name);
    if (!known) {
        auto verified = check(token, now);
        if (!verified) return std::unexpected(verified.error());
        keep(name, *verified);
        known = std::move(*verified);
    }
    if (now > known->expires_at + options_.leeway) return std::unexpected("token_expired");
    if (now + options_.leeway < known->not_before) return std::unexpected("token_not_yet_valid");
    known->caller.expires_at = known->expires_at + options_.leeway;
    return std::move(known->caller);
}

}  // namespace tocsin::runtime
