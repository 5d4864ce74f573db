#include "publishing/credentials.hpp"

#include "content/channel.hpp"
#include "runtime/base/digest.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/host/sealed_file.hpp"
#include "runtime/http/http.hpp"
#include "runtime/production.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <utility>

namespace tocsin::publishing {

Credentials::Credentials(CredentialFiles files, CredentialRules rules)
    : files_(std::move(files)), rules_(std::move(rules)) {}

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

static std::expected<void, std::string> read_pair(const nlohmann::json& json,
                                                  Credential& credential) {
    auto certificate =
        read_certificate(text_at(json, "key", ""), text_at(json, "certificates", ""));
    if (!certificate) return std::unexpected(std::move(certificate.error()));
    credential.certificate = std::move(*certificate);
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
        case content::CredentialForm::certificate:
            return read_pair(json, credential);
    }
    return {};
}

std::expected<Credential, std::string> read_credential(const nlohmann::json& entry) {
    if (!entry.is_object()) return std::unexpected("is not a JSON object");
    Credential credential;
    credential.kind = text_at(entry, "kind", "");
    credential.realm = text_at(entry, "realm", "");
    credential.agency = text_at(entry, "agency", "");
    const content::ChannelKind* kind = content::find_kind(credential.kind);
    if (!kind || kind->traits.credential == content::CredentialForm::none)
        return std::unexpected(fmt::format("needs `kind`, one of {}", kinds_with_credential()));
    if (credential.realm.empty() || credential.agency.empty())
        return std::unexpected("needs `realm` and `agency`, its owner");
    if (kind->traits.address != content::Address::none) {
        auto origins = origins_at(entry);
        if (!origins) return std::unexpected(std::move(origins.error()));
        credential.origins = std::move(*origins);
    }
    if (auto good = read_secret(entry, kind->traits.credential, credential); !good)
        return std::unexpected(std::move(good.error()));
    return credential;
}

static std::expected<std::string, std::string> read_sealed(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(credentials_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad())
        return std::unexpected(fmt::format(
            "{} cannot be read: make it with `tocsin credential put`, or check its owner and mode",
            path));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > credentials_bytes_max)
        return std::unexpected(
            fmt::format("{} is longer than {} bytes", path, credentials_bytes_max));
    return text;
}

std::expected<nlohmann::json, std::string> read_credentials(const CredentialFiles& files,
                                                            const std::string& world) {
    const auto sealed = read_sealed(files.sealed);
    if (!sealed) return std::unexpected(sealed.error());
    const auto keys = runtime::SealingKeys::read(files.keys);
    if (!keys) return std::unexpected(keys.error());
    const auto plain = runtime::unseal(*sealed, world, *keys);
    if (!plain) return std::unexpected(fmt::format("{} {}", files.sealed, plain.error()));
    auto entries = nlohmann::json::parse(plain->text(), nullptr, false);
    if (!entries.is_object())
        return std::unexpected(fmt::format("{} holds no JSON object", files.sealed));
    return entries;
}

static std::unexpected<std::string> said(const std::string& name, const std::string& what) {
    return std::unexpected(fmt::format("The credential `{}` {}.", name, what));
}

std::expected<Credential, std::string> Credentials::load(const std::string& name,
                                                         const CredentialUse& use) {
    const bool sent = content::traits_of(use.kind).address != content::Address::none;
    const std::string origin = runtime::origin_of(use.url);
    if (sent && origin.empty())
        return said(name,
                    "is for an http or https URL with a host and nothing else before its path");
    if (origin.starts_with("http://") && (rules_.production || !rules_.allow_private_addresses))
        return said(name, "is never sent in plain text: give the channel an https URL");
    const std::lock_guard guard(mutex_);
    refresh();
    if (!opened_)
        return said(name, "cannot be read, as no credential can: the log of publishing says why");
    auto credential = entry(name, use);
    if (!credential) return credential;
    if (credential->kind != use.kind)
        return said(name, fmt::format("is not for the channel kind `{}`", use.kind));
    if (sent && std::ranges::find(credential->origins, origin) == credential->origins.end())
        return said(name, fmt::format("may not be sent to {}: add that to its origins, or correct "
                                      "the channel's URL",
                                      origin));
    return credential;
}

// Its owner, and that it exists at all, is shown to no other agency, nor what is wrong with it.
std::expected<Credential, std::string> Credentials::entry(const std::string& name,
                                                          const CredentialUse& use) const {
    const auto found = entries_.find(name);
    if (found != entries_.end() && found->second.realm == use.realm &&
        found->second.agency == use.agency)
        return found->second.credential;
    return said(name, fmt::format("does not exist for agency `{}` of realm `{}`, or cannot be "
                                  "used: store it (tocsin credential put), with its realm and "
                                  "agency; if it is there, the log says what is wrong with it",
                                  use.agency, use.realm));
}

std::string Credentials::problem() {
    const std::lock_guard guard(mutex_);
    refresh();
    return problem_;
}

std::map<std::pair<std::string, std::string>, runtime::Time> Credentials::certificates_end() {
    const std::lock_guard guard(mutex_);
    refresh();
    std::map<std::pair<std::string, std::string>, runtime::Time> ends;
    for (const auto& [name, entry] : entries_) {
        if (!entry.credential || entry.credential->certificate.chain.empty()) continue;
        const runtime::Time until = entry.credential->certificate.until;
        const auto [known, fresh] = ends.emplace(std::pair{entry.realm, entry.agency}, until);
        if (!fresh) known->second = std::min(known->second, until);
    }
    return ends;
}

std::string Credentials::unsafe() const {
    if (files_.sealed.empty() || files_.keys.empty())
        return "publishing-credentials-file and publishing-credentials-key-file are not set";
    if (!rules_.production) return {};
    for (const std::string& file : {files_.sealed, files_.keys})
        if (auto why = runtime::secret_problem(file); !why.empty()) return why;
    return {};
}

void Credentials::refresh() {
    // Before they are read: what changes meanwhile is read again next time.
    const Versions now{runtime::FileVersion::of(files_.sealed),
                       runtime::FileVersion::of(files_.keys)};
    const bool tried = opened_ || !problem_.empty();
    if (tried && tried_ == now) return;
    tried_ = now;
    problem_ = unsafe();
    auto json =
        problem_.empty() ? read_credentials(files_, rules_.world) : std::unexpected(problem_);
    if (!json) {
        problem_ = json.error();
        runtime::logs::error(
            "the credentials cannot be opened",
            {{"why", problem_}, {"kept", opened_ ? "the last good ones" : "none"}});
        return;
    }
    std::map<std::string, Entry> entries;
    for (const auto& [name, one] : json->items()) {
        auto credential = read_credential(one);
        if (credential && rules_.production && is_example(*credential))
            credential =
                std::unexpected("holds a secret that is an example: make one with openssl rand");
        auto [realm, agency] = owner_of(one);
        if (!credential) {
            runtime::logs::warn("a credential cannot be used",
                                {{"credential", name}, {"why", credential.error()}});
            credential = said(name, credential.error());
        }
        entries.emplace(name, Entry{std::move(realm), std::move(agency), std::move(credential)});
    }
    opened_ = true;
    entries_ = std::move(entries);
    runtime::logs::info("credentials opened", {{"credentials", entries_.size()}});
}

}  // namespace tocsin::publishing
