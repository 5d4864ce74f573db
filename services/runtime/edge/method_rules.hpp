// Who may call a method: the option beside it in its proto, which is the one place where that is
// said.
#pragma once

#include "tocsin/rules/v1/rules.pb.h"

#include <google/protobuf/descriptor.h>

namespace tocsin::runtime {

// Of the method that takes that request; no two take the same. Throws std::logic_error where there
// is no such method, or one without rules.
const rules::v1::MethodRules& method_rules(const google::protobuf::Descriptor& request);

// What is missing or senseless in the rules of a method; empty: nothing.
std::string rules_problem(const rules::v1::MethodRules& rules);

// For every method of a service, before any is served. Throws std::logic_error.
void check_rules(const google::protobuf::ServiceDescriptor& service);

}  // namespace tocsin::runtime
