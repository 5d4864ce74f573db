// The source formats. To add one: its reader in sources/<kind>.cpp, its declaration and its line
// here, its test in tests/unit/trigger, and its name in the comments on `format` in
// trigger_service.proto.
#include "trigger/source.hpp"

#include <algorithm>
#include <array>

namespace tocsin::trigger {

namespace usgs_json {
std::expected<Parsed, std::string> read(std::string_view body);
}
namespace eccc_csv {
std::expected<Parsed, std::string> read(std::string_view body);
}

namespace {

constexpr std::array formats = {
    SourceFormat{"usgs-json", "application/json", usgs_json::read},
    SourceFormat{"eccc-csv", "text/csv", eccc_csv::read},
};

}  // namespace

std::span<const SourceFormat> source_formats() { return formats; }

const SourceFormat* find_format(std::string_view name) {
    const auto found = std::ranges::find(formats, name, &SourceFormat::name);
    return found == formats.end() ? nullptr : &*found;
}

}  // namespace tocsin::trigger
