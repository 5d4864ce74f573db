#include "content/graphemes.hpp"

#include "texts/visible.hpp"

#include <fmt/format.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace tocsin::content {
namespace {

std::vector<size_t> boundaries(UBreakIteratorType type, std::string_view text,
                               std::string_view language) {
    UErrorCode error = U_ZERO_ERROR;
    const std::unique_ptr<UText, decltype(&utext_close)> source{
        utext_openUTF8(nullptr, text.data(), static_cast<int64_t>(text.size()), &error),
        &utext_close};
    const std::unique_ptr<UBreakIterator, decltype(&ubrk_close)> iterator{
        ubrk_open(type, std::string{language}.c_str(), nullptr, 0, &error), &ubrk_close};
    if (U_SUCCESS(error)) ubrk_setUText(iterator.get(), source.get(), &error);
    if (U_FAILURE(error))
        throw std::runtime_error{fmt::format("text boundaries: {}", u_errorName(error))};
    std::vector<size_t> ends;
    for (int32_t end = ubrk_next(iterator.get()); end != UBRK_DONE; end = ubrk_next(iterator.get()))
        ends.push_back(static_cast<size_t>(end));
    return ends;
}

// C0 but for tab and line ends, DEL and C1, and the code points that Unicode never gives a meaning:
// XML 1.0 forbids two of them, and some JSON readers fail on others.
bool forbidden(UChar32 c) {
    if (c == '\t' || c == '\n' || c == '\r') return false;
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || U_IS_UNICODE_NONCHAR(c);
}

}  // namespace

int64_t grapheme_count(std::string_view text) {
    const bool plain = std::ranges::all_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\r'; });
    if (plain) return static_cast<int64_t>(text.size());
    return std::ssize(boundaries(UBRK_CHARACTER, text, ""));
}

std::vector<size_t> sentence_ends(std::string_view text, std::string_view language) {
    return boundaries(UBRK_SENTENCE, text, language);
}

std::string printable(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    const auto size = static_cast<int32_t>(text.size());
    for (int32_t at = 0; at < size;) {
        const int32_t start = at;
        const UChar32 c = texts::next_character(text, at);
        if (c < 0)
            clean += "\xEF\xBF\xBD";
        else if (forbidden(c))
            clean += ' ';
        else
            clean += text.substr(static_cast<size_t>(start), static_cast<size_t>(at - start));
    }
    return clean;
}

bool is_printable(std::string_view text, std::string_view allowed) {
    const auto size = static_cast<int32_t>(text.size());
    for (int32_t at = 0; at < size;) {
        const UChar32 c = texts::next_character(text, at);
        if (c < 0 || forbidden(c)) return false;
        if (c < 0x20 && allowed.find(static_cast<char>(c)) == std::string_view::npos) return false;
    }
    return true;
}

namespace {

bool is_pictograph(UChar32 c) {
    return u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC) ||
           u_hasBinaryProperty(c, UCHAR_EMOJI_MODIFIER);
}

// Whether its letters take other forms by a joiner or non-joiner beside them.
bool joins(UChar32 c) {
    static constexpr UScriptCode scripts[] = {
        USCRIPT_ARABIC,  USCRIPT_SYRIAC,   USCRIPT_NKO,       USCRIPT_MONGOLIAN, USCRIPT_DEVANAGARI,
        USCRIPT_BENGALI, USCRIPT_GURMUKHI, USCRIPT_GUJARATI,  USCRIPT_ORIYA,     USCRIPT_TAMIL,
        USCRIPT_TELUGU,  USCRIPT_KANNADA,  USCRIPT_MALAYALAM, USCRIPT_SINHALA,   USCRIPT_KHMER,
        USCRIPT_MYANMAR, USCRIPT_TIBETAN};
    UErrorCode error = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(c, &error);
    return U_SUCCESS(error) && std::ranges::find(scripts, script) != std::end(scripts);
}

bool is_right_to_left(UChar32 c) {
    const UCharDirection direction = u_charDirection(c);
    return direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC;
}

// Marks on a letter, which are seen with it.
bool is_mark(UChar32 c) { return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0; }

// Whether the invisible `c` belongs between what is seen on either side; 0 at an edge, and before
// one that follows another.
bool is_needed(UChar32 c, UChar32 before, UChar32 after) {
    constexpr UChar32 non_joiner = 0x200C, joiner = 0x200D;
    constexpr UChar32 left_to_right = 0x200E, right_to_left = 0x200F, arabic = 0x061C;
    if (before == 0) return false;
    if (u_hasBinaryProperty(c, UCHAR_VARIATION_SELECTOR)) return before > ' ';
    if (c == left_to_right || c == right_to_left || c == arabic)
        return is_right_to_left(before) || is_right_to_left(after);
    if (c != joiner && c != non_joiner) return false;
    if (c == joiner && is_pictograph(before) && is_pictograph(after)) return true;
    return joins(before) || joins(after);
}

// Behind the letters of a flag such as Scotland's: tags behind a black flag, ending in the cancel
// tag. Where there is none, `at`.
int32_t behind_flag(std::string_view text, int32_t at) {
    constexpr UChar32 cancel = 0xE007F;
    constexpr int letters_max = 6;
    int32_t ahead = at;
    for (int letters = 0; letters <= letters_max && ahead < static_cast<int32_t>(text.size());
         ++letters) {
        const UChar32 c = texts::next_character(text, ahead);
        if (c == cancel) return letters > 0 ? ahead : at;
        const bool letter = (c >= 0xE0030 && c <= 0xE0039) || (c >= 0xE0061 && c <= 0xE007A);
        if (!letter) return at;
    }
    return at;
}

// `use(c, begin, end)` for each that is not needed, until it returns false.
template <class Use>
void each_invisible(std::string_view text, Use&& use) {
    constexpr UChar32 black_flag = 0x1F3F4;
    const auto size = static_cast<int32_t>(text.size());
    UChar32 before = 0;
    for (int32_t at = 0; at < size;) {
        const int32_t begin = at;
        const UChar32 c = texts::next_character(text, at);
        if (c < 0 || !texts::is_invisible(c)) {
            if (c == black_flag) at = behind_flag(text, at);
            if (c < 0 || !is_mark(c)) before = c;
            continue;
        }
        int32_t ahead = at;
        const UChar32 after = at < size ? texts::next_character(text, ahead) : 0;
        const bool needed = is_needed(c, before, after);
        // One at a time: what follows it has nothing of its own to belong to. An emoji goes on
        // behind its variation selector.
        if (!(needed && u_hasBinaryProperty(c, UCHAR_VARIATION_SELECTOR) && is_pictograph(before) &&
              after == 0x200D))
            before = 0;
        if (!needed && !use(c, begin, at)) return;
    }
}

}  // namespace

std::optional<char32_t> invisible_character(std::string_view text) {
    std::optional<char32_t> first;
    each_invisible(text, [&](UChar32 c, int32_t, int32_t) {
        first = static_cast<char32_t>(c);
        return false;
    });
    return first;
}

std::optional<char32_t> meaningless_character(std::string_view text) {
    constexpr UChar32 object = 0xFFFC, replacement = 0xFFFD;
    const auto size = static_cast<int32_t>(text.size());
    for (int32_t at = 0; at < size;) {
        const UChar32 c = texts::next_character(text, at);
        const bool own = c >= 0 && u_charType(c) == U_PRIVATE_USE_CHAR;
        if (own || c == object || c == replacement) return static_cast<char32_t>(c);
    }
    return std::nullopt;
}

bool has_heaped_marks(std::string_view text) {
    constexpr int marks_max = 10;
    const auto size = static_cast<int32_t>(text.size());
    int marks = 0;
    for (int32_t at = 0; at < size;) {
        const UChar32 c = texts::next_character(text, at);
        marks = c >= 0 && is_mark(c) ? marks + 1 : 0;
        if (marks > marks_max) return true;
    }
    return false;
}

bool shows_nothing(std::string_view text) {
    const auto size = static_cast<int32_t>(text.size());
    for (int32_t at = 0; at < size;) {
        const UChar32 c = texts::next_character(text, at);
        if (c < 0 || !(u_isUWhiteSpace(c) || texts::is_invisible(c) || is_mark(c) || forbidden(c)))
            return false;
    }
    return true;
}

std::string without_invisible(std::string_view text) {
    std::string seen;
    std::size_t copied = 0;
    each_invisible(text, [&](UChar32, int32_t begin, int32_t end) {
        seen += text.substr(copied, static_cast<std::size_t>(begin) - copied);
        copied = static_cast<std::size_t>(end);
        return true;
    });
    seen += text.substr(copied);
    return seen;
}

std::string_view trim(std::string_view text) {
    // Non-breaking spaces too: a text of nothing but those is as empty to a reader.
    static constexpr std::string_view blanks[] = {" ",      "\t",     "\n",    "\r",
                                                  "\u00A0", "\u202F", "\u200B"};
    bool again = true;
    while (again) {
        again = false;
        for (const std::string_view blank : blanks) {
            if (text.starts_with(blank)) text.remove_prefix(blank.size()), again = true;
            if (text.ends_with(blank)) text.remove_suffix(blank.size()), again = true;
        }
    }
    return text;
}

}  // namespace tocsin::content
