#include "cli/options.hpp"

#include "cli/failure.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace tocsin::cli {

std::chrono::milliseconds duration_of(std::string_view text, std::string_view what) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    std::int64_t factor = 0;
    if (unit == "ms") factor = 1;
    if (unit == "s" || unit.empty()) factor = 1000;
    if (unit == "m") factor = 60'000;
    if (unit == "h") factor = 3'600'000;
    if (error != std::errc{} || factor == 0 || number <= 0 || number > 1'000'000)
        throw Failure(
            Exit::usage,
            fmt::format("{} {}: a time such as 500ms, 10s, 5m or 1h is expected", what, text));
    return std::chrono::milliseconds(number * factor);
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::string read_file(const std::string& path) {
    std::ostringstream text;
    if (path == "-") {
        text << std::cin.rdbuf();
        return text.str();
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Failure(Exit::usage, fmt::format("{}: cannot be read", path));
    text << file.rdbuf();
    return text.str();
}

}  // namespace tocsin::cli
