// The characters of a text, and whether a reader sees any of them.
#pragma once

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>
#include <string_view>

namespace tocsin::texts {

// The code point at `at`, which moves behind it; negative for bytes that are not UTF-8.
inline UChar32 next_character(std::string_view text, std::int32_t& at) {
    UChar32 point = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // Inside ICU's macro.
    U8_NEXT(text.data(), at, static_cast<std::int32_t>(text.size()), point);
#pragma GCC diagnostic pop
    return point;
}

// What Unicode wants fonts to show as nothing (zero-width characters, tags, fillers of Hangul),
// what only says how its neighbours are read, and the blank of Braille.
inline bool is_invisible(UChar32 point) {
    return u_hasBinaryProperty(point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
           u_hasBinaryProperty(point, UCHAR_BIDI_CONTROL) || point == 0x2028 || point == 0x2029 ||
           (point >= 0xFFF9 && point <= 0xFFFB) || point == 0x2800;
}

// Those, white space, controls, all of the category Cf, and a musical symbol that is blank by
// design.
inline bool is_blank(UChar32 point) {
    constexpr UChar32 musical_null_notehead = 0x1D159;
    return is_invisible(point) || u_isUWhiteSpace(point) || u_iscntrl(point) ||
           u_charType(point) == U_FORMAT_CHAR || point == musical_null_notehead;
}

// Whether at least one of its characters can be seen. A text that is not UTF-8 shows something.
inline bool is_visible(std::string_view text) {
    for (std::int32_t at = 0; at < static_cast<std::int32_t>(text.size());)
        if (const UChar32 point = next_character(text, at); point < 0 || !is_blank(point))
            return true;
    return false;
}

}  // namespace tocsin::texts
