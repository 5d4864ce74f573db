#include "runtime/base/invariant.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace tocsin::runtime {

static void write_plain(std::string_view message, std::string_view invariant,
                        std::string_view place) {
    const nlohmann::ordered_json line{
        {"level", "error"}, {"msg", message}, {"invariant", invariant}, {"place", place}};
    fmt::print(stderr, "{}\n", line.dump());
}

static std::atomic<LastWords> last_words = write_plain;

void set_last_words(LastWords words) { last_words = words; }

// As in a listing of this repository, wherever it was built.
static std::string place_of(const std::source_location& where) {
    const std::string_view file = where.file_name();
    const auto begin = file.rfind("services/");
    return fmt::format("{}:{}", begin == file.npos ? file : file.substr(begin), where.line());
}

void end_at_broken_invariant(std::string_view text, const std::source_location& where) {
    last_words.load()("an invariant is broken; the process ends", text, place_of(where));
    std::abort();
}

}  // namespace tocsin::runtime
