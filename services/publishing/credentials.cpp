#include "publishing/credentials.hpp"

#include "runtime/digest.hpp"
#include "runtime/production.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace tocsin::publishing {

Credentials::Credentials(std::string folder, std::string world, bool production)
    : folder_(std::move(folder)), world_(std::move(world)), production_(production) {}

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

std::expected<Credential, std::string> parse_credential(const std::string& text,
                                                        const std::string& kind,
                                                        const std::string& world) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return std::unexpected("is not a JSON object");
    if (text_at(json, "kind", "") != kind)
        return std::unexpected(fmt::format("is not for the channel kind {}", kind));
    if (text_at(json, "world", "live") != world)
        return std::unexpected(fmt::format("does not belong to the {} world", world));
    Credential credential;
    credential.kind = kind;
    if (kind == "webhook") {
        auto keys = keys_at(json);
        if (!keys) return std::unexpected(std::move(keys.error()));
        credential.keys = std::move(*keys);
        return credential;
    }
    credential.token = text_at(json, "token", "");
    const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
    if (credential.token.empty() || !std::ranges::all_of(credential.token, printable))
        return std::unexpected("needs `token`, an access token without blanks");
    return credential;
}

std::expected<Credential, std::string> Credentials::load(const std::string& name,
                                                         const std::string& kind) {
    const auto said = [&](const std::string& what) {
        return std::unexpected(fmt::format("The credential file {} {}.", name, what));
    };
    // The rule on names keeps them inside the folder; it is not the only thing that does.
    if (name.empty() || name.contains('/') || name.starts_with('.'))
        return said("has a name that is not allowed");
    if (folder_.empty())
        return said("can not be read: set publishing-credentials-dir to the folder that holds it");
    const std::string path = folder_ + "/" + name;
    struct stat status{};
    if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
        cache_.erase(name);
        return said("does not exist: put it into the credentials folder");
    }
    const auto cached = cache_.find(name);
    const bool same = cached != cache_.end() && cached->second.size == status.st_size &&
                      cached->second.changed.tv_sec == status.st_mtim.tv_sec &&
                      cached->second.changed.tv_nsec == status.st_mtim.tv_nsec;
    if (same && (!cached->second.credential || cached->second.credential->kind == kind))
        return cached->second.credential;
    constexpr off_t size_max = 65'536;
    std::ostringstream text;
    std::ifstream file(path, std::ios::binary);
    if (status.st_size <= size_max) text << file.rdbuf();
    if (!file || status.st_size > size_max)
        return said("can not be read: check its owner and mode");
    auto credential = parse_credential(text.str(), kind, world_);
    if (credential && production_ && is_example(*credential))
        credential = said("holds a secret that is an example: make one with openssl rand");
    else if (production_ && (status.st_mode & S_IRWXO) != 0)
        credential = said("is open to other users: set its mode to 0600");
    else if (!credential)
        credential = said(credential.error());
    cache_.insert_or_assign(name, Cached{status.st_mtim, status.st_size, credential});
    return credential;
}

}  // namespace tocsin::publishing
