// Members of the JSON objects that identity is read from: key sets and tokens.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace tocsin::runtime {

// Empty where `object` has no such member, or one that is no string.
inline std::string text_of(const nlohmann::json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace tocsin::runtime
