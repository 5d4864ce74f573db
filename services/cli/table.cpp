#include "cli/table.hpp"

#include "cli/failure.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <cstdlib>
#include <iostream>
#include <map>

namespace tocsin::cli {

std::string printable(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        // C1 controls, which some terminals obey too, are C2 80 to C2 9F in UTF-8.
        const bool c1 =
            byte == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0;
        if (c1) ++at;
        if (c1 || (byte < 0x20 && byte != '\n') || byte == 0x7f)
            clean += '?';
        else
            clean += text[at];
    }
    return clean;
}

std::string time_text(const google::protobuf::Timestamp& stamp) {
    return google::protobuf::util::TimeUtil::ToString(stamp);
}

std::string age_text(std::chrono::seconds age) {
    constexpr std::int64_t minute = 60, hour = 60 * minute, day = 24 * hour;
    const std::int64_t seconds = std::abs(age.count());
    const char* ahead = age.count() < 0 ? "ahead " : "";
    if (seconds < 2 * minute) return fmt::format("{}{} s", ahead, seconds);
    if (seconds < 2 * hour) return fmt::format("{}{} min", ahead, seconds / minute);
    if (seconds < 2 * day) return fmt::format("{}{} h", ahead, seconds / hour);
    return fmt::format("{}{} d", ahead, seconds / day);
}

static std::string scalar(const Json& value) {
    if (value.is_string()) return printable(value.get<std::string>());
    if (value.is_null()) return {};
    return printable(value.dump());
}

// Times below zero are those that were not reached: a clock that did not stop, a skew of one.
static bool is_span(std::string_view key) {
    return key.ends_with("Seconds") || key.ends_with("Ms");
}

static std::string field_text(std::string_view key, const Json& value) {
    const bool absent = is_span(key) && value.is_number() && value.get<double>() < 0;
    return absent ? "-" : scalar(value);
}

// By this machine's clock.
static std::string age_of(const Json& value) {
    google::protobuf::Timestamp stamp;
    if (!value.is_string() ||
        !google::protobuf::util::TimeUtil::FromString(value.get<std::string>(), &stamp))
        return scalar(value);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return age_text(std::chrono::floor<std::chrono::seconds>(now) -
                    std::chrono::seconds{stamp.seconds()});
}

// By name, so that two looks at it compare.
static std::string counts_of(const Json& value) {
    std::map<std::string, std::string> counts;
    for (const auto& [name, count] : value.items()) counts[name] = scalar(count);
    std::string text;
    for (const auto& [name, count] : counts)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", printable(name), count);
    return text;
}

std::string cell(const Json& row, const std::string& path, Column::Kind kind) {
    const Json* at = &row;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('.', begin), path.size());
        const auto found = at->is_object() ? at->find(path.substr(begin, end - begin)) : at->end();
        // Proto JSON leaves out what is zero.
        if (!at->is_object() || found == at->end())
            return at->is_object() && end == path.size() &&
                           (kind == Column::number || is_span(path))
                       ? "0"
                       : "";
        at = &*found;
        begin = end + 1;
    }
    std::string text;
    if (kind == Column::age) {
        text = age_of(*at);
    } else if (kind == Column::counts && at->is_object()) {
        text = counts_of(*at);
    } else if (at->is_array() && !at->empty() && at->front().is_object()) {
        text = std::to_string(at->size());
    } else if (at->is_array()) {
        for (const Json& item : *at) text += (text.empty() ? "" : ",") + scalar(item);
    } else {
        text = field_text(path, *at);
    }
    const auto line = text.find('\n');
    return line == std::string::npos ? text : text.substr(0, line) + " ...";
}

// Code points, near enough to columns for the scripts that the tables are read in.
static std::size_t width(const std::string& text) {
    std::size_t count = 0;
    for (const char byte : text) count += (static_cast<unsigned char>(byte) & 0xc0) != 0x80 ? 1 : 0;
    return count;
}

void print_table(const Json& rows, const std::vector<Column>& columns) {
    std::vector<std::vector<std::string>> lines{{}};
    for (const Column& column : columns) lines[0].push_back(column.title);
    for (const Json& row : rows) {
        lines.emplace_back();
        for (const Column& column : columns)
            lines.back().push_back(cell(row, column.path, column.kind));
    }
    std::vector<std::size_t> widths(columns.size(), 0);
    for (const auto& line : lines)
        for (std::size_t index = 0; index < line.size(); ++index)
            widths[index] = std::max(widths[index], width(line[index]));
    for (const auto& line : lines) {
        std::string text;
        for (std::size_t index = 0; index < line.size(); ++index)
            text += line[index] + std::string(widths[index] - width(line[index]) + 2, ' ');
        text.erase(text.find_last_not_of(' ') + 1);
        std::cout << text << "\n";
    }
}

bool output_arrived() { return static_cast<bool>(std::cout.flush()); }

void check_output() {
    if (!output_arrived()) throw Failure(Exit::failure, "the output cannot be written");
}

void print_record(const Json& record, int indent) {
    const std::string margin(static_cast<std::size_t>(indent), ' ');
    for (const auto& [key, value] : record.items()) {
        if (value.is_object()) {
            std::cout << margin << key << ":\n";
            print_record(value, indent + 2);
        } else if (value.is_array() && !value.empty() && value.front().is_object()) {
            for (const Json& item : value) {
                std::cout << margin << key << ":\n";
                print_record(item, indent + 2);
            }
        } else if (value.is_array()) {
            std::cout << margin << key << ": " << cell(record, key) << "\n";
        } else {
            std::string text = field_text(key, value);
            // Serialised content is for programs: --json has it.
            if (key == "content" && text.size() > 100)
                text = fmt::format("({} bytes, --json)", text.size());
            for (std::size_t at = text.find('\n'); at != std::string::npos;
                 at = text.find('\n', at + 1))
                text.insert(at + 1, margin + "  ");
            std::cout << margin << key << ": " << text << "\n";
        }
    }
}

}  // namespace tocsin::cli
