// The world's keys: what every record is signed with, as a file of hexadecimal digits.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

// The keys that this process knows, the newest first. All of them open records; with which of them
// a partition signs is recorded in its ledger. Immutable; share it between threads.
class WorldKeys {
public:
    static constexpr std::size_t keys_max = 16;
    static constexpr std::size_t key_bytes_min = 32;
    static constexpr std::size_t id_bytes = 8;

    struct Key {
        std::string id;  // the first 8 bytes of the SHA-256 of its bytes, in hexadecimal
        std::string bytes;
    };

    // At least one; throws std::invalid_argument without any.
    explicit WorldKeys(const std::vector<std::string>& keys);

    // Id of the newest.
    const std::string& newest() const { return keys_.front().id; }
    bool has(std::string_view id) const;
    const std::vector<Key>& all() const { return keys_; }

private:
    std::vector<Key> keys_;
};

// One key per line, at least 32 bytes each, at most `keys_max`; the newest first. Empty lines and
// those that begin with # count for nothing. Otherwise why not, with the line at fault.
std::expected<WorldKeys, std::string> read_world_keys(const std::string& path);

}  // namespace tocsin::runtime
