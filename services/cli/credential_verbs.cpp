#include "cli/credential_verbs.hpp"

#include "cli/failure.hpp"
#include "cli/table.hpp"
#include "publishing/credentials.hpp"
#include "runtime/host/replaced_file.hpp"
#include "runtime/host/sealed_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace tocsin::cli {
namespace {

publishing::CredentialFiles files_of(const CredentialPlan& plan) {
    if (plan.file.empty())
        throw Failure(Exit::usage, "--file (or TOCSIN_PUBLISHING_CREDENTIALS_FILE) is required");
    const std::string keys = plan.key_file.empty()
                                 ? runtime::system_credential("tocsin-credentials-key")
                                 : plan.key_file;
    if (keys.empty())
        throw Failure(Exit::usage,
                      "--key-file (or TOCSIN_PUBLISHING_CREDENTIALS_KEY_FILE) is required");
    return {plan.file, keys};
}

// One writer at a time; the file itself is another one after each change.
class WriterLock {
public:
    explicit WriterLock(const std::string& path) {
        const std::string name = path + ".lock";
        file_ = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file_ < 0) throw Failure(Exit::failure, fmt::format("{}: cannot be written", name));
        if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
        close(file_);
        throw Failure(
            Exit::precondition,
            fmt::format("{}: another `tocsin credential` is changing it; try again", path));
    }
    ~WriterLock() { close(file_); }
    WriterLock(const WriterLock&) = delete;

private:
    int file_;
};

nlohmann::json entries_in(const publishing::CredentialFiles& files, const std::string& world) {
    auto entries = publishing::read_credentials(files, world);
    if (!entries) throw Failure(Exit::precondition, entries.error());
    return std::move(*entries);
}

void store(const publishing::CredentialFiles& files, const std::string& world,
           const nlohmann::json& entries) {
    const auto keys = runtime::SealingKeys::read(files.keys);
    if (!keys) throw Failure(Exit::usage, keys.error());
    std::string plain = entries.dump();
    const std::string sealed = runtime::seal(plain, world, *keys);
    sodium_memzero(plain.data(), plain.size());
    if (sealed.size() > publishing::credentials_bytes_max)
        throw Failure(Exit::usage, fmt::format("{}: would be longer than {} MiB", files.sealed,
                                               publishing::credentials_bytes_max >> 20));
    if (const auto why = runtime::replace_file(files.sealed, sealed, 0600); !why.empty())
        throw Failure(Exit::failure, why);
}

// As a channel may name it.
void check_name(const std::string& name) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    };
    const bool good = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, plain) &&
                      std::string_view("._-").find(name.front()) == std::string_view::npos;
    if (!good)
        throw Failure(Exit::usage, fmt::format("{}: is no name of a credential; small letters, "
                                               "digits, and . _ - after the first are",
                                               name));
}

}  // namespace

void put_credential(const Options& options, const CredentialPlan& plan) {
    check_name(plan.name);
    const auto files = files_of(plan);
    std::string text = read_file("-", publishing::credential_bytes_max);
    auto entry = nlohmann::json::parse(text, nullptr, false);
    sodium_memzero(text.data(), text.size());
    if (const auto good = publishing::read_credential(entry); !good)
        throw Failure(Exit::usage, fmt::format("{}: the entry {}", plan.name, good.error()));
    const WriterLock lock(files.sealed);
    auto entries = access(files.sealed.c_str(), F_OK) == 0 ? entries_in(files, options.world)
                                                           : nlohmann::json::object();
    entries[plan.name] = std::move(entry);
    store(files, options.world, entries);
}

void list_credentials(const Options& options, const CredentialPlan& plan) {
    Json rows = Json::array();
    const auto entries = entries_in(files_of(plan), options.world);
    for (const auto& [name, entry] : entries.items()) {
        const auto credential = publishing::read_credential(entry);
        if (!credential) {
            rows.push_back({{"name", name}, {"problem", credential.error()}});
            continue;
        }
        rows.push_back({{"name", name},
                        {"kind", credential->kind},
                        {"realm", credential->realm},
                        {"agency", credential->agency},
                        {"origins", credential->origins}});
    }
    if (options.json)
        std::cout << Json{{"world", options.world}, {"credentials", rows}}.dump(2) << "\n";
    else
        print_table(rows, {{"NAME", "name"},
                           {"KIND", "kind"},
                           {"REALM", "realm"},
                           {"AGENCY", "agency"},
                           {"ORIGINS", "origins"},
                           {"PROBLEM", "problem"}});
}

void remove_credential(const Options& options, const CredentialPlan& plan) {
    const auto files = files_of(plan);
    const WriterLock lock(files.sealed);
    auto entries = entries_in(files, options.world);
    if (entries.erase(plan.name) == 0)
        throw Failure(Exit::not_found, fmt::format("there is no credential `{}`", plan.name));
    store(files, options.world, entries);
}

void reseal_credentials(const Options& options, const CredentialPlan& plan) {
    const auto files = files_of(plan);
    const WriterLock lock(files.sealed);
    store(files, options.world, entries_in(files, options.world));
}

}  // namespace tocsin::cli
