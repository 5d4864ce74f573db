// Checks a request against the rules declared beside its fields (tocsin/rules/v1). Pure.
#pragma once

#include "runtime/errors.hpp"

#include <google/protobuf/message.h>

#include <vector>

namespace tocsin::runtime {

// What is wrong, at most 20 of it, with paths such as draft.texts[1].headline.
std::vector<FieldViolation> violations(const google::protobuf::Message& message);

}  // namespace tocsin::runtime
