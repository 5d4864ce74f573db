// Proto JSON as people read it: enums by their short names, such as `in_review` for
// REVIEW_STATE_IN_REVIEW.
#pragma once

#include "cli/table.hpp"

#include <google/protobuf/descriptor.h>

namespace tocsin::cli {

// At any depth. `json` is a message of that type, or a list of such.
Json with_short_names(Json json, const google::protobuf::Descriptor& type);

}  // namespace tocsin::cli
