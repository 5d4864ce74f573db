#include "content/check_template.hpp"

#include "content/check_parts.hpp"
#include "content/checks.hpp"
#include "content/templates.hpp"
#include "texts/text_fields.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace tocsin::content {
namespace {

Draft filled_with(const Draft& template_, const std::string& value) {
    Values values;
    for (const std::string& name : placeholders(template_)) values[name] = value;
    // Each name has its value: nothing is missing.
    return fill(template_, values).value_or(template_);
}

std::vector<Finding> only_errors(std::vector<Finding> findings) {
    std::erase_if(findings, [](const Finding& one) { return one.level != Finding::Level::error; });
    return findings;
}

std::vector<Finding> character_errors(const Draft& draft) {
    Findings found;
    check_characters(draft, found);
    return only_errors(std::move(found).take());
}

bool names(const std::vector<Finding>& findings, const Finding& one) {
    return std::ranges::any_of(findings, [&](const Finding& other) {
        return other.code == one.code && other.field == one.field;
    });
}

std::set<std::string> fields_with_gaps(const Draft& template_) {
    std::set<std::string> fields;
    texts::each_text(template_, [&](const texts::TextField& where, const std::string& text) {
        if (text.contains("{{")) fields.insert(where.path);
    });
    return fields;
}

// What is left out may be added to the draft, and what a time is held against comes with it.
bool is_still_open(const Finding& one) {
    static const std::set<std::string> later{
        "missing",      "language_missing",     "expires_before_onset", "expires_far",
        "expires_past", "release_after_expiry", "release_far"};
    return later.contains(one.code);
}

}  // namespace

std::vector<Finding> template_errors(const Draft& draft, Time now, std::string_view world) {
    // Nothing is shorter than the one; the other is nowhere missing. What both have, all have.
    const Draft empty = filled_with(draft, "");
    const auto others = only_errors(check(filled_with(draft, "1"), now, world));
    const auto characters = character_errors(empty);
    const auto gaps = fields_with_gaps(draft);
    std::vector<Finding> errors = only_errors(check(empty, now, world));
    std::erase_if(errors, [&](const Finding& one) {
        if (is_still_open(one)) return true;
        if (!names(others, one)) return true;
        // Which code or shape it becomes is up to the filling; that it is too long is not.
        return gaps.contains(one.field) && one.code != "headline_long" && !names(characters, one);
    });
    return errors;
}

}  // namespace tocsin::content
