// Tables and records for people. Whatever comes from elsewhere is printed without the control
// characters that a terminal would obey.
#pragma once

#include <google/protobuf/timestamp.pb.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::cli {

using Json = nlohmann::ordered_json;

struct Column {
    enum Kind {
        any,
        number,  // that is always there: what proto JSON leaves out is 0
        counts,  // by name, as `ahead 2, bad_row 1`
        age,     // of a time, as `12 min`
    };
    std::string title;
    std::string path;  // dotted, such as `rule.ruleId`
    Kind kind = any;
};

std::string printable(std::string_view text);
std::string time_text(const google::protobuf::Timestamp& stamp);
// How long ago that is, in the largest unit of which there are two: `90 s`, `12 min`, `30 h`, `3
// d`; `ahead 3 min` for what is still to come.
std::string age_text(std::chrono::seconds age);
// The value at a dotted path as one cell; lists are joined, of records it says how many there are,
// what is absent is empty.
std::string cell(const Json& row, const std::string& path, Column::Kind kind = Column::any);
void print_table(const Json& rows, const std::vector<Column>& columns);
// `key: value` lines, nested by indentation.
void print_record(const Json& record, int indent = 0);

// Whether all that was printed arrived where it goes, so far.
bool output_arrived();
// Ends what goes on printing with a Failure, once it does not.
void check_output();

}  // namespace tocsin::cli
