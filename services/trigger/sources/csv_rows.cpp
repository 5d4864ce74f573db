#include "trigger/sources/csv_rows.hpp"

#include "trigger/sources/fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::trigger {

static constexpr std::size_t columns_max = 64;

std::optional<CsvRow> CsvRows::next() {
    for (;;) {
        while (at_line_end()) {
            at_ = after_line_end(at_);
            ++line_;
        }
        if (at_ >= text_.size()) return std::nullopt;
        const std::size_t start = at_;
        CsvRow row;
        row.line = line_;
        row.line_end = line_end(start);
        row.text = text_.substr(start, row.line_end - start);
        row.fault = read_cells(row.cells);
        // Of a row that is in order this is where its last line ends.
        if (row.fault.empty() && at_ > row.line_end) {
            bool one_is_a_row = false;
            const std::size_t lines = pass_lines(row.line_end, one_is_a_row);
            if (one_is_a_row) row.fault = "a quote is not closed in its line";
            line_ += static_cast<std::int64_t>(lines);
        }
        const bool blank = row.cells.size() == 1 && row.cells[0].empty();
        if (row.fault.empty() && blank) continue;
        if (row.fault.empty()) row.fault = fault_of(row, text_.substr(start, at_ - start));
        if (!row.fault.empty()) give_up(row);
        row.ended = at_ < text_.size();
        return row;
    }
}

void CsvRows::give_up(const CsvRow& row) {
    at_ = row.line_end;
    line_ = row.line;
}

std::string CsvRows::read_cells(std::vector<std::string>& cells) {
    for (;;) {
        if (cells.size() == columns_max) return fmt::format("more than {} columns", columns_max);
        if (auto fault = read_cell(cells.emplace_back()); !fault.empty()) return fault;
        if (at_ >= text_.size() || text_[at_] != ',') return {};
        ++at_;
    }
}

std::string CsvRows::read_cell(std::string& cell) {
    const std::size_t start = std::min(text_.find_first_not_of(" \t", at_), text_.size());
    if (start < text_.size() && text_[start] == '"') {
        at_ = start + 1;
        return read_quoted(cell);
    }
    const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    cell = trim(text_.substr(at_, end - at_));
    at_ = end;
    return cell.find('"') == std::string::npos ? "" : "a quote within a field";
}

// An open quote ends at the latest on the next line with an odd number of quotes, so that no line
// is looked at again and again, however many quotes are left open.
std::string CsvRows::read_quoted(std::string& cell) {
    for (; at_ < text_.size(); ++at_) {
        if (text_[at_] == '"') {
            if (!text_.substr(at_ + 1).starts_with('"')) break;
            ++at_;
        }
        cell += text_[at_];
    }
    if (at_ >= text_.size()) return "a quote is never closed";
    cell = std::string{trim(cell)};
    at_ = std::min(text_.find_first_not_of(" \t", at_ + 1), text_.size());
    const bool ends = at_ >= text_.size() || text_[at_] == ',' || at_line_end();
    return ends ? "" : "text after a quoted field";
}

std::string CsvRows::fault_of(const CsvRow& row, std::string_view raw) const {
    if (raw.find('\0') != std::string_view::npos) return "a NUL byte";
    // A header may say in another encoding what is not looked for in it.
    if (columns_ == 0) return {};
    if (!is_text(raw)) return "not UTF-8";
    if (row.cells.size() != columns_)
        return fmt::format("{} columns, not {}", row.cells.size(), columns_);
    return {};
}

bool CsvRows::at_line_end() const {
    return at_ < text_.size() && (text_[at_] == '\r' || text_[at_] == '\n');
}

std::size_t CsvRows::line_end(std::size_t from) const {
    return std::min(text_.find_first_of("\r\n", from), text_.size());
}

std::size_t CsvRows::after_line_end(std::size_t end) const {
    return end + (text_.substr(end).starts_with("\r\n") ? 2 : 1);
}

// The lines behind `end` that a quoted field takes along, and whether one of them may be a row of
// its own: it has as many columns.
std::size_t CsvRows::pass_lines(std::size_t end, bool& one_is_a_row) {
    std::size_t lines = 0;
    while (end < at_) {
        const std::size_t start = after_line_end(end);
        end = std::min(line_end(start), at_);
        const std::string_view line = text_.substr(start, end - start);
        const auto columns = static_cast<std::size_t>(std::ranges::count(line, ',')) + 1;
        one_is_a_row = one_is_a_row || columns >= columns_;
        ++lines;
    }
    return lines;
}

}  // namespace tocsin::trigger
