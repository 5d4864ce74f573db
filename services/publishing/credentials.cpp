#include "publishing/credentials.hpp"

#include "content/channel.hpp"
#include "runtime/base/digest.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/http/http.hpp"
#include "runtime/production.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace tocsin::publishing {

Credentials::Credentials(std::string folder, CredentialRules rules)
    : folder_(std::move(folder)), rules_(std::move(rules)) {}

// The secret in the Standard Webhooks documentation, which people copy.
static constexpr std::string_view documented_secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw";

static bool is_example(const Credential& credential) {
    return std::ranges::any_of(credential.keys, [](const std::string& key) {
        return runtime::base64(key) == documented_secret || runtime::is_example_key(key);
    });
}

static std::string text_at(const nlohmann::json& json, const char* key, const char* otherwise) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

static std::expected<std::vector<std::string>, std::string> keys_at(const nlohmann::json& json) {
    std::vector<std::string> keys;
    const auto secrets = json.find("secrets");
    if (secrets == json.end() || !secrets->is_array() || secrets->empty())
        return std::unexpected("needs `secrets`, a list of `whsec_...` texts");
    for (const auto& secret : *secrets) {
        constexpr std::string_view prefix = "whsec_";
        const std::string text = secret.is_string() ? secret.get<std::string>() : std::string{};
        const auto key = text.starts_with(prefix)
                             ? runtime::unbase64(std::string_view(text).substr(prefix.size()))
                             : std::nullopt;
        if (!key || key->size() < 24 || key->size() > 64)
            return std::unexpected(
                "has a secret that is not `whsec_` followed by base64 of 24 to 64 bytes");
        keys.push_back(*key);
    }
    return keys;
}

static std::expected<std::vector<std::string>, std::string> origins_at(const nlohmann::json& json) {
    const auto found = json.find("origins");
    if (found == json.end() || !found->is_array() || found->empty() || found->size() > 32)
        return std::unexpected(
            "needs `origins`, a list of the servers that it may be sent to, such as "
            "https://social.example");
    std::vector<std::string> origins;
    for (const auto& one : *found) {
        const std::string text = one.is_string() ? one.get<std::string>() : std::string{};
        const std::string origin = runtime::origin_of(text);
        if (origin.empty() || text.find('/', text.find("://") + 3) != std::string::npos)
            return std::unexpected(
                "has an origin that is not a scheme and a host, such as https://social.example");
        origins.push_back(origin);
    }
    return origins;
}

// Realm and agency; empty where it names none.
static std::pair<std::string, std::string> owner_of(const nlohmann::json& json) {
    if (!json.is_object()) return {};
    return {text_at(json, "realm", ""), text_at(json, "agency", "")};
}

static std::string kinds_with_credential() {
    std::vector<std::string_view> names;
    for (const content::ChannelKind& kind : content::all_kinds())
        if (kind.traits.credential != content::CredentialForm::none) names.push_back(kind.kind);
    return fmt::format("{}", fmt::join(names, ", "));
}

static std::expected<void, std::string> read_keys(const nlohmann::json& json,
                                                  Credential& credential) {
    auto keys = keys_at(json);
    if (!keys) return std::unexpected(std::move(keys.error()));
    credential.keys = std::move(*keys);
    return {};
}

static std::expected<void, std::string> read_token(const nlohmann::json& json,
                                                   Credential& credential) {
    credential.token = text_at(json, "token", "");
    const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
    if (credential.token.empty() || !std::ranges::all_of(credential.token, printable))
        return std::unexpected("needs `token`, an access token without blanks");
    return {};
}

static std::expected<void, std::string> read_secret(const nlohmann::json& json,
                                                    content::CredentialForm form,
                                                    Credential& credential) {
    switch (form) {
        case content::CredentialForm::none:
            break;
        case content::CredentialForm::signing_keys:
            return read_keys(json, credential);
        case content::CredentialForm::token:
            return read_token(json, credential);
    }
    return {};
}

// The error is a sentence without any part of the text.
static std::expected<Credential, std::string> credential_of(const nlohmann::json& json,
                                                            const std::string& world) {
    if (!json.is_object()) return std::unexpected("is not a JSON object");
    Credential credential;
    credential.kind = text_at(json, "kind", "");
    credential.realm = text_at(json, "realm", "");
    credential.agency = text_at(json, "agency", "");
    const content::ChannelKind* kind = content::find_kind(credential.kind);
    if (!kind || kind->traits.credential == content::CredentialForm::none)
        return std::unexpected(fmt::format("needs `kind`, one of {}", kinds_with_credential()));
    if (credential.realm.empty() || credential.agency.empty())
        return std::unexpected("needs `realm` and `agency`, its owner");
    if (text_at(json, "world", "live") != world)
        return std::unexpected(fmt::format("does not belong to the {} world", world));
    auto origins = origins_at(json);
    if (!origins) return std::unexpected(std::move(origins.error()));
    credential.origins = std::move(*origins);
    if (auto good = read_secret(json, kind->traits.credential, credential); !good)
        return std::unexpected(std::move(good.error()));
    return credential;
}

static std::unexpected<std::string> said(const std::string& name, const std::string& what) {
    return std::unexpected(fmt::format("The credential file `{}` {}.", name, what));
}

std::expected<Credential, std::string> Credentials::load(const std::string& name,
                                                         const CredentialUse& use) {
    // The rule on names keeps them inside the folder; it is not the only thing that does.
    if (name.empty() || name.contains('/') || name.starts_with('.'))
        return said(name, "has a name that is not allowed");
    if (folder_.empty())
        return said(name,
                    "cannot be read: set publishing-credentials-dir to the folder that holds it");
    const std::string origin = runtime::origin_of(use.url);
    if (origin.empty())
        return said(name,
                    "is for an http or https URL with a host and nothing else before its path");
    if (origin.starts_with("http://") && (rules_.production || !rules_.allow_private_addresses))
        return said(name, "is never sent in plain text: give the channel an https URL");
    const std::lock_guard guard(mutex_);
    auto credential = read(name);
    // Its owner, and that it exists at all, is shown to no other agency.
    const auto absent = [&] {
        return said(name,
                    fmt::format("does not exist for agency `{}` of realm `{}`, or cannot be used: "
                                "put it into the credentials folder, with its realm and agency; if "
                                "it is there, the log says what is wrong with it",
                                use.agency, use.realm));
    };
    if (!credential) {
        const auto found = cache_.find(name);
        const bool theirs = found != cache_.end() && found->second.realm == use.realm &&
                            found->second.agency == use.agency;
        if (theirs) return credential;
        // Neither is what is wrong with it.
        if (!credential.error().empty())
            runtime::logs::warn("a credential cannot be used",
                                {{"credential", name}, {"why", credential.error()}});
        return absent();
    }
    if (credential->realm != use.realm || credential->agency != use.agency) return absent();
    if (credential->kind != use.kind)
        return said(name, fmt::format("is not for the channel kind `{}`", use.kind));
    if (std::ranges::find(credential->origins, origin) == credential->origins.end())
        return said(name, fmt::format("may not be sent to {}: add that to its origins, or correct "
                                      "the channel's URL",
                                      origin));
    return credential;
}

// Its owner, its mode and its content: whatever of a file is changed, its status is.
static bool is_same(const struct stat& before, const struct stat& now) {
    return before.st_dev == now.st_dev && before.st_ino == now.st_ino &&
           before.st_size == now.st_size && before.st_ctim.tv_sec == now.st_ctim.tv_sec &&
           before.st_ctim.tv_nsec == now.st_ctim.tv_nsec;
}

// An empty error: there is none of that name.
std::expected<Credential, std::string> Credentials::read(const std::string& name) {
    const std::string path = folder_ + "/" + name;
    struct stat status{};
    if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
        cache_.erase(name);
        return std::unexpected(std::string{});
    }
    const auto cached = cache_.find(name);
    if (cached != cache_.end() && is_same(cached->second.status, status))
        return cached->second.credential;
    constexpr off_t size_max = 65'536;
    std::ostringstream text;
    std::ifstream file(path, std::ios::binary);
    if (status.st_size <= size_max) text << file.rdbuf();
    if (!file || status.st_size > size_max) cache_.erase(name);
    if (!file || status.st_size > size_max)
        return said(name, "cannot be read: check its owner and mode");
    const auto json = nlohmann::json::parse(text.str(), nullptr, false);
    auto credential = credential_of(json, rules_.world);
    if (credential && rules_.production && is_example(*credential))
        credential = said(name, "holds a secret that is an example: make one with openssl rand");
    else if (rules_.production && (status.st_mode & S_IRWXO) != 0)
        credential = said(name, "is open to other users: set its mode to 0600");
    else if (!credential)
        credential = said(name, credential.error());
    auto [realm, agency] = owner_of(json);
    cache_.insert_or_assign(name, Cached{status, std::move(realm), std::move(agency), credential});
    return credential;
}

}  // namespace tocsin::publishing
