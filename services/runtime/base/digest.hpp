// SHA-256, HMAC-SHA-256 and the text forms of bytes. Pure; safe from any thread.
// A failing crypto library is not survivable: these throw std::runtime_error then.
#pragma once

#include <openssl/sha.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::runtime {

// 32 raw bytes.
std::string sha256(std::string_view data);
std::string hmac_sha256(std::string_view key, std::string_view data);

std::string hex(std::string_view bytes);
// Lower or upper case digits, an even number of them.
std::optional<std::string> unhex(std::string_view text);

// RFC 4648 section 4, padded. Decoding is strict: exactly what encoding would have written.
std::string base64(std::string_view bytes);
std::optional<std::string> unbase64(std::string_view text);
// RFC 4648 section 5, unpadded, equally strict.
std::string base64url(std::string_view bytes);
std::optional<std::string> unbase64url(std::string_view text);

// Takes the same time whatever the first differing byte is. Different lengths are simply not equal.
bool same_digest(std::string_view left, std::string_view right);

// Mac signs many records under one key, each as if it began with `context`. The two key blocks of
// HMAC and the context are hashed once, here, so that a short record costs two compressions instead
// of four, and the context nothing if its length is a multiple of 64. Immutable; share it between
// threads.
class Mac {
public:
    explicit Mac(std::string key, std::string_view context = {});
    std::string sign(std::string_view data) const;
    bool verify(std::string_view data, std::string_view mac) const;

private:
    void sign(std::string_view data, std::span<unsigned char, SHA256_DIGEST_LENGTH> mac) const;

    SHA256_CTX inner_;
    SHA256_CTX outer_;
};

}  // namespace tocsin::runtime
