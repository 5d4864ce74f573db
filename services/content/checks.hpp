// Completeness and parity: what a draft must have before it may be submitted.
#pragma once

#include "content/content.hpp"
#include "content/finding.hpp"
#include "runtime/base/time.hpp"

#include <array>
#include <string_view>
#include <vector>

namespace tocsin::content {

using runtime::Time;

// Equals: a message speaks both, or does not go out.
inline constexpr std::array<std::string_view, 2> required_languages{"fr-CA", "en-CA"};

// Everything that is wrong with `draft` when submitted at `now` in `world` (`live` or `exercise`),
// in the order of its fields, and then what is wrong with the characters of any text.
std::vector<Finding> check(const Draft& draft, Time now, std::string_view world);

// Fixed values as long as they ever get, to see before approval whether every channel will do.
Fixed worst_case_fixed(bool retraction);
// Longest rendition with those that can be sent, whatever is fixed.
inline constexpr std::size_t worst_case_bytes_max = rendition_bytes_max - content_frame_bytes_max;

}  // namespace tocsin::content
