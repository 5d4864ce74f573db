// Rows of CSV by RFC 4180, with LF, CRLF or CR, of a text of which any row may be broken. Time
// grows with the text and no faster, whatever is in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::trigger {

struct CsvRow {
    std::vector<std::string> cells;  // without the blanks around them
    std::string fault;               // why it is no row; empty: it is one
    std::int64_t line = 0;           // on which it starts
    std::size_t line_end = 0;        // where that line ends
    std::string_view text;           // what is in that line
    bool ended = false;              // a line end follows, so nothing of it was cut off
};

class CsvRows {
public:
    explicit CsvRows(std::string_view text) : text_(text) {}

    // The header comes first, in one line; from then on each row has as many cells.
    void expect_columns(std::size_t count) { columns_ = count; }
    // Passes over blank lines. Nothing at the end of the text.
    std::optional<CsvRow> next();
    // Goes on behind the line on which it starts, as after every faulty row: a quote that somebody
    // forgot to close must not take the rows behind it along.
    void give_up(const CsvRow& row);

private:
    // These say what is wrong; empty: nothing.
    std::string read_cells(std::vector<std::string>& cells);
    std::string read_cell(std::string& cell);
    std::string read_quoted(std::string& cell);
    std::string fault_of(const CsvRow& row, std::string_view raw) const;

    bool at_line_end() const;
    std::size_t line_end(std::size_t from) const;
    std::size_t after_line_end(std::size_t end) const;
    std::size_t pass_lines(std::size_t end, bool& one_is_a_row);

    std::string_view text_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1;
    std::size_t columns_ = 0;  // 0: of the header
};

}  // namespace tocsin::trigger
