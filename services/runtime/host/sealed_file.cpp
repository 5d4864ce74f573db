#include "runtime/host/sealed_file.hpp"

#include "runtime/base/digest.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace tocsin::runtime {

static constexpr std::size_t key_bytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
static constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
static constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static constexpr std::size_t key_file_bytes_max = 16'384;
static constexpr std::size_t first_line_bytes_max = 128;

static const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

static std::expected<SecretBytes, std::string> read_secret(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::unexpected(fmt::format("{} cannot be read", path));
    SecretBytes bytes(key_file_bytes_max + 1);
    std::size_t size = 0;
    ssize_t came = 1;
    while (size < bytes.size() &&
           (came = ::read(file, bytes.data() + size, bytes.size() - size)) > 0)
        size += static_cast<std::size_t>(came);
    close(file);
    if (came < 0) return std::unexpected(fmt::format("{} cannot be read", path));
    if (size > key_file_bytes_max)
        return std::unexpected(fmt::format("{} is longer than {} bytes; it is not a file of keys",
                                           path, key_file_bytes_max));
    bytes.shorten(size);
    return bytes;
}

static std::optional<SecretBytes> key_of(std::string_view line) {
    SecretBytes key(key_bytes);
    std::size_t size = 0;
    const char* end = nullptr;
    const bool good =
        sodium_hex2bin(key.data(), key.size(), line.data(), line.size(), nullptr, &size, &end) == 0;
    if (!good || size != key_bytes || end != line.data() + line.size()) return std::nullopt;
    return key;
}

std::expected<SealingKeys, std::string> SealingKeys::read(const std::string& path) {
    const auto file = read_secret(path);
    if (!file) return std::unexpected(file.error());
    SealingKeys keys;
    std::string_view text = file->text();
    for (int number = 1; !text.empty(); ++number) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const auto refused = [&](std::string_view why) {
            return std::unexpected(fmt::format("{}: line {} {}", path, number, why));
        };
        auto key = key_of(line);
        if (!key)
            return refused("must be 64 hexadecimal digits; make them with openssl rand -hex 32");
        std::string id = hex(sha256(key->text()).substr(0, 8));
        if (keys.find(id)) return refused("repeats a key that stands above it");
        if (keys.keys_.size() == keys_max)
            return refused(
                fmt::format("is one key too many; {} are the most, remove the oldest", keys_max));
        keys.keys_.push_back({std::move(id), std::move(*key)});
    }
    if (keys.keys_.empty())
        return std::unexpected(
            fmt::format("{} holds no key; make one with openssl rand -hex 32", path));
    return keys;
}

const SecretBytes* SealingKeys::find(std::string_view id) const {
    const auto found = std::ranges::find(keys_, id, &Key::id);
    return found == keys_.end() ? nullptr : &found->bytes;
}

static std::string first_line(const std::string& world, std::string_view key) {
    return fmt::format("tocsin-sealed 1 {} {}\n", world, key);
}

std::string seal(std::string_view plain, const std::string& world, const SealingKeys& keys) {
    const std::string line = first_line(world, keys.newest());
    std::string nonce(nonce_bytes, '\0');
    randombytes_buf(nonce.data(), nonce.size());
    std::string sealed(plain.size() + tag_bytes, '\0');
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        reinterpret_cast<unsigned char*>(sealed.data()), nullptr, bytes_of(plain), plain.size(),
        bytes_of(line), line.size(), nullptr, bytes_of(nonce), keys.find(keys.newest())->data());
    return line + nonce + sealed;
}

std::expected<SecretBytes, std::string> unseal(std::string_view sealed, const std::string& world,
                                               const SealingKeys& keys) {
    const auto line_size = sealed.substr(0, first_line_bytes_max).find('\n') + 1;
    const std::string_view line = sealed.substr(0, line_size);
    const std::string_view rest = sealed.substr(line_size);
    const std::string_view id = line_size < 18 ? line : line.substr(line_size - 17, 16);
    if (!line.starts_with("tocsin-sealed 1 ") || rest.size() < nonce_bytes + tag_bytes)
        return std::unexpected("is no file that `tocsin credential put` wrote");
    if (line != first_line(world, id))
        return std::unexpected(fmt::format("does not belong to the {} world", world));
    const SecretBytes* key = keys.find(id);
    if (!key)
        return std::unexpected(fmt::format(
            "is sealed with the key {}, which the key file does not hold: add that key to it", id));
    SecretBytes plain(rest.size() - nonce_bytes - tag_bytes);
    const std::string_view text = rest.substr(nonce_bytes);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, bytes_of(text),
                                                   text.size(), bytes_of(line), line.size(),
                                                   bytes_of(rest), key->data()) != 0)
        return std::unexpected(
            "was changed since it was sealed, or its first line was: put the last good one back");
    return plain;
}

std::string system_credential(const std::string& name) {
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr || *folder == '\0') return {};
    const std::string path = fmt::format("{}/{}", folder, name);
    return access(path.c_str(), F_OK) == 0 ? path : std::string{};
}

}  // namespace tocsin::runtime
