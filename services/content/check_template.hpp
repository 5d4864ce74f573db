// What is wrong with a template, found when it is stored and not at a crossing.
#pragma once

#include "content/content.hpp"
#include "content/finding.hpp"
#include "runtime/base/time.hpp"

#include <string_view>
#include <vector>

namespace tocsin::content {

using runtime::Time;

// Errors of what it says that a draft made of it at `now` has, whatever fills it; what it leaves
// out may be added then. `draft` is the template with the agencies and the expiry of such a draft.
std::vector<Finding> template_errors(const Draft& draft, Time now, std::string_view world);

}  // namespace tocsin::content
