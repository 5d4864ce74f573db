#include "cli/options.hpp"

#include "cli/failure.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

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

// Piece by piece, since a device has no size and no end.
static std::string read_stream(std::istream& stream, const std::string& name,
                               std::size_t bytes_max) {
    std::string text;
    std::array<char, std::size_t{16} << 10> piece{};
    while (stream.read(piece.data(), piece.size()) || stream.gcount() > 0) {
        text.append(piece.data(), static_cast<std::size_t>(stream.gcount()));
        if (text.size() > bytes_max)
            throw Failure(Exit::usage,
                          fmt::format("{}: has more than {} KiB, the most that is read", name,
                                      bytes_max >> 10));
    }
    if (stream.bad()) throw Failure(Exit::usage, fmt::format("{}: cannot be read", name));
    return text;
}

std::string read_file(const std::string& path, std::size_t bytes_max) {
    if (path == "-") return read_stream(std::cin, "standard input", bytes_max);
    std::error_code unknown;
    if (std::filesystem::is_directory(path, unknown))
        throw Failure(Exit::usage, fmt::format("{}: is a folder; name a file", path));
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Failure(Exit::usage, fmt::format("{}: cannot be read", path));
    return read_stream(file, path, bytes_max);
}

}  // namespace tocsin::cli
