#include "runtime/base/traceparent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <random>

namespace tocsin::runtime {

static bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char digit) {
        return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
    });
}

static bool is_id(std::string_view text) {
    return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

bool valid_traceparent(std::string_view text) {
    return text.size() == 55 && text.starts_with("00-") && text[35] == '-' && text[52] == '-' &&
           is_id(text.substr(3, 32)) && is_id(text.substr(36, 16)) && is_hex(text.substr(53));
}

// It may be guessable; all zeros are not an id.
std::string new_traceparent() {
    thread_local std::mt19937_64 random = [] {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device(), device(), device()};
        return std::mt19937_64(seed);
    }();
    const std::uint64_t high = random(), low = random() | 1, span = random() | 1;
    return fmt::format("00-{:016x}{:016x}-{:016x}-01", high, low, span);
}

}  // namespace tocsin::runtime
