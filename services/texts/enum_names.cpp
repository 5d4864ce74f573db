#include "texts/enum_names.hpp"

#include <map>
#include <mutex>

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

using Names = std::map<int, std::string>;

static const Names& names_of(const EnumDescriptor& type) {
    static std::mutex mutex;
    static std::map<const EnumDescriptor*, Names> known;
    const std::lock_guard lock(mutex);
    const auto [found, is_new] = known.try_emplace(&type);
    if (is_new)
        for (int i = 1; i < type.value_count(); ++i)
            found->second.emplace(type.value(i)->number(), short_name(type, i));
    return found->second;
}

std::string_view enum_name(const EnumDescriptor& type, int value) {
    const Names& names = names_of(type);
    const auto found = names.find(value);
    return found == names.end() ? std::string_view{} : std::string_view{found->second};
}

}  // namespace tocsin::texts
