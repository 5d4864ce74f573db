#include "drafting/findings.hpp"

#include "content/checks.hpp"

#include <fmt/format.h>

#include <utility>

namespace tocsin::drafting {

Objections objections(const content::v1::Draft& draft, runtime::Time now, std::string_view world,
                      const std::set<std::string>& acknowledged) {
    Objections result;
    for (content::Finding& finding : content::check(draft, now, world)) {
        if (finding.level == content::Finding::Level::error)
            result.errors.push_back(std::move(finding));
        else if (!acknowledged.contains(finding.code))
            result.warnings.push_back(std::move(finding));
    }
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
