// What the completeness checks have against a draft. Pure.
#pragma once

#include "content/content.hpp"
#include "content/finding.hpp"
#include "runtime/base/time.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::drafting {

// Errors that block, and warnings whose code is not in `acknowledged`.
struct Objections {
    std::vector<content::Finding> errors;
    std::vector<content::Finding> warnings;
};
void add_objection(content::Finding finding, const std::set<std::string>& acknowledged,
                   Objections& objections);
Objections objections(const content::v1::Draft& draft, runtime::Time now, std::string_view world,
                      const std::set<std::string>& acknowledged);

// `code at field: text; ...`, for a person.
std::string listing(const std::vector<content::Finding>& findings);

}  // namespace tocsin::drafting
