// Names from lists that the world keeps. What ICU takes for one it does not know it replaces in
// silence, by GMT or by another language: so they are checked where people write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::texts {

// A time zone of the IANA database, in its own spelling and by a place or UTC; an offset such as
// `GMT-7` is none, nor is `AST`, which means several.
bool is_time_zone(std::string_view name);
// Whether this machine's database has it, by whatever name.
bool has_time_zone(std::string_view name);
std::vector<std::string> time_zones();

// A BCP 47 tag of a language of ISO 639 and, where there is one, a country of ISO 3166: `fr-CA`,
// `moh`.
bool is_language(std::string_view tag);

}  // namespace tocsin::texts
