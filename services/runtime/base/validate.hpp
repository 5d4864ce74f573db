// Checks a request against the rules declared beside its fields (tocsin/rules/v1). Pure.
#pragma once

#include "tocsin/rules/v1/rules.pb.h"

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <vector>

namespace tocsin::runtime {

struct FieldViolation {
    std::string field;        // path such as draft.texts[1].headline
    std::string description;  // what is wrong and what to do
};

// The rules of a field: those beside it, or in a request those that CommonFields has for its name.
const rules::v1::FieldRules& field_rules(const google::protobuf::FieldDescriptor& field);

// What is wrong, at most 20 of it, with paths such as draft.texts[1].headline. A partial message
// may leave out what is required.
std::vector<FieldViolation> violations(const google::protobuf::Message& message,
                                       bool partial = false);

// The field that takes most of a message's bytes: of those in it, and, where that one holds one
// field or element that takes more than half of it, that, at most three levels down. An empty path
// for an empty message.
struct LargestField {
    std::string path;
    std::size_t bytes = 0;
};
LargestField largest_field(const google::protobuf::Message& message);

}  // namespace tocsin::runtime
