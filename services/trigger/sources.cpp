// The source formats. To add one: its reader in sources/<kind>.cpp, its declaration and its line
// here, its test in tests/unit/trigger, and its name in the comments on `format` in
// trigger_service.proto.
#include "trigger/sources.hpp"

#include <fmt/format.h>

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
    SourceFormat{"eccc-csv", "text/csv", eccc_csv::read, long_body_bytes_max},
};

}  // namespace

std::span<const SourceFormat> source_formats() { return formats; }

const SourceFormat* find_format(std::string_view name) {
    const auto found = std::ranges::find(formats, name, &SourceFormat::name);
    return found == formats.end() ? nullptr : &*found;
}

// A rule on a name that no reading ever has would stay silent for ever.
std::string series_problem(std::string_view format, const std::string& series) {
    const std::size_t colon = std::min(series.find(':'), series.size());
    const std::string station = series.substr(0, colon);
    const std::string rest = colon < series.size() ? series.substr(colon + 1) : std::string{};
    const std::string parameter = rest.substr(0, rest.find(':'));
    if (format == "usgs-json") {
        const auto digit = [](char c) { return c >= '0' && c <= '9'; };
        if (parameter.size() != 5 || !std::ranges::all_of(parameter, digit))
            return fmt::format(
                "`{}` is no parameter of USGS: write its five digits, such as "
                "{}:00060 for discharge or {}:00065 for gage height",
                parameter, station, station);
        if (parameter.size() == rest.size()) return {};
        const std::string method = rest.substr(parameter.size() + 1);
        if (!method.empty() && std::ranges::all_of(method, digit)) return {};
        return fmt::format("`{}` is no method id of USGS: write its digits, such as {}:{}:69928",
                           method, station, parameter);
    }
    if (rest != "level" && rest != "discharge")
        return fmt::format("`{}` is no parameter of eccc-csv: write {}:{}", rest, station,
                           rest.starts_with('l') ? "level" : "discharge");
    std::string capitals = station;
    for (char& c : capitals)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (capitals != station)
        return fmt::format("stations of ECCC are in capitals: write {}:{}", capitals, rest);
    return {};
}

}  // namespace tocsin::trigger
