// Where characters, as a reader sees them, and sentences begin and end in UTF-8 text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {

// Extended grapheme clusters: `é` is one however it is composed, and so is a flag.
int64_t grapheme_count(std::string_view text);

// Offsets just behind each sentence, in order, the last being the end of the text.
std::vector<size_t> sentence_ends(std::string_view text, std::string_view language);

// `text` without control characters (but tab and line ends) and non-characters: those become a
// space, and bytes that are not UTF-8 become U+FFFD. XML 1.0 can hold the rest.
std::string printable(std::string_view text);

// Whether `text` is UTF-8 and without control characters, but for `allowed`, and non-characters.
bool is_printable(std::string_view text, std::string_view allowed = "");

// The first character that no reader sees or that reorders others, such as a zero-width space or a
// bidirectional mark, unless what stands beside it needs it: in an emoji, or between letters of a
// script that joins them. Nothing: there is none.
std::optional<char32_t> invisible_character(std::string_view text);
// `text` without them.
std::string without_invisible(std::string_view text);

// The first character that stands for nothing that readers have in common: of private use, or the
// stand-in for an object, or for what was lost, as when bytes were read in a wrong encoding.
std::optional<char32_t> meaningless_character(std::string_view text);

// Whether some letter has more marks than any script's (10): they run over the lines around it.
bool has_heaped_marks(std::string_view text);

// Whether a reader sees nothing: blanks, invisible characters, and marks without a letter.
bool shows_nothing(std::string_view text);

std::string_view trim(std::string_view text);

}  // namespace tocsin::content
