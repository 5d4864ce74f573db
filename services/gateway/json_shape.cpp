#include "gateway/json_shape.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tocsin::gateway {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::json;

static std::optional<ShapeFault> fault_in(const json& object, const Descriptor* type,
                                          const std::string& path);

static std::optional<ShapeFault> fault_of(const json& value, const FieldDescriptor* field,
                                          const std::string& path) {
    const Descriptor* type = field->message_type();
    if (field->is_map()) {
        type = field->message_type()->map_value()->message_type();
        if (type == nullptr || !value.is_object()) return std::nullopt;
        for (const auto& [key, item] : value.items())
            if (auto fault = fault_in(item, type, fmt::format("{}[\"{}\"]", path, key)))
                return fault;
        return std::nullopt;
    }
    if (!field->is_repeated()) return type ? fault_in(value, type, path) : std::nullopt;
    if (value.is_null()) return std::nullopt;
    if (!value.is_array()) return ShapeFault{path, "a list is expected"};
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i].is_null())
            return ShapeFault{fmt::format("{}[{}]", path, i), "null stands for nothing in a list"};
        if (type == nullptr) continue;
        if (auto fault = fault_in(value[i], type, fmt::format("{}[{}]", path, i))) return fault;
    }
    return std::nullopt;
}

static std::optional<ShapeFault> fault_in(const json& object, const Descriptor* type,
                                          const std::string& path) {
    // Times and the like are written as one value.
    if (!object.is_object()) return std::nullopt;
    for (int i = 0; i < type->field_count(); ++i) {
        const FieldDescriptor* field = type->field(i);
        const auto stored = object.find(field->name());
        const auto camel = object.find(field->json_name());
        const std::string here = path.empty() ? field->name() : path + "." + field->name();
        if (stored != object.end() && camel != object.end() && stored != camel)
            return ShapeFault{here, fmt::format("given twice, as {} and as {}", field->name(),
                                                field->json_name())};
        const auto given = stored != object.end() ? stored : camel;
        if (given == object.end()) continue;
        if (auto fault = fault_of(*given, field, here)) return fault;
    }
    return std::nullopt;
}

std::optional<ShapeFault> shape_fault(std::string_view text, const Descriptor* type) {
    const json document = json::parse(text, nullptr, false);
    return document.is_discarded() ? std::nullopt : fault_in(document, type, "");
}

}  // namespace tocsin::gateway
