// Credentials of channels: one file for the world, sealed for it (runtime/host/sealed_file.hpp),
// which only operators write (`tocsin credential put`). Opened, it is a JSON object of entries by
// name:
//   {"kind": "webhook", "realm": "bow", "agency": "calgary", "origins": ["https://hooks.example"],
//    "secrets": ["whsec_..."]}                           several while a secret is being changed
//   {"kind": "mastodon", "realm": "bow", "agency": "calgary", "origins":
//   ["https://social.example"],
//    "token": "..."}
//   {"kind": "feed", "realm": "bow", "agency": "calgary", "key": "-----BEGIN PRIVATE KEY-----...",
//    "certificates": "-----BEGIN CERTIFICATE-----..."}    its own first, then who issued it
// A credential has an owner: it is given only to a channel of that realm, agency and kind, whose
// URL is at one of its origins (RFC 6454: scheme, host and port); one of a kind without URLs has no
// origins, and is sent nowhere. To anybody else it does not exist. Nothing of an entry is ever
// logged or put into an error text.
#pragma once

#include "publishing/xml_signature.hpp"
#include "runtime/base/secret_bytes.hpp"
#include "runtime/host/file_version.hpp"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::publishing {

struct Credential {
    std::string kind;
    std::string realm;
    std::string agency;
    std::vector<std::string> origins;  // as runtime::origin_of() says them
    // Signing keys of a webhook, decoded; each signs.
    std::vector<std::string> keys;
    // Access token of an account.
    std::string token;
    // By which alerts are signed.
    Certificate certificate;
};

// Who wants it, and for where.
struct CredentialUse {
    std::string kind;
    std::string realm;
    std::string agency;
    std::string url;
};

struct CredentialRules {
    std::string world = "live";
    // A secret out of the documentation, or one that others may read, is none; nor is it ever sent
    // in plain text.
    bool production = false;
    // Tests alone: channels on this machine, which http:// is allowed for.
    bool allow_private_addresses = false;
};

struct CredentialFiles {
    std::string sealed;
    std::string keys;
};

inline constexpr std::size_t credential_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t credentials_bytes_max = std::size_t{4} << 20;

// One entry, read; the error is the end of a sentence about it, without any part of its text.
std::expected<Credential, std::string> read_credential(const nlohmann::json& entry);
// The entries of the sealed file; the error is a sentence.
std::expected<nlohmann::json, std::string> read_credentials(const CredentialFiles& files,
                                                            const std::string& world);

// Thread-safe.
class Credentials {
public:
    Credentials(CredentialFiles files, CredentialRules rules);

    // Opens the file again when it or the key file changed, and goes by the last good one while
    // that fails. The error says what to do.
    std::expected<Credential, std::string> load(const std::string& name, const CredentialUse& use);
    // The same without an entry: why the file as it is now cannot be opened; empty when it can.
    std::string problem();
    // When the first certificate of each owner, a realm and an agency, runs out.
    std::map<std::pair<std::string, std::string>, runtime::Time> certificates_end();

private:
    struct Entry {
        std::string realm, agency;  // that it names, whatever else is wrong with it
        std::expected<Credential, std::string> credential;
    };
    using Versions = std::array<runtime::FileVersion, 2>;
    void refresh();
    std::string unsafe() const;
    std::expected<Credential, std::string> entry(const std::string& name,
                                                 const CredentialUse& use) const;

    CredentialFiles files_;
    CredentialRules rules_;
    std::mutex mutex_;
    Versions tried_;
    bool opened_ = false;  // once, whatever came later
    std::string problem_;
    std::map<std::string, Entry> entries_;
};

}  // namespace tocsin::publishing
