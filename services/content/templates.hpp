// Drafts with gaps: `{{name}}` is filled with a value, in the manner of each language.
#pragma once

#include "content/content.hpp"
#include "runtime/base/time.hpp"

#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {

using Values = std::map<std::string, std::string>;     // By name.
using LanguageValues = std::map<std::string, Values>;  // By language tag, then name.

// Longest value that `fill` puts in.
inline constexpr size_t value_bytes_max = 500;
// Longest name of a gap.
inline constexpr size_t name_bytes_max = 64;

// Names of the gaps in every text, whatever field it is in.
std::set<std::string> placeholders(const Draft& draft);

// Where something stands in braces that readers would see as it is.
struct Gap {
    std::string field;  // such as areas[0].geocodes[0].value
    std::string words;  // such as {{station}}
};

// What a draft has of it, in the order of its fields, once in each; `{station}` counts as well: a
// brace was forgotten.
std::vector<Gap> gaps_left(const Draft& draft);

// The first in a template that no value could fill: not closed, nested, without a name, or in
// single braces.
std::optional<Gap> broken_gap(const Draft& template_);

// Fills every gap once: what a value contains is never expanded again. A value of the text's own
// language outranks one for all; texts without a language take the first text's. The texts are
// tidy then (texts/text_fields.hpp).
// The error is the sorted names without a usable value: none given, longer than the limit, not
// UTF-8, or with control characters.
std::expected<Draft, std::vector<std::string>> fill(const Draft& template_, const Values& values,
                                                    const LanguageValues& by_language = {});

// Values `value`, `exact_value`, `threshold`, `unit`, `read_at`, `station` and `parameter` of a
// reading, as fr-CA and en-CA write them. `value` is rounded for people (`about {{value}}`), by at
// most a twentieth of its distance to the threshold, hence never across or onto that; levels keep
// the provider's decimals. Codes have names. Times are absolute, in the IANA zone given, which
// exists (texts/names.hpp).
LanguageValues reading_values(const Evidence& evidence, std::string_view zone = "America/Edmonton");

// What a template makes of a reading: a draft that holds until `expires`, of `agency` where the
// template names none. The error is that of fill(): placeholders that a reading does not fill.
std::expected<Draft, std::vector<std::string>> draft_at(const Draft& template_,
                                                        const Evidence& reading,
                                                        std::string_view zone,
                                                        const std::string& agency,
                                                        runtime::Time expires);

// Whether what a rule crossed at is a crossing of this threshold as well: values that are high for
// a threshold are high for any lower one.
bool reaches(const Evidence& crossed, double threshold);

}  // namespace tocsin::content
