#include "drafting/findings.hpp"

#include "content/checks.hpp"

#include <fmt/format.h>

#include <utility>

namespace tocsin::drafting {

void add_objection(content::Finding finding, const std::set<std::string>& acknowledged,
                   Objections& objections) {
    if (finding.level == content::Finding::Level::error)
        objections.errors.push_back(std::move(finding));
    else if (!acknowledged.contains(finding.code))
        objections.warnings.push_back(std::move(finding));
}

Objections objections(const content::v1::Draft& draft, runtime::Time now, std::string_view world,
                      const std::set<std::string>& acknowledged) {
    Objections result;
    for (content::Finding& finding : content::check(draft, now, world))
        add_objection(std::move(finding), acknowledged, result);
    return result;
}

std::string listing(const std::vector<content::Finding>& findings) {
    std::string result;
    for (const content::Finding& finding : findings)
        result += fmt::format("{}{} at {}: {}", result.empty() ? "" : "; ", finding.code,
                              finding.field, finding.text);
    return result;
}

}  // namespace tocsin::drafting
