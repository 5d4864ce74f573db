// The low-level SHA256_* calls are deprecated in OpenSSL 3 but are the only ones whose half-way
// state is a plain value: it is copied per record instead of allocated.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "runtime/base/digest.hpp"

#include <openssl/crypto.h>

#include <array>
#include <cstdint>
#include <stdexcept>

namespace tocsin::runtime {

namespace {

constexpr std::string_view standard_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void check(int succeeded) {
    if (succeeded != 1) throw std::runtime_error("SHA-256 failed in OpenSSL");
}

std::string finish(SHA256_CTX& context) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    check(SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &context));
    return digest;
}

std::string encode(std::string_view bytes, std::string_view alphabet) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    uint32_t buffer = 0;
    int bits = 0;
    for (const char byte : bytes) {
        buffer = buffer << 8 | static_cast<unsigned char>(byte);
        for (bits += 8; bits >= 6; bits -= 6) text += alphabet[buffer >> (bits - 6) & 63];
    }
    if (bits > 0) text += alphabet[buffer << (6 - bits) & 63];
    return text;
}

constexpr std::array<int8_t, 256> inverse(std::string_view alphabet) {
    std::array<int8_t, 256> values{};
    values.fill(-1);
    for (size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);
    return values;
}

constexpr auto standard_values = inverse(standard_alphabet);
constexpr auto url_values = inverse(url_alphabet);

std::optional<std::string> decode(std::string_view text, const std::array<int8_t, 256>& values) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    uint32_t buffer = 0;
    int bits = 0;
    for (const char character : text) {
        const int8_t value = values[static_cast<unsigned char>(character)];
        if (value < 0) return std::nullopt;
        buffer = buffer << 6 | static_cast<uint8_t>(value);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes += static_cast<char>(buffer >> bits & 255);
    }
    // Bits that no byte uses must be zero, else two texts would mean the same bytes.
    if ((buffer & ((1U << bits) - 1)) != 0) return std::nullopt;
    return bytes;
}

int digit(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

}  // namespace

std::string sha256(std::string_view data) {
    SHA256_CTX context;
    check(SHA256_Init(&context));
    check(SHA256_Update(&context, data.data(), data.size()));
    return finish(context);
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
    return Mac(std::string(key)).sign(data);
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        text += digits[static_cast<unsigned char>(byte) >> 4];
        text += digits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

std::optional<std::string> unhex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (size_t i = 0; i < text.size(); i += 2) {
        const int high = digit(text[i]);
        const int low = digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

std::string base64(std::string_view bytes) {
    std::string text = encode(bytes, standard_alphabet);
    while (text.size() % 4 != 0) text += '=';
    return text;
}

std::optional<std::string> unbase64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
    return decode(text, standard_values);
}

std::string base64url(std::string_view bytes) { return encode(bytes, url_alphabet); }

std::optional<std::string> unbase64url(std::string_view text) { return decode(text, url_values); }

bool same_digest(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

Mac::Mac(std::string key, std::string_view context) {
    if (key.size() > SHA256_CBLOCK) key = sha256(key);
    key.resize(SHA256_CBLOCK, '\0');
    std::string block(SHA256_CBLOCK, '\0');
    for (size_t i = 0; i < block.size(); ++i) block[i] = static_cast<char>(key[i] ^ 0x36);
    check(SHA256_Init(&inner_));
    check(SHA256_Update(&inner_, block.data(), block.size()));
    check(SHA256_Update(&inner_, context.data(), context.size()));
    for (size_t i = 0; i < block.size(); ++i) block[i] = static_cast<char>(key[i] ^ 0x5c);
    check(SHA256_Init(&outer_));
    check(SHA256_Update(&outer_, block.data(), block.size()));
    OPENSSL_cleanse(block.data(), block.size());
    OPENSSL_cleanse(key.data(), key.size());
}

void Mac::sign(std::string_view data, std::span<unsigned char, SHA256_DIGEST_LENGTH> mac) const {
    SHA256_CTX context = inner_;
    check(SHA256_Update(&context, data.data(), data.size()));
    check(SHA256_Final(mac.data(), &context));
    context = outer_;
    check(SHA256_Update(&context, mac.data(), mac.size()));
    check(SHA256_Final(mac.data(), &context));
}

std::string Mac::sign(std::string_view data) const {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> mac{};
    sign(data, mac);
    return {mac.begin(), mac.end()};
}

bool Mac::verify(std::string_view data, std::string_view mac) const {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> expected{};
    sign(data, expected);
    return same_digest({reinterpret_cast<const char*>(expected.data()), expected.size()}, mac);
}

}  // namespace tocsin::runtime
