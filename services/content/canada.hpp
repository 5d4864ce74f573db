// The Canadian profile of CAP (CAP-CP 0.4): what an alert must have to say that it follows it.
#pragma once

#include "content/content.hpp"

#include <string>
#include <string_view>

namespace tocsin::content {

// CAP `code` of an alert that follows the profile.
inline constexpr std::string_view canadian_profile = "profile:CAP-CP:0.4";

// Whether it has, as far as people gave the facts: an event code of the profile, and a location
// code of it in every area. That each `info` has its language and the same codes holds for every
// alert.
bool follows_canadian_profile(const Content& content, const Fixed& fixed);

// What is wrong with the name of a code list that is meant to be that of the profile's events or
// locations; empty where it is right, and for any other list. Receivers compare letter by letter.
std::string event_list_problem(std::string_view name);
std::string location_list_problem(std::string_view name);

bool is_canadian_event_list(std::string_view name);
// Whether it is an event code of the profile by its form: 4 to 12 letters and digits.
bool is_canadian_event(const v1::EventCode& code);
// Whether the area has a location code of the profile.
bool has_canadian_location(const Area& area);

}  // namespace tocsin::content
