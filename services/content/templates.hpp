// Drafts with gaps: `{{name}}` is filled with a value, in the manner of each language.
#pragma once

#include "content/content.hpp"

#include <expected>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {

using Values = std::map<std::string, std::string>;     // By name.
using LanguageValues = std::map<std::string, Values>;  // By language tag, then name.

// Longest value that `fill` puts in.
inline constexpr size_t value_bytes_max = 500;

// Names of the gaps in everything that a person reads, and in the link.
std::set<std::string> placeholders(const Draft& draft);

// Fills every gap once: what a value contains is never expanded again. A value of the text's own
// language outranks one for all; texts without a language take the first text's.
// The error is the sorted names without a usable value: none given, longer than the limit, not
// UTF-8, or with control characters.
std::expected<Draft, std::vector<std::string>> fill(const Draft& template_, const Values& values,
                                                    const LanguageValues& by_language = {});

// Values `value`, `threshold`, `unit`, `read_at`, `station` and `parameter` of a reading, as fr-CA
// and en-CA write them. Times are absolute, in the IANA zone given; UTC when it is unknown.
LanguageValues reading_values(const Evidence& evidence, std::string_view zone = "America/Edmonton");

}  // namespace tocsin::content
