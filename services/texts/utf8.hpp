// UTF-8 (RFC 3629): whether bytes are it, and how a code point is written in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::texts {

// Length of the sequence at the start of `text`, or 0 where it is none: too long a form, a
// surrogate, or above U+10FFFF.
inline std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t index) { return static_cast<std::uint8_t>(text[index]); };
    const auto follows = [&](std::size_t index, std::uint8_t low = 0x80, std::uint8_t high = 0xbf) {
        return index < text.size() && at(index) >= low && at(index) <= high;
    };
    if (text.empty()) return 0;
    const std::uint8_t first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const std::uint8_t low = first == 0xe0 ? 0xa0 : 0x80;
        const std::uint8_t high = first == 0xed ? 0x9f : 0xbf;
        return follows(1, low, high) && follows(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const std::uint8_t low = first == 0xf0 ? 0x90 : 0x80;
        const std::uint8_t high = first == 0xf4 ? 0x8f : 0xbf;
        return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

inline bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

// `point` is at most U+10FFFF.
inline void append_utf8(std::string& text, std::uint32_t point) {
    const auto push = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (point < 0x80) {
        push(point);
    } else if (point < 0x800) {
        push(0xc0 | (point >> 6));
        push(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        push(0xe0 | (point >> 12));
        push(0x80 | ((point >> 6) & 0x3f));
        push(0x80 | (point & 0x3f));
    } else {
        push(0xf0 | (point >> 18));
        push(0x80 | ((point >> 12) & 0x3f));
        push(0x80 | ((point >> 6) & 0x3f));
        push(0x80 | (point & 0x3f));
    }
}

}  // namespace tocsin::texts
