// USGS instantaneous values as JSON (WaterML 1.1 translated), as served by
// https://waterservices.usgs.gov/nwis/iv/?format=json.
//
// What a site lists for one parameter, in whichever of its time series, are sensors; USGS
// distinguishes them by their method id. Each is the series `SITE:PARAMETERCODE:METHODID`, whether
// it delivers or not. An only one is `SITE:PARAMETERCODE` as well, such as `01541000:00060`, and so
// is of several the one that delivers, where no other does: a site goes on listing sensors that it
// took down long ago, some of them with the last value that they had.
#include "trigger/sources.hpp"

#include "texts/utf8.hpp"
#include "trigger/sources/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace tocsin::trigger {
namespace usgs_json {
namespace {

using nlohmann::json;

constexpr int depth_max = 32;
// Ten of them make a row as USGS writes it.
constexpr std::int64_t marks_max = 3'000'000;
constexpr double no_data_usual = -999999.0;
// A sensor of which the last value is so much older than another's delivers no more.
constexpr std::chrono::hours silence_of_retired{7 * 24};
// What USGS writes in place of a value: ice, equipment, backwater, seasonal, partial record,
// rating, flood damage, dry, discontinued, maintenance, zero flow and test.
constexpr std::array<std::string_view, 14> no_data_words = {
    "***", "--", "Bkw", "Dis", "Dry", "Eqp", "Fld", "Ice", "Mnt", "Pr", "Rat", "Ssn", "Tst", "Zfl"};

// Of the whole file.
struct Malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Null where it is not there.
const json* member(const json& object, const char* name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

// Null where it is none.
const json* list(const json* object, const char* name) {
    const json* found = object ? member(*object, name) : nullptr;
    return found && found->is_array() ? found : nullptr;
}

const json* first_of(const json* object, const char* name) {
    const json* all = list(object, name);
    return all && !all->empty() ? &all->front() : nullptr;
}

const json& all_series(const json& document) {
    if (!document.is_object()) throw Malformed("$ is not an object");
    const json* value = member(document, "value");
    if (!value || !member(*value, "timeSeries"))
        throw Malformed("$.value.timeSeries is missing: no instantaneous values of USGS");
    const json* all = list(value, "timeSeries");
    if (!all) throw Malformed("$.value.timeSeries is not an array");
    return *all;
}

// The `value` of the first code in a list of codes, as a part of a series name; empty: none.
std::string first_code(const json* object, const char* name) {
    const json* code = first_of(object, name);
    const json* value = code ? member(*code, "value") : nullptr;
    if (!value || !value->is_string()) return {};
    const auto& text = value->get_ref<const std::string&>();
    return is_name(text) ? text : std::string{};
}

std::string method_of(const json& sensor) {
    const json* method = first_of(&sensor, "method");
    const json* id = method ? member(*method, "methodID") : nullptr;
    if (!id) return {};
    if (id->is_number_unsigned()) return fmt::format("{}", id->get<std::uint64_t>());
    if (!id->is_string()) return {};
    const auto& text = id->get_ref<const std::string&>();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole ? fmt::format("{}", number) : std::string{};
}

std::optional<double> number_of(const json& value) {
    if (value.is_string()) return parse_value(value.get_ref<const std::string&>());
    if (value.is_number()) return parse_value(value.dump());
    return std::nullopt;
}

bool says_no_data(const json& value) {
    if (value.is_null()) return true;
    if (!value.is_string()) return false;
    const std::string_view text = trim(value.get_ref<const std::string&>());
    const auto same = [&](std::string_view word) {
        return std::ranges::equal(text, word, [](char a, char b) {
            return std::tolower(static_cast<unsigned char>(a)) ==
                   std::tolower(static_cast<unsigned char>(b));
        });
    };
    return text.empty() || std::ranges::any_of(no_data_words, same);
}

double no_data_of(const json& variable) {
    const json* given = member(variable, "noDataValue");
    const auto number = given ? number_of(*given) : std::nullopt;
    return number.value_or(no_data_usual);
}

std::string unit_of(const json& variable) {
    const json* unit = member(variable, "unit");
    const json* code = unit ? member(*unit, "unitCode") : nullptr;
    if (!code || !code->is_string()) return {};
    const auto& text = code->get_ref<const std::string&>();
    return text.size() <= 32 ? text : std::string{};
}

std::optional<Time> time_of(const json& value) {
    if (!value.is_string()) return std::nullopt;
    return parse_time(value.get_ref<const std::string&>());
}

// One entry of `values`, or what a malformed time series cost.
struct Sensor {
    Series series;  // named `SITE:PARAMETERCODE`; no name: of a malformed time series
    std::vector<SkippedOne> skips;
    std::string fault;  // the first in it
    bool lost = false;  // no series comes of it

    void skip(Skip why, std::string_view time, std::string_view value) {
        skips.push_back({why, identity({series.name, series.sensor, time, value})});
    }
    void lose_row(const char* why, std::size_t row, const json& what) {
        skip(Skip::bad_row, why, what.dump());
        if (fault.empty()) fault = fmt::format("{}: row {} {}", series.name, row + 1, why);
    }
    // Whatever was wrong in it does not matter then.
    void lose(std::string why) {
        lost = true;
        fault = std::move(why);
        skips.clear();
        skip(Skip::bad_row, fault, {});
    }
};

// As they were before they were put in order, so that more may come.
void put_back_no_data(Series& series) {
    for (const Time at : series.no_data) series.readings.push_back({at, no_value});
    series.no_data.clear();
}

class Reader {
public:
    explicit Reader(Time latest) : latest_(latest) {}

    Parsed read(const json& document) {
        const json& all = all_series(document);
        for (std::size_t i = 0; i < all.size(); ++i)
            if (const auto why = read_series(all[i]); !why.empty()) lose_series(i, why);
        std::map<std::string_view, std::vector<Sensor*>> lists;
        for (Sensor& sensor : sensors_)
            if (!sensor.series.name.empty()) lists[sensor.series.name].push_back(&sensor);
        for (const auto& [name, sensors] : lists) name_all(sensors);
        for (const Sensor& sensor : sensors_) {
            for (const SkippedOne& one : sensor.skips) parsed_.skip(one);
            if (parsed_.first_fault.empty()) parsed_.first_fault = sensor.fault;
        }
        std::ranges::sort(parsed_.series, {}, &Series::name);
        return std::move(parsed_);
    }

private:
    [[noreturn]] static void too_many_series() {
        throw Malformed(fmt::format("more than {} series", series_max));
    }

    // What is wrong with it; empty: nothing.
    std::string_view read_series(const json& series) {
        const std::string site = first_code(member(series, "sourceInfo"), "siteCode");
        if (site.empty()) return "no site code";
        const json* variable = member(series, "variable");
        const std::string parameter = first_code(variable, "variableCode");
        if (parameter.empty()) return "no code of the variable";
        const json* listed = list(&series, "values");
        if (!listed) return "no list of values";
        for (const json& one : *listed) {
            if (++listed_ > series_max) too_many_series();
            Sensor& sensor = sensors_.emplace_back();
            sensor.series.name = fmt::format("{}:{}", site, parameter);
            sensor.series.sensor = method_of(one);
            sensor.series.unit = unit_of(*variable);
            if (const json* rows = list(&one, "value"))
                read_rows(sensor, *rows, no_data_of(*variable));
            else
                sensor.lose(sensor.series.name + ": a sensor without a list of values");
        }
        return {};
    }

    // A document may hold very many of them: the first says what there is to say.
    void lose_series(std::size_t place, std::string_view why) {
        count_row();
        parsed_.skip({Skip::bad_row, identity({fmt::format("timeSeries[{}]", place), why})});
        if (std::exchange(lost_series_, true)) return;
        sensors_.emplace_back().fault = fmt::format("timeSeries[{}]: {}", place, why);
    }

    void count_row() {
        if (++rows_ > rows_max) throw Malformed(fmt::format("more than {} rows", rows_max));
    }

    void read_rows(Sensor& sensor, const json& rows, double no_data) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            count_row();
            const json& row = rows[i];
            const json* value = member(row, "value");
            const json* time = member(row, "dateTime");
            if (!row.is_object())
                sensor.lose_row("is not an object", i, row);
            else if (!value || !time)
                sensor.lose_row(value ? "has no dateTime" : "has no value", i, row);
            else
                take(sensor, *value, *time, no_data);
        }
        put_in_order(sensor.series);
    }

    void take(Sensor& sensor, const json& value, const json& time, double no_data) const {
        const auto text = [](const json& one) {
            return one.is_string() ? one.get<std::string>() : one.dump();
        };
        const auto skip = [&](Skip why) { sensor.skip(why, text(time), text(value)); };
        const auto number = number_of(value);
        const bool none =
            number ? *number == no_data || *number == no_data_usual : says_no_data(value);
        if (!number && !none) return skip(Skip::bad_value);
        if (none) skip(Skip::no_data);
        const auto read_at = time_of(time);
        if (read_at && *read_at > latest_) {
            if (!none) sensor.skip(Skip::ahead, text(time), {});
        } else if (read_at)
            sensor.series.readings.push_back({*read_at, none ? no_value : *number});
        else if (!none)
            skip(Skip::bad_time);
    }

    // All sensors of one site and parameter.
    void name_all(std::vector<Sensor*> sensors) {
        join_lists(sensors);
        std::optional<Time> newest;
        for (const Sensor* sensor : sensors)
            if (!sensor->series.readings.empty())
                newest = std::max(newest, std::optional{sensor->series.readings.back().read_at});
        // One that was taken down may show its last value for years.
        const auto delivers = [&](const Sensor* sensor) {
            return !sensor->series.readings.empty() &&
                   sensor->series.readings.back().read_at > *newest - silence_of_retired;
        };
        const bool one_delivers = std::ranges::count_if(sensors, delivers) == 1;
        for (Sensor* sensor : sensors) {
            const Series& series = sensor->series;
            const bool alone = sensors.size() == 1;
            if (series.sensor.empty() && !alone)
                sensor->lose(series.name + ": a sensor without a method id beside others");
            if (sensor->lost) continue;
            if (alone || (one_delivers && delivers(sensor))) parsed_.series.push_back(series);
            if (series.sensor.empty()) continue;
            parsed_.series.push_back(series);
            parsed_.series.back().name += ':' + series.sensor;
        }
    }

    // Of each sensor one list is left: another one adds to it, and a value in either is one. All of
    // them are put in order once, however many a file has.
    static void join_lists(std::vector<Sensor*>& sensors) {
        std::map<std::string_view, Sensor*> first;
        std::set<Series*> joined;
        std::erase_if(sensors, [&](Sensor* sensor) {
            Series& series = sensor->series;
            if (series.sensor.empty() || sensor->lost) return false;
            const auto [known, fresh] = first.emplace(series.sensor, sensor);
            Sensor& before = *known->second;
            if (fresh) return false;
            if (before.series.unit != series.unit) {
                before.lose(
                    fmt::format("{}: the sensor {} in two units", series.name, series.sensor));
                sensor->lost = true;
                sensor->skips.clear();
                return true;
            }
            if (joined.insert(&before.series).second) put_back_no_data(before.series);
            put_back_no_data(series);
            before.series.readings.insert(before.series.readings.end(), series.readings.begin(),
                                          series.readings.end());
            return true;
        });
        for (Series* whole : joined) put_in_order(*whole);
    }

    Time latest_;
    Parsed parsed_;
    std::vector<Sensor> sensors_;  // in the order of the document
    std::size_t listed_ = 0;
    bool lost_series_ = false;
    std::int64_t rows_ = 0;
};

std::string_view digits_at(std::string_view text) {
    return text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
}

// By the grammar of RFC 8259 section 6, and within what a double holds: the parser refuses the
// whole document for any other.
bool is_json_number(std::string_view token) {
    double value = 0;
    const auto read = std::from_chars(token.data(), token.data() + token.size(), value);
    if (read.ec == std::errc::result_out_of_range) return false;
    if (token.starts_with('-')) token.remove_prefix(1);
    const auto whole = digits_at(token);
    if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return false;
    token.remove_prefix(whole.size());
    const auto part = [&](std::size_t skipped) {
        token.remove_prefix(skipped);
        const auto digits = digits_at(token);
        token.remove_prefix(digits.size());
        return !digits.empty();
    };
    if (token.starts_with('.') && !part(1)) return false;
    if (token.starts_with('e') || token.starts_with('E')) {
        const bool sign = token.size() > 1 && (token[1] == '+' || token[1] == '-');
        if (!part(sign ? 2 : 1)) return false;
    }
    return token.empty();
}

// The body as the parser takes it: what JSON has no word for, such as NaN or +1.5, becomes a text,
// and what no text may hold a question mark, so that each costs its row and not the document.
// Before anything is built of it: how deep it is nested and how much it holds. The parser could
// count by a callback, but then it looks at all that a list holds whenever an object in it ends:
// one of a million objects took it hours.
class Bounded {
public:
    explicit Bounded(std::string_view body) : body_(without_mark(body)) {
        out_.reserve(body_.size());
    }

    std::string text() {
        while (at_ < body_.size()) {
            const char c = body_[at_];
            if (c == '"')
                take_text();
            else if (std::string_view("{}[],: \t\r\n").find(c) != std::string_view::npos)
                take_mark();
            else
                take_token();
        }
        return std::move(out_);
    }

private:
    void take_mark() {
        const char c = body_[at_++];
        out_ += c;
        if (c == '{' || c == '[') ++depth_;
        if (c == '}' || c == ']') --depth_;
        if (depth_ > depth_max) throw Malformed(fmt::format("nested deeper than {}", depth_max));
        if (c == '{' || c == '[' || c == ',' || c == ':') ++marks_;
        if (marks_ > marks_max) throw Malformed(fmt::format("more than {} values", marks_max));
    }

    void take_token() {
        const std::size_t end = std::min(body_.find_first_of("{}[],:\" \t\r\n", at_), body_.size());
        const std::string_view token = body_.substr(at_, end - at_);
        // Outside of everything it shows that this is no such document.
        if (depth_ == 0 || is_json_number(token) || token == "true" || token == "false" ||
            token == "null") {
            out_ += token;
            at_ = end;
            return;
        }
        out_ += '"';
        while (at_ < end) take_character();
        out_ += '"';
    }

    void take_text() {
        out_ += body_[at_++];
        while (at_ < body_.size() && body_[at_] != '"') {
            if (body_[at_] == '\\')
                take_escape();
            else
                take_character();
        }
        if (at_ < body_.size()) out_ += body_[at_++];
    }

    void take_character() {
        const std::size_t length = texts::utf8_length(body_.substr(at_));
        const bool usable =
            length > 0 && static_cast<unsigned char>(body_[at_]) >= ' ' && body_[at_] != '\\';
        if (usable)
            out_ += body_.substr(at_, length);
        else
            out_ += '?';
        at_ += usable ? length : 1;
    }

    // The four digits of `\uXXXX` at a place; nothing: there is none.
    std::optional<unsigned> unit_at(std::size_t at) const {
        if (body_.substr(std::min(at, body_.size()), 2) != "\\u") return std::nullopt;
        const std::string_view digits = body_.substr(at + 2, 4);
        unsigned unit = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
        const bool whole = error == std::errc{} && digits.size() == 4 && end == &digits[0] + 4;
        return whole ? std::optional{unit} : std::nullopt;
    }

    void take_escape() {
        std::size_t length = 0;
        if (at_ + 1 < body_.size() &&
            std::string_view("\"\\/bfnrt").find(body_[at_ + 1]) != std::string_view::npos)
            length = 2;
        if (const auto unit = unit_at(at_)) {
            const auto second = unit_at(at_ + 6);
            const bool high = *unit >= 0xD800 && *unit < 0xDC00;
            const bool low = second && *second >= 0xDC00 && *second < 0xE000;
            if (*unit < 0xD800 || *unit >= 0xE000)
                length = 6;
            else if (high && low)
                length = 12;
        }
        if (length > 0)
            out_ += body_.substr(at_, length);
        else
            out_ += '?';
        at_ += std::max<std::size_t>(length, 1);
    }

    std::string_view body_;
    std::string out_;
    std::size_t at_ = 0;
    int depth_ = 0;
    std::int64_t marks_ = 0;
};

}  // namespace

std::expected<Parsed, std::string> read(std::string_view body, Time latest) {
    if (body.size() > body_bytes_max)
        return std::unexpected(fmt::format("longer than {} bytes", body_bytes_max));
    if (const auto kind = kind_of(body); !kind.empty() && kind != "JSON")
        return std::unexpected(fmt::format("not JSON, but {}: is the address right?", kind));
    try {
        return Reader{latest}.read(json::parse(Bounded{body}.text()));
    } catch (const Malformed& malformed) {
        return std::unexpected(std::string{malformed.what()});
    } catch (const json::parse_error& error) {
        return std::unexpected(fmt::format("not JSON: byte {}", error.byte));
    } catch (const json::exception& error) {
        return std::unexpected(fmt::format("not usable: {}", error.what()));
    }
}

static std::string series_problem(std::string_view station, std::string_view name) {
    const std::string_view parameter = name.substr(0, name.find(':'));
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (parameter.size() != 5 || !std::ranges::all_of(parameter, digit))
        return fmt::format(
            "`{}` is no parameter of USGS: write its five digits, such as "
            "`{}:00060` for discharge or `{}:00065` for gage height",
            parameter, station, station);
    if (parameter.size() == name.size()) return {};
    const std::string_view method = name.substr(parameter.size() + 1);
    if (!method.empty() && std::ranges::all_of(method, digit)) return {};
    return fmt::format("`{}` is no method id of USGS: write its digits, such as `{}:{}:69928`",
                       method, station, parameter);
}

}  // namespace usgs_json

const SourceFormat& usgs_json_format() {
    static constexpr SourceFormat format{"usgs-json", "application/json", usgs_json::read,
                                         usgs_json::series_problem};
    return format;
}

}  // namespace tocsin::trigger
