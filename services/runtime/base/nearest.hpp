// "Did you mean": the known word that a mistyped one is closest to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

// By edit distance; empty when none is close.
std::string nearest(std::string_view typed, const std::vector<std::string>& known);

}  // namespace tocsin::runtime
