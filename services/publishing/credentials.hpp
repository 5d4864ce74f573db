// Credentials of channels: one JSON file per name in a folder that only operators write.
//   {"kind": "webhook", "secrets": ["whsec_..."]}        several while a secret is being changed
//   {"kind": "mastodon", "token": "..."}
// and optionally "world" ("live" when left out): one of another world is never loaded.
// Nothing of a file is ever logged or put into an error text. Used on one thread.
#pragma once

#include <sys/stat.h>

#include <expected>
#include <map>
#include <string>
#include <vector>

namespace tocsin::publishing {

struct Credential {
    std::string kind;
    // Signing keys of a webhook, decoded; each signs.
    std::vector<std::string> keys;
    // Access token of an account.
    std::string token;
};

class Credentials {
public:
    // In production a secret out of the documentation, or one that others may read, is none.
    Credentials(std::string folder, std::string world, bool production = false);

    // Reads the file again when it changed. The error says what to do.
    std::expected<Credential, std::string> load(const std::string& name, const std::string& kind);

private:
    struct Cached {
        timespec changed{};
        off_t size = 0;
        std::expected<Credential, std::string> credential;
    };

    std::string folder_;
    std::string world_;
    bool production_;
    std::map<std::string, Cached> cache_;
};

// What the text of a credential file says; the error is a sentence without any part of the text.
std::expected<Credential, std::string> parse_credential(const std::string& text,
                                                        const std::string& kind,
                                                        const std::string& world);

}  // namespace tocsin::publishing
