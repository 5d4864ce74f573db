// Text that is too long for where it goes.
#pragma once

#include <cstddef>
#include <string_view>

namespace tocsin::texts {

// At most `bytes_max` bytes of UTF-8, never half a character.
inline std::string_view cut(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    // Bytes that go on with a character begin with the bits 10.
    while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80)
        --bytes_max;
    return text.substr(0, bytes_max);
}

}  // namespace tocsin::texts
