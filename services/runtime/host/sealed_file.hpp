// Secrets at rest: a file that is sealed (XChaCha20-Poly1305 of libsodium) for one world, with a
// key from another file.
//   tocsin-sealed 1 WORLD KEY\n      KEY: which of the keys, see below
//   24 bytes of nonce, then the ciphertext
// The first line is sealed with the rest: a file of one world does not open in the other, whatever
// is written into that line, even where both have the same key.
#pragma once

#include "runtime/base/secret_bytes.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

// The newest first: it seals, and all of them open. In memory for as long as they are used.
class SealingKeys {
public:
    static constexpr std::size_t keys_max = 16;

    // One key of 64 hexadecimal digits a line; empty lines and those that begin with # count for
    // nothing. Otherwise why not; no part of a key is in that.
    static std::expected<SealingKeys, std::string> read(const std::string& path);

    // A key's id is the first 8 bytes of the SHA-256 of its bytes, in hexadecimal.
    const std::string& newest() const { return keys_.front().id; }
    // Null: there is none of that id.
    const SecretBytes* find(std::string_view id) const;

private:
    struct Key {
        std::string id;
        SecretBytes bytes;
    };
    std::vector<Key> keys_;
};

std::string seal(std::string_view plain, const std::string& world, const SealingKeys& keys);
// Otherwise why not: a sentence's end, after the name of the file.
std::expected<SecretBytes, std::string> unseal(std::string_view sealed, const std::string& world,
                                               const SealingKeys& keys);

// Where systemd put the credential `name` of this service (LoadCredential=); empty: nowhere.
std::string system_credential(const std::string& name);

}  // namespace tocsin::runtime
