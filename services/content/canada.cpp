#include "content/canada.hpp"

#include "content/texts.hpp"
#include "texts/letters.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::content {

static constexpr std::string_view event_list = "profile:CAP-CP:Event:";
static constexpr std::string_view location_list = "profile:CAP-CP:Location:";

// The version of a list is a number.
static bool is_list(std::string_view name, std::string_view list) {
    if (!name.starts_with(list)) return false;
    name.remove_prefix(list.size());
    return !name.empty() && name.find_first_not_of("0123456789.") == std::string_view::npos;
}

static std::string list_problem(std::string_view name, std::string_view list,
                                std::string_view version) {
    static constexpr std::string_view profile = "profile:cap-cp";
    if (texts::lower_case(name.substr(0, profile.size())) != profile || is_list(name, list))
        return {};
    return fmt::format("Write the name of the Canadian code list as its receivers do: {}{}.", list,
                       version);
}

std::string event_list_problem(std::string_view name) {
    return list_problem(name, event_list, "0.4");
}

std::string location_list_problem(std::string_view name) {
    return list_problem(name, location_list, "0.3");
}

bool is_canadian_event_list(std::string_view name) { return is_list(name, event_list); }

bool has_canadian_location(const Area& area) {
    return std::ranges::any_of(area.geocodes(), [](const v1::Geocode& code) {
        return is_list(code.value_name(), location_list);
    });
}

bool is_canadian_event(const v1::EventCode& code) {
    const std::string& value = code.value();
    return is_list(code.value_name(), event_list) && value.size() >= 4 && value.size() <= 12 &&
           std::ranges::all_of(value, [](unsigned char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
           });
}

bool follows_canadian_profile(const Content& content, const Fixed& fixed) {
    const Draft& draft = content.draft();
    return !said(content, fixed).empty() && !draft.areas().empty() &&
           std::ranges::any_of(draft.event_codes(), is_canadian_event) &&
           std::ranges::all_of(draft.areas(), has_canadian_location);
}

}  // namespace tocsin::content
