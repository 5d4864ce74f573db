#include "content/graphemes.hpp"

#include <fmt/format.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <algorithm>
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

// C0 but for tab and line ends, DEL and C1, and the two non-characters of XML 1.0.
bool forbidden(UChar32 c) {
    if (c == '\t' || c == '\n' || c == '\r') return false;
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xFFFE || c == 0xFFFF;
}

// The code point at `at`, which moves behind it; negative for bytes that are not UTF-8.
UChar32 next(std::string_view text, int32_t& at) {
    UChar32 c = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // Inside ICU's macro.
    U8_NEXT(text.data(), at, static_cast<int32_t>(text.size()), c);
#pragma GCC diagnostic pop
    return c;
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
        const UChar32 c = next(text, at);
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
        const UChar32 c = next(text, at);
        if (c < 0 || forbidden(c)) return false;
        if (c < 0x20 && allowed.find(static_cast<char>(c)) == std::string_view::npos) return false;
    }
    return true;
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
