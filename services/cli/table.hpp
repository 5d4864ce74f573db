// Tables and records for people. Whatever comes from elsewhere is printed without the control
// characters that a terminal would obey.
#pragma once

#include <google/protobuf/timestamp.pb.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::cli {

using Json = nlohmann::ordered_json;

struct Column {
    std::string title;
    std::string path;  // dotted, such as `rule.ruleId`
};

std::string printable(std::string_view text);
std::string time_text(const google::protobuf::Timestamp& stamp);
// The value at a dotted path as one cell; lists are joined, of records it says how many there are,
// what is absent is empty.
std::string cell(const Json& row, const std::string& path);
void print_table(const Json& rows, const std::vector<Column>& columns);
// `key: value` lines, nested by indentation.
void print_record(const Json& record, int indent = 0);

}  // namespace tocsin::cli
