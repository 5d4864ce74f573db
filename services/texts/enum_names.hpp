// What people, labels and tables call the values of an enum of the protos: `in_review` for
// REVIEW_STATE_IN_REVIEW. What UNSPECIFIED stands for has no name.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/generated_enum_reflection.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::texts {

// The names of one enum.
class EnumNames {
public:
    explicit EnumNames(const google::protobuf::EnumDescriptor& type);
    // Empty for UNSPECIFIED, and for a number that this version does not know.
    std::string_view of(int value) const;

private:
    std::map<int, std::string> names_;
};

// All but UNSPECIFIED, in the order of the proto.
std::vector<std::string> enum_names(const google::protobuf::EnumDescriptor& type);

// What stands before the names of its values, such as `REVIEW_STATE_`.
std::string_view enum_prefix(const google::protobuf::EnumDescriptor& type);

// The text is kept for good. Waits for nobody, once it was called: the ledger thread does.
template <class Enum>
std::string_view enum_name(Enum value) {
    static const EnumNames names(*google::protobuf::GetEnumDescriptor<Enum>());
    return names.of(value);
}

// All values but UNSPECIFIED, in the order of the proto.
template <class Enum>
std::vector<Enum> enum_values() {
    const google::protobuf::EnumDescriptor& type = *google::protobuf::GetEnumDescriptor<Enum>();
    std::vector<Enum> values;
    for (int i = 1; i < type.value_count(); ++i)
        values.push_back(static_cast<Enum>(type.value(i)->number()));
    return values;
}

}  // namespace tocsin::texts
