#include "texts/enum_names.hpp"

namespace tocsin::texts {

using google::protobuf::EnumDescriptor;

std::string_view enum_prefix(const EnumDescriptor& type) {
    const std::string_view unset = type.value(0)->name();
    return unset.substr(0, unset.size() - std::string_view("UNSPECIFIED").size());
}

static std::string short_name(const EnumDescriptor& type, int index) {
    std::string name = type.value(index)->name().substr(enum_prefix(type).size());
    for (char& letter : name)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return name;
}

std::vector<std::string> enum_names(const EnumDescriptor& type) {
    std::vector<std::string> names;
    for (int i = 1; i < type.value_count(); ++i) names.push_back(short_name(type, i));
    return names;
}

EnumNames::EnumNames(const EnumDescriptor& type) {
    for (int i = 1; i < type.value_count(); ++i)
        names_.emplace(type.value(i)->number(), short_name(type, i));
}

std::string_view EnumNames::of(int value) const {
    const auto found = names_.find(value);
    return found == names_.end() ? std::string_view{} : std::string_view{found->second};
}

}  // namespace tocsin::texts
