#include "runtime/ledger/world_key.hpp"

#include "runtime/base/digest.hpp"
#include "texts/trimmed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace tocsin::runtime {

static constexpr std::size_t file_bytes_max = 16'384;

WorldKeys::WorldKeys(const std::vector<std::string>& keys) {
    if (keys.empty()) throw std::invalid_argument("a world has at least one key");
    for (const std::string& bytes : keys)
        keys_.push_back({hex(sha256(bytes).substr(0, id_bytes)), bytes});
}

bool WorldKeys::has(std::string_view id) const {
    return std::ranges::any_of(keys_, [&](const Key& key) { return key.id == id; });
}

static std::expected<std::vector<std::string>, std::string> parse(std::string_view text) {
    std::vector<std::string> keys;
    for (int number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        const std::string_view line = texts::trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        const auto refused = [&](std::string_view why) {
            return std::unexpected(fmt::format("line {} {}", number, why));
        };
        auto key = unhex(line);
        if (!key || key->size() < WorldKeys::key_bytes_min)
            return refused(
                "must be 64 or more hexadecimal digits; make them with openssl rand -hex 32");
        if (std::ranges::find(keys, *key) != keys.end())
            return refused("repeats a key that stands above it");
        if (keys.size() == WorldKeys::keys_max)
            return refused(fmt::format("is one key too many; {} are the most, remove the oldest",
                                       WorldKeys::keys_max));
        keys.push_back(std::move(*key));
    }
    if (keys.empty()) return std::unexpected("holds no key; make one with openssl rand -hex 32");
    return keys;
}

std::expected<WorldKeys, std::string> read_world_keys(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::unexpected(fmt::format("{} cannot be read", path));
    std::string text(file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > file_bytes_max)
        return std::unexpected(fmt::format("{} is longer than {} bytes; it is not a file of keys",
                                           path, file_bytes_max));
    const auto keys = parse(text);
    if (!keys) return std::unexpected(fmt::format("{}: {}", path, keys.error()));
    return WorldKeys(*keys);
}

}  // namespace tocsin::runtime
