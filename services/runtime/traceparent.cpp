#include "runtime/traceparent.hpp"

#include "runtime/digest.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>

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

std::string new_traceparent() {
    std::array<unsigned char, 24> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
        throw std::runtime_error("no randomness");
    const std::string digits = hex({reinterpret_cast<const char*>(random.data()), random.size()});
    return fmt::format("00-{}-{}-01", digits.substr(0, 32), digits.substr(32));
}

}  // namespace tocsin::runtime
