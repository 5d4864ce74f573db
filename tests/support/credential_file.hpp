// Credentials as operators store them, for tests.
#pragma once

#include "publishing/credentials.hpp"
#include "runtime/host/sealed_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace tocsin {

// Of calgary in the realm bow, for `https://ID.example.org`, and for the same with `elsewhere`
// after the id. `secret` is a member of the object.
inline std::string credential_text(const std::string& kind, const std::string& id,
                                   const std::string& secret, const std::string& elsewhere = {}) {
    const std::string other = elsewhere.empty()
                                  ? elsewhere
                                  : fmt::format(R"(,"https://{}{}.example.org")", id, elsewhere);
    return fmt::format(R"({{"kind":"{}","realm":"bow","agency":"calgary",)"
                       R"("origins":["https://{}.example.org"{}],{}}})",
                       kind, id, other, secret);
}

inline const std::string webhook_secret = R"("secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])";
inline const std::string mastodon_secret = R"("token":"secret-token")";

// A sealed file of credentials in a folder of its own, which goes away with it.
class CredentialFile {
public:
    explicit CredentialFile(std::string world = "live") : world_(std::move(world)) {
        std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        write_keys("6b5d3ab2c41f7e8890c2a6d1e5f30b4797ac1e2d3c4b5a69788f0e1d2c3b4a59");
    }
    ~CredentialFile() { std::filesystem::remove_all(folder_); }
    CredentialFile(const CredentialFile&) = delete;
    CredentialFile& operator=(const CredentialFile&) = delete;

    publishing::CredentialFiles files() const { return {folder_ + "/sealed", folder_ + "/keys"}; }

    // `text`: the entry, as JSON or whatever a test takes for it.
    void put(const std::string& name, const std::string& text) {
        const auto entry = nlohmann::json::parse(text, nullptr, false);
        entries_[name] = entry.is_discarded() ? nlohmann::json(text) : entry;
        store();
    }
    void remove(const std::string& name) {
        entries_.erase(name);
        store();
    }
    void write_keys(const std::string& text) const { write(files().keys, text); }
    void store() const {
        const auto keys = runtime::SealingKeys::read(files().keys);
        write(files().sealed, runtime::seal(entries_.dump(), world_, *keys));
    }

private:
    // As the command line does it: another file each time.
    static void write(const std::string& path, const std::string& bytes) {
        std::ofstream(path + ".new", std::ios::binary) << bytes;
        std::filesystem::permissions(path + ".new", std::filesystem::perms{0600});
        std::filesystem::rename(path + ".new", path);
    }

    std::string world_;
    std::string folder_;
    nlohmann::json entries_ = nlohmann::json::object();
};

}  // namespace tocsin
