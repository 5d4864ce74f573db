// Whether a text is one, and whether a reader sees anything of it.
#pragma once

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>
#include <string_view>

namespace tocsin::texts {

// Whether it is UTF-8, and `wanted(code point)` holds for each of its characters.
template <class Wanted>
bool all_characters(std::string_view text, Wanted wanted) {
    const auto size = static_cast<std::int32_t>(text.size());
    for (std::int32_t at = 0; at < size;) {
        UChar32 point = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // Inside ICU's macro.
        U8_NEXT(text.data(), at, size, point);
#pragma GCC diagnostic pop
        if (point < 0 || !wanted(point)) return false;
    }
    return true;
}

inline bool is_utf8(std::string_view text) {
    return all_characters(text, [](UChar32) { return true; });
}

// White space, controls, what Unicode wants fonts to show as nothing (zero-width characters, tags,
// fillers of Hangul), and two symbols that are blank by design.
inline bool is_blank(UChar32 point) {
    constexpr UChar32 braille_blank = 0x2800;
    constexpr UChar32 musical_null_notehead = 0x1D159;
    return u_isUWhiteSpace(point) != 0 || u_iscntrl(point) != 0 ||
           u_charType(point) == U_FORMAT_CHAR ||
           u_hasBinaryProperty(point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0 ||
           point == braille_blank || point == musical_null_notehead;
}

// Whether at least one of its characters can be seen. A text that is not UTF-8 shows something.
inline bool is_visible(std::string_view text) { return !all_characters(text, is_blank); }

}  // namespace tocsin::texts
