#include "runtime/base/nearest.hpp"

#include <algorithm>

namespace tocsin::runtime {

// Swapped, missing, additional and wrong letters, each one.
static std::size_t distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t j = 0; j <= right.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= left.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t swapped = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, swapped});
        }
    }
    return row.back();
}

std::string nearest(std::string_view typed, const std::vector<std::string>& known) {
    std::string best;
    std::size_t least = std::max<std::size_t>(2, typed.size() / 3) + 1;
    for (const std::string& word : known) {
        // What is typed may be the beginning of a longer word.
        const bool begins = typed.size() > 1 && word.starts_with(typed);
        const std::size_t far = begins ? 1 : distance(word, typed);
        if (far >= least) continue;
        least = far;
        best = word;
    }
    return best;
}

}  // namespace tocsin::runtime
