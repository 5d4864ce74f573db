#include "runtime/base/ids.hpp"

#include "runtime/base/digest.hpp"

#include <sys/random.h>

#include <algorithm>
#include <stdexcept>

namespace tocsin::runtime {

namespace {

constexpr std::array<size_t, 4> hyphens = {8, 13, 18, 23};

bool is_hyphen(size_t position) {
    return std::find(hyphens.begin(), hyphens.end(), position) != hyphens.end();
}

}  // namespace

std::string uuid_v7(Time now, const UuidRandomness& random) {
    const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch();
    const auto milliseconds = static_cast<uint64_t>(since_epoch.count());
    std::string bytes(16, '\0');
    for (size_t i = 0; i < 6; ++i) bytes[i] = static_cast<char>(milliseconds >> (40 - 8 * i));
    for (size_t i = 0; i < random.size(); ++i) bytes[6 + i] = static_cast<char>(random[i]);
    bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x70);  // version 7
    bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // variant of RFC 9562
    std::string text = hex(bytes);
    for (const size_t position : hyphens) text.insert(position, 1, '-');
    return text;
}

std::optional<Time> uuid_v7_time(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    std::string digits;
    for (size_t i = 0; i < text.size(); ++i) {
        if (is_hyphen(i) != (text[i] == '-')) return std::nullopt;
        if (text[i] != '-') digits += text[i];
    }
    const auto bytes = unhex(digits);
    if (!bytes) return std::nullopt;
    const auto at = [&](size_t i) { return static_cast<unsigned char>((*bytes)[i]); };
    if (at(6) >> 4 != 7 || at(8) >> 6 != 2) return std::nullopt;
    int64_t milliseconds = 0;
    for (size_t i = 0; i < 6; ++i) milliseconds = milliseconds << 8 | at(i);
    return Time{std::chrono::milliseconds{milliseconds}};
}

std::string new_uuid_v7() {
    UuidRandomness random;
    if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
        throw std::runtime_error("the kernel gave no randomness");
    const auto now = std::chrono::system_clock::now();
    return uuid_v7(std::chrono::floor<Duration>(now), random);
}

std::string derive_id(std::string_view prefix, std::initializer_list<std::string_view> parts) {
    std::string input;
    for (const std::string_view part : parts) {
        for (int shift = 56; shift >= 0; shift -= 8)
            input += static_cast<char>(static_cast<uint64_t>(part.size()) >> shift);
        input += part;
    }
    constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    constexpr size_t characters = 20;
    std::string id(prefix);
    id += '-';
    uint32_t buffer = 0;
    int bits = 0;
    for (const char byte : sha256(input)) {
        buffer = buffer << 8 | static_cast<unsigned char>(byte);
        for (bits += 8; bits >= 5; bits -= 5) {
            id += alphabet[buffer >> (bits - 5) & 31];
            if (id.size() == prefix.size() + 1 + characters) return id;
        }
    }
    return id;
}

}  // namespace tocsin::runtime
