// Bytes in which some places differ from copy to copy, each as long in every copy.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::bench {

// What is replaced: `needles` in the original, by as many texts of the same lengths in a copy.
using Needles = std::vector<std::string>;

class Pattern {
public:
    Pattern(std::string original, const Needles& needles);
    // `values[i]` takes the place of each `needles[i]`.
    std::string copy(const std::vector<std::string>& values) const;

private:
    struct Place {
        std::size_t at = 0;
        std::size_t needle = 0;
    };
    std::string original_;
    std::vector<Place> places_;
};

// `text` with its last 8 characters replaced by `number` in decimal digits.
std::string numbered(std::string_view text, std::int64_t number);

// The first bytes of a google.protobuf.Timestamp of this second; as long for all of 1979 to 3058.
std::string timestamp_prefix(std::int64_t seconds);

}  // namespace tocsin::bench
