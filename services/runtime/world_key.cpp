#include "runtime/world_key.hpp"

#include "runtime/digest.hpp"

#include <fmt/format.h>

#include <cctype>
#include <fstream>

namespace tocsin::runtime {

static constexpr std::size_t key_bytes_min = 32;
static constexpr std::size_t file_bytes_max = 4096;

std::expected<std::string, std::string> read_world_key(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::unexpected(fmt::format("{} cannot be read", path));
    std::string text(file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    std::erase_if(text, [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
    auto key = text.size() > file_bytes_max ? std::nullopt : unhex(text);
    if (!key || key->size() < key_bytes_min)
        return std::unexpected(fmt::format(
            "{} must hold 64 or more hexadecimal digits; make them with openssl rand -hex 32",
            path));
    return std::move(*key);
}

}  // namespace tocsin::runtime
