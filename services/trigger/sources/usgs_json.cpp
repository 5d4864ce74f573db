// USGS instantaneous values as JSON (WaterML 1.1 translated), as served by
// https://waterservices.usgs.gov/nwis/iv/?format=json.
//
// A series is `SITE:PARAMETERCODE`, such as `01541000:00060`. Where a site has several sensors for
// one parameter, the first listed has that name and every further one is
// `SITE:PARAMETERCODE:METHODID`; should that be taken too, its place in the list is added.
#include "trigger/sources/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace tocsin::trigger::usgs_json {
namespace {

using nlohmann::json;

constexpr int depth_max = 32;
// Ten of them make a row as USGS writes it.
constexpr std::int64_t marks_max = 3'000'000;
constexpr double no_data_usual = -999999.0;

struct Malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

const json& member(const json& object, const char* name, const std::string& path) {
    if (!object.is_object()) throw Malformed(fmt::format("{} is not an object", path));
    const auto found = object.find(name);
    if (found == object.end()) throw Malformed(fmt::format("{}.{} is missing", path, name));
    return *found;
}

const json& list(const json& object, const char* name, const std::string& path) {
    const json& found = member(object, name, path);
    if (!found.is_array()) throw Malformed(fmt::format("{}.{} is not an array", path, name));
    return found;
}

// The `value` of the first code in a list of codes, as a part of a series name.
std::string first_code(const json& object, const char* name, const std::string& path) {
    const json& codes = list(object, name, path);
    const std::string at = fmt::format("{}.{}[0]", path, name);
    if (codes.empty()) throw Malformed(at + " is missing");
    const json& code = member(codes[0], "value", at);
    if (!code.is_string() || !is_name(code.get_ref<const std::string&>()))
        throw Malformed(at + ".value is not a code");
    return code.get<std::string>();
}

std::string method_of(const json& sensor) {
    const auto methods = sensor.find("method");
    if (methods == sensor.end() || !methods->is_array() || methods->empty()) return "0";
    const json& method = (*methods)[0];
    if (!method.is_object()) return "0";
    const auto id = method.find("methodID");
    if (id == method.end() || !id->is_number_unsigned()) return "0";
    return fmt::format("{}", id->get<std::uint64_t>());
}

std::optional<double> value_of(const json& row, double no_data) {
    const auto found = row.find("value");
    if (found == row.end()) return std::nullopt;
    std::optional<double> value;
    if (found->is_string())
        value = parse_value(found->get_ref<const std::string&>());
    else if (found->is_number())
        value = parse_value(found->dump());
    if (value && *value == no_data) return std::nullopt;
    return value;
}

std::optional<Time> time_of(const json& row) {
    const auto found = row.find("dateTime");
    if (found == row.end() || !found->is_string()) return std::nullopt;
    return parse_time(found->get_ref<const std::string&>());
}

class Reader {
public:
    Parsed read(const json& document) {
        const json& all = list(member(document, "value", "$"), "timeSeries", "$.value");
        for (std::size_t i = 0; i < all.size(); ++i)
            read_series(all[i], fmt::format("$.value.timeSeries[{}]", i));
        return std::move(collected_).finish(skipped_);
    }

private:
    void read_series(const json& series, const std::string& path) {
        const std::string site =
            first_code(member(series, "sourceInfo", path), "siteCode", path + ".sourceInfo");
        const json& variable = member(series, "variable", path);
        const std::string name =
            fmt::format("{}:{}", site, first_code(variable, "variableCode", path + ".variable"));
        const auto no_data = variable.find("noDataValue");
        const bool given = no_data != variable.end() && no_data->is_number();
        no_data_ = given ? no_data->get<double>() : no_data_usual;
        const json& sensors = list(series, "values", path);
        for (std::size_t i = 0; i < sensors.size(); ++i) {
            const std::string at = fmt::format("{}.values[{}]", path, i);
            const json& rows = list(sensors[i], "value", at);
            const std::string chosen = name_for(name, sensors[i]);
            if (!collected_.open(chosen, unit_of(variable)))
                throw Malformed(fmt::format("{}: more than {} series", at, series_max));
            for (std::size_t row = 0; row < rows.size(); ++row)
                read_row(chosen, rows[row], [&] { return fmt::format("{}.value[{}]", at, row); });
        }
    }

    // No part of a name has a colon in it: what is counted here is all that could be taken.
    std::string name_for(const std::string& name, const json& sensor) {
        if (!collected_.has(name)) return name;
        const std::string further = fmt::format("{}:{}", name, method_of(sensor));
        const int place = ++places_[further];
        return place == 1 ? further : fmt::format("{}:{}", further, place);
    }

    static std::string unit_of(const json& variable) {
        const auto unit = variable.find("unit");
        if (unit == variable.end() || !unit->is_object()) return {};
        const auto code = unit->find("unitCode");
        if (code == unit->end() || !code->is_string()) return {};
        const std::string& text = code->get_ref<const std::string&>();
        return text.size() <= 32 ? text : std::string{};
    }

    template <class Path>
    void read_row(const std::string& name, const json& row, Path path) {
        if (++rows_ > rows_max)
            throw Malformed(fmt::format("{}: more than {} rows", path(), rows_max));
        if (!row.is_object()) throw Malformed(path() + " is not an object");
        const auto value = value_of(row, no_data_);
        const auto read_at = time_of(row);
        if (value && read_at)
            collected_.take(name, {*read_at, *value});
        else
            ++skipped_;
    }

    Collected collected_;
    std::map<std::string, int> places_;  // how many sensors have a name so far
    double no_data_ = no_data_usual;
    std::int64_t rows_ = 0;
    std::int64_t skipped_ = 0;
};

// Before anything is built of it. The parser could be asked to count, but then it looks at all that
// a list holds whenever an object in it ends: one of a million objects took it hours.
void bound(std::string_view body) {
    int depth = 0;
    std::int64_t marks = 0;
    bool quoted = false;
    for (std::size_t at = 0; at < body.size(); ++at) {
        const char c = body[at];
        if (quoted && c == '\\') ++at;
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        if (depth > depth_max) throw Malformed(fmt::format("nested deeper than {}", depth_max));
        if (c == '{' || c == '[' || c == ',' || c == ':') ++marks;
        if (marks > marks_max) throw Malformed(fmt::format("more than {} values", marks_max));
    }
}

}  // namespace

std::expected<Parsed, std::string> read(std::string_view body) {
    if (body.size() > body_bytes_max)
        return std::unexpected(fmt::format("longer than {} bytes", body_bytes_max));
    try {
        bound(body);
        return Reader{}.read(json::parse(body));
    } catch (const Malformed& malformed) {
        return std::unexpected(std::string{malformed.what()});
    } catch (const json::parse_error& error) {
        return std::unexpected(fmt::format("not JSON: byte {}", error.byte));
    } catch (const json::exception& error) {
        return std::unexpected(fmt::format("not usable: {}", error.what()));
    }
}

}  // namespace tocsin::trigger::usgs_json
