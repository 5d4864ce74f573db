#include "cli/short_names.hpp"

#include "texts/enum_names.hpp"

#include <string>
#include <utility>

namespace tocsin::cli {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

static void shorten_fields(Json& message, const Descriptor& type);

static void shorten(Json& value, const FieldDescriptor& field) {
    if (value.is_array()) {
        for (Json& one : value) shorten(one, field);
    } else if (field.is_map()) {
        for (Json& one : value) shorten(one, *field.message_type()->map_value());
    } else if (field.enum_type() != nullptr && value.is_string()) {
        if (const auto* named = field.enum_type()->FindValueByName(value.get<std::string>()))
            value = std::string(texts::EnumNames(*field.enum_type()).of(named->number()));
    } else if (field.message_type() != nullptr && value.is_object()) {
        shorten_fields(value, *field.message_type());
    }
}

static void shorten_fields(Json& message, const Descriptor& type) {
    for (const auto& [name, value] : message.items())
        if (const FieldDescriptor* field = type.FindFieldByCamelcaseName(name))
            shorten(value, *field);
}

Json with_short_names(Json json, const Descriptor& type) {
    if (json.is_object()) shorten_fields(json, type);
    if (json.is_array())
        for (Json& one : json) shorten_fields(one, type);
    return json;
}

}  // namespace tocsin::cli
