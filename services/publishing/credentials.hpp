// Credentials of channels: one JSON file per name in a folder that only operators write.
//   {"kind": "webhook", "realm": "bow", "agency": "calgary", "origins": ["https://hooks.example"],
//    "secrets": ["whsec_..."]}                           several while a secret is being changed
//   {"kind": "mastodon", "realm": "bow", "agency": "calgary", "origins":
//   ["https://social.example"],
//    "token": "..."}
// and optionally "world" ("live" when left out). A credential has an owner: it is given only to a
// channel of that world, realm, agency and kind, whose URL is at one of its origins (RFC 6454:
// scheme, host and port). To anybody else it does not exist.
// Nothing of a file is ever logged or put into an error text.
#pragma once

#include <sys/stat.h>

#include <expected>
#include <map>
#include <mutex>
#include <string>
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

// Thread-safe.
class Credentials {
public:
    Credentials(std::string folder, CredentialRules rules);

    // Reads the file again when it changed. The error says what to do.
    std::expected<Credential, std::string> load(const std::string& name, const CredentialUse& use);

private:
    struct Cached {
        struct stat status{};
        std::string realm, agency;  // that it names, whatever else is wrong with it
        std::expected<Credential, std::string> credential;
    };
    std::expected<Credential, std::string> read(const std::string& name);

    std::string folder_;
    CredentialRules rules_;
    std::mutex mutex_;
    std::map<std::string, Cached> cache_;
};

}  // namespace tocsin::publishing
