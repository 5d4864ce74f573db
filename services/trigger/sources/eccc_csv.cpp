// Environment and Climate Change Canada, real-time hydrometric CSV of the datamart
// (https://dd.weather.gc.ca/hydrometric/csv/), as it is served: a byte-order mark, a header that
// starts with a blank, names in two languages and some of them twice.
//
// The series are `STATION:level` in m and `STATION:discharge` in m3/s. An empty value is absent;
// stations without a rating curve never have a discharge.
#include "trigger/sources/fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::trigger::eccc_csv {
namespace {

constexpr std::size_t columns_max = 64;

struct Row {
    std::vector<std::string> cells;
    std::int64_t line = 0;  // on which it starts
};

// RFC 4180 with LF or CRLF.
class Rows {
public:
    explicit Rows(std::string_view text) : text_(text) {}

    // Nothing at the end; a text where it is malformed.
    std::expected<std::optional<Row>, std::string> next() {
        while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) {
            if (text_[at_++] == '\n') ++line_;
        }
        if (at_ >= text_.size()) return std::optional<Row>{};
        Row row;
        row.line = line_;
        for (;;) {
            auto cell = next_cell();
            if (!cell) return std::unexpected(std::move(cell.error()));
            row.cells.push_back(std::move(*cell));
            if (row.cells.size() > columns_max)
                return std::unexpected(fmt::format("line {}: too many columns", row.line));
            if (at_ >= text_.size() || text_[at_] != ',') break;
            ++at_;
        }
        return std::optional<Row>{std::move(row)};
    }

private:
    std::expected<std::string, std::string> next_cell() {
        const std::size_t start = std::min(text_.find_first_not_of(" \t", at_), text_.size());
        if (start < text_.size() && text_[start] == '"') {
            at_ = start + 1;
            return quoted();
        }
        const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
        const std::string_view cell = trim(text_.substr(at_, end - at_));
        at_ = end;
        if (cell.find('"') != std::string_view::npos)
            return std::unexpected(fmt::format("line {}: a quote within a field", line_));
        return std::string{cell};
    }

    std::expected<std::string, std::string> quoted() {
        const std::int64_t opened = line_;
        std::string cell;
        for (; at_ < text_.size(); ++at_) {
            if (text_[at_] == '\n') ++line_;
            if (text_[at_] != '"') {
                cell += text_[at_];
                continue;
            }
            if (text_.substr(at_ + 1).starts_with('"')) {
                cell += text_[++at_];
                continue;
            }
            at_ = std::min(text_.find_first_not_of(" \t\r", at_ + 1), text_.size());
            if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n')
                return std::unexpected(fmt::format("line {}: text after a quoted field", line_));
            return std::string{trim(cell)};
        }
        return std::unexpected(fmt::format("line {}: a quote is never closed", opened));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1;
};

struct Columns {
    std::size_t count = 0;
    std::optional<std::size_t> station, date, level, discharge;
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
    return header.substr(open + 1, close - open - 1);
}

std::expected<Columns, std::string> read_header(const Row& row) {
    Columns columns;
    columns.count = row.cells.size();
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
        const std::string& header = row.cells[i];
        // The first of a name counts: Grade, Symbol and QA/QC come once per parameter.
        if (header == "ID" && !columns.station) columns.station = i;
        if (header == "Date" && !columns.date) columns.date = i;
        if (names(header, {"Water Level", "Niveau d"}) && !columns.level) {
            if (unit_in(header) != "m")
                return std::unexpected(fmt::format("line {}: the level is not in m", row.line));
            columns.level = i;
        }
        if (names(header, {"Discharge", "Débit"}) && !columns.discharge) {
            const std::string unit = unit_in(header);
            if (unit != "cms" && unit != "m3/s" && unit != "m³/s")
                return std::unexpected(
                    fmt::format("line {}: the discharge is not in cms", row.line));
            columns.discharge = i;
        }
    }
    const auto missing = [&](const char* what) {
        return std::unexpected(fmt::format("line {}: no column {}", row.line, what));
    };
    if (!columns.station) return missing("ID");
    if (!columns.date) return missing("Date");
    if (!columns.level && !columns.discharge) return missing("for level or discharge");
    return columns;
}

class Reader {
public:
    explicit Reader(Columns columns) : columns_(columns) {}

    // A text where it is malformed; empty when it was taken.
    std::string read(const Row& row) {
        if (row.cells.size() == 1 && row.cells[0].empty()) return {};
        if (++rows_ > rows_max)
            return fmt::format("line {}: more than {} rows", row.line, rows_max);
        if (row.cells.size() != columns_.count)
            return fmt::format("line {}: {} columns, not {}", row.line, row.cells.size(),
                               columns_.count);
        const std::string& station = row.cells[*columns_.station];
        if (!is_name(station)) return fmt::format("line {}: bad station id", row.line);
        const auto read_at = parse_time(row.cells[*columns_.date]);
        const bool fits = take(row, columns_.level, read_at, station + ":level", "m") &&
                          take(row, columns_.discharge, read_at, station + ":discharge", "m3/s");
        if (!fits) return fmt::format("line {}: more than {} series", row.line, series_max);
        return {};
    }

    Parsed finish() && { return std::move(collected_).finish(skipped_); }

private:
    bool take(const Row& row, std::optional<std::size_t> column, std::optional<Time> read_at,
              const std::string& series, std::string_view unit) {
        if (!column || row.cells[*column].empty()) return true;
        const auto value = parse_value(row.cells[*column]);
        if (!value || !read_at) {
            ++skipped_;
            return true;
        }
        if (!collected_.open(series, unit)) return false;
        collected_.take(series, {*read_at, *value});
        return true;
    }

    Columns columns_;
    Collected collected_;
    std::int64_t rows_ = 0;
    std::int64_t skipped_ = 0;
};

}  // namespace

std::expected<Parsed, std::string> read(std::string_view body) {
    if (body.size() > body_bytes_max)
        return std::unexpected(fmt::format("longer than {} bytes", body_bytes_max));
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (body.starts_with(byte_order_mark)) body.remove_prefix(byte_order_mark.size());
    Rows rows{body};
    auto header = rows.next();
    if (!header) return std::unexpected(std::move(header.error()));
    if (!*header) return std::unexpected("line 1: no header");
    const auto columns = read_header(**header);
    if (!columns) return std::unexpected(columns.error());
    Reader reader{*columns};
    for (;;) {
        auto row = rows.next();
        if (!row) return std::unexpected(std::move(row.error()));
        if (!*row) return std::move(reader).finish();
        if (auto malformed = reader.read(**row); !malformed.empty())
            return std::unexpected(std::move(malformed));
    }
}

}  // namespace tocsin::trigger::eccc_csv
