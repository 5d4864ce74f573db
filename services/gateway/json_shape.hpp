// What the JSON reader of protobuf forgives in a well-formed document: a field under both its
// names, of which it keeps the last, a lone value where a list is expected, and a null in a list,
// which it passes over. Pure.
#pragma once

#include <google/protobuf/descriptor.h>

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::gateway {

struct ShapeFault {
    std::string field;  // path such as draft.texts[1].headline
    std::string what;
};

// `text` has passed json_fault. Nothing: what is left to find is for the reader.
std::optional<ShapeFault> shape_fault(std::string_view text,
                                      const google::protobuf::Descriptor* type);

}  // namespace tocsin::gateway
