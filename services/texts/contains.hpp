// std::ranges::contains, which GCC 12 lacks.
#pragma once

#include <algorithm>
#include <string_view>

namespace tocsin::texts {

// Whether `item` is in a list of texts.
bool contains(const auto& list, std::string_view item) {
    return std::ranges::find(list, item) != std::ranges::end(list);
}

}  // namespace tocsin::texts
