// The descriptor of a service of Tocsin, by its short name.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string_view>

namespace tocsin::runtime {

// `name` is short, such as `drafting`; `ledger` is the service that all have. Null: this program
// has no such service.
const google::protobuf::ServiceDescriptor* service_named(std::string_view name);

}  // namespace tocsin::runtime
