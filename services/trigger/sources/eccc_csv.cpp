// Environment and Climate Change Canada, real-time hydrometric CSV of the datamart
// (https://dd.weather.gc.ca/hydrometric/csv/), as it is served: a byte-order mark, a header that
// starts with a blank, names in two languages and some of them twice.
//
// The series are `STATION:level` in m and `STATION:discharge` in m3/s, or in whatever unit the
// header names. An empty value is none: what was there before is withdrawn. It is not counted as
// skipped: stations without a rating curve never have a discharge.
//
// A row that cannot be read costs itself. What was cut off is not guessed at: a value that lost its
// last digits is another value.
#include "trigger/sources.hpp"

#include "trigger/sources/csv_rows.hpp"
#include "trigger/sources/fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace tocsin::trigger {
namespace eccc_csv {
namespace {

using Fault = std::unexpected<std::string>;

struct Columns {
    std::size_t count = 0;
    std::optional<std::size_t> station, date, level, discharge;
    std::string level_unit, discharge_unit;

    // Whether a row without its line end may have lost a part of what is read here, unnoticed: a
    // time is none without its last digit, a name or a value is.
    bool cut_hides() const {
        const std::size_t last = count - 1;
        return station == last || level == last || discharge == last;
    }
};

// Whether the header names any of these, in either language.
bool names(const std::string& header, std::initializer_list<std::string_view> any) {
    return std::ranges::any_of(
        any, [&](std::string_view name) { return header.find(name) != std::string::npos; });
}

std::string unit_in(const std::string& header) {
    const auto open = header.rfind('(');
    const auto close = header.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return {};
    const std::string unit{trim(std::string_view{header}.substr(open + 1, close - open - 1))};
    // It is shown, and stored; of another encoding nothing can be said.
    if (unit.size() > 32 || !is_text(unit)) return {};
    if (unit == "cms" || unit == "m³/s") return "m3/s";
    return unit;
}

Fault missing(const CsvRow& header, std::string_view what) {
    const std::string& line = header.cells[0];
    const bool one = header.cells.size() == 1;
    for (const char mark : {';', '\t', '|'})
        if (one && line.find(mark) != std::string::npos)
            return Fault(fmt::format("line {}: the columns must be separated by commas, not by {}",
                                     header.line,
                                     mark == '\t' ? "tabs" : fmt::format("`{}`", mark)));
    return Fault(fmt::format("line {}: no column {}", header.line, what));
}

std::expected<Columns, std::string> read_header(const CsvRow& row) {
    if (!row.fault.empty()) return Fault(fmt::format("line {}: {}", row.line, row.fault));
    Columns columns;
    columns.count = row.cells.size();
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
        const std::string& header = row.cells[i];
        // The first of a name counts: Grade, Symbol and QA/QC come once per parameter.
        if (header == "ID" && !columns.station) columns.station = i;
        if (header == "Date" && !columns.date) columns.date = i;
        if (names(header, {"Water Level", "Niveau d"}) && !columns.level) {
            columns.level = i;
            columns.level_unit = unit_in(header);
        }
        if (names(header, {"Discharge", "Débit"}) && !columns.discharge) {
            columns.discharge = i;
            columns.discharge_unit = unit_in(header);
        }
    }
    if (!columns.station) return missing(row, "ID");
    if (!columns.date) return missing(row, "Date");
    if (!columns.level && !columns.discharge) return missing(row, "for level or discharge");
    if (!row.ended) return Fault(fmt::format("line {}: the file ends in its header", row.line));
    return columns;
}

class Reader {
public:
    Reader(CsvRows& rows, const CsvRow& header, Columns columns, Time latest)
        : rows_(rows), header_(header.cells), columns_(std::move(columns)), latest_(latest) {
        rows_.expect_columns(columns_.count);
    }

    std::expected<Parsed, std::string> read() {
        std::int64_t count = 0;
        while (const auto row = rows_.next()) {
            if (++count > long_rows_max)
                return Fault(fmt::format("line {}: more than {} rows", row->line, long_rows_max));
            if (is_header(row->cells)) below_another_ = !is_ours(row->cells);
            const std::string fault = row->fault.empty() ? fault_of(*row) : row->fault;
            if (!fault.empty())
                lose(*row, fault);
            else
                take(*row);
            if (with_values_ > series_max)
                return Fault(fmt::format("line {}: more than {} series", row->line, series_max));
        }
        for (auto& [name, found] : found_) {
            put_in_order(found.series);
            if (!found.series.readings.empty())
                parsed_.series.push_back(std::move(found.series));
            else if (parsed_.no_data.size() < series_max)
                parsed_.no_data.emplace(name, std::move(found.series.no_data));
        }
        return std::move(parsed_);
    }

private:
    // Files may have been put together. What stands below a header that names other columns or
    // units is not what ours says it is.
    static bool is_header(const std::vector<std::string>& cells) {
        const auto has = [&](std::string_view name) {
            return std::ranges::any_of(
                cells, [&](const std::string& cell) { return without_mark(cell) == name; });
        };
        return has("ID") && has("Date");
    }
    bool is_ours(const std::vector<std::string>& cells) const {
        return std::ranges::equal(cells, header_, {}, without_mark, without_mark);
    }

    std::string fault_of(const CsvRow& row) const {
        if (below_another_) return "it stands below another header";
        if (!is_name(row.cells[*columns_.station])) return "bad station id";
        if (!row.ended && columns_.cut_hides()) return "the file ends in it";
        return {};
    }

    void lose(const CsvRow& row, const std::string& fault) {
        rows_.give_up(row);
        parsed_.skip({Skip::bad_row, identity({row.text})});
        if (parsed_.first_fault.empty())
            parsed_.first_fault = fmt::format("line {}: {}", row.line, fault);
    }

    void take(const CsvRow& row) {
        const std::string& station = row.cells[*columns_.station];
        const auto read_at = parse_time(row.cells[*columns_.date]);
        take_value(row, columns_.level, read_at, station + ":level", columns_.level_unit);
        take_value(row, columns_.discharge, read_at, station + ":discharge",
                   columns_.discharge_unit);
    }

    void take_value(const CsvRow& row, std::optional<std::size_t> column,
                    std::optional<Time> read_at, const std::string& name, const std::string& unit) {
        if (!column) return;
        const std::string& cell = row.cells[*column];
        const auto skip = [&](Skip why) {
            parsed_.skip({why, identity({name, row.cells[*columns_.date], cell})});
        };
        const auto value = cell.empty() ? no_value : parse_value(cell);
        if (!value) return skip(Skip::bad_value);
        if (!read_at) {
            if (!cell.empty()) skip(Skip::bad_time);
            return;
        }
        if (*read_at > latest_) {
            const std::string& date = row.cells[*columns_.date];
            if (!cell.empty()) parsed_.skip({Skip::ahead, identity({name, date})});
            return;
        }
        // Names without a value may be as many as rows; only so many can be watched.
        if (cell.empty() && found_.size() > 2 * series_max && !found_.contains(name)) return;
        Found& found = found_[name];
        if (found.series.name.empty()) {
            found.series.name = name;
            found.series.unit = unit;
        }
        if (!cell.empty() && !std::exchange(found.has_value, true)) ++with_values_;
        found.series.readings.push_back({*read_at, *value});
    }

    struct Found {
        Series series;
        bool has_value = false;
    };

    CsvRows& rows_;
    const std::vector<std::string> header_;
    Columns columns_;
    Time latest_;
    bool below_another_ = false;
    std::map<std::string, Found> found_;
    std::size_t with_values_ = 0;
    Parsed parsed_;
};

}  // namespace

std::expected<Parsed, std::string> read(std::string_view body, Time latest) {
    if (body.size() > long_body_bytes_max)
        return Fault(fmt::format("longer than {} bytes", long_body_bytes_max));
    if (const auto kind = kind_of(body); !kind.empty())
        return Fault(fmt::format("no CSV, but {}: is the address right?", kind));
    CsvRows rows{without_mark(body)};
    const auto header = rows.next();
    if (!header) return Fault("no header");
    const auto columns = read_header(*header);
    if (!columns) return Fault(columns.error());
    return Reader{rows, *header, *columns, latest}.read();
}

static std::string series_problem(std::string_view station, std::string_view name) {
    if (name != "level" && name != "discharge")
        return fmt::format("`{}` is no parameter of eccc-csv: write `{}:{}`", name, station,
                           name.starts_with('l') ? "level" : "discharge");
    std::string capitals{station};
    for (char& c : capitals)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (capitals != station)
        return fmt::format("stations of ECCC are in capitals: write `{}:{}`", capitals, name);
    return {};
}

}  // namespace eccc_csv

const SourceFormat& eccc_csv_format() {
    static constexpr SourceFormat format{"eccc-csv", "text/csv", eccc_csv::read,
                                         eccc_csv::series_problem, long_body_bytes_max};
    return format;
}

}  // namespace tocsin::trigger
