#include "bench/peers.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>

namespace tocsin::bench {

std::string needed(const char* variable, const char* meaning, const char* benchmark) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') return value;
    throw std::runtime_error(
        fmt::format("{} does not name {}; use ./dev bench {}", variable, meaning, benchmark));
}

}  // namespace tocsin::bench
