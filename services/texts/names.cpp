#include "texts/names.hpp"

#include <unicode/strenum.h>
#include <unicode/timezone.h>
#include <unicode/uloc.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

namespace tocsin::texts {

static constexpr std::size_t zone_bytes_max = 64;

bool has_time_zone(std::string_view name) {
    if (name.empty() || name.size() > zone_bytes_max) return false;
    UErrorCode error = U_ZERO_ERROR;
    UBool listed = false;
    icu::UnicodeString canonical;
    icu::TimeZone::getCanonicalID(
        icu::UnicodeString::fromUTF8({name.data(), static_cast<std::int32_t>(name.size())}),
        canonical, listed, error);
    // ICU's own name for a zone that it does not know is in its list.
    return U_SUCCESS(error) && listed && name != "Etc/Unknown";
}

bool is_time_zone(std::string_view name) {
    if (name == "UTC") return true;
    // Without a place it is an abbreviation, which people and ICU read in several ways (AST, BST);
    // fixed offsets of the database have the other sign than people write.
    if (!name.contains('/') || name.starts_with("SystemV/")) return false;
    if (name.starts_with("Etc/GMT") && name.size() > 7) return false;
    return has_time_zone(name);
}

std::vector<std::string> time_zones() {
    std::vector<std::string> names;
    UErrorCode error = U_ZERO_ERROR;
    const std::unique_ptr<icu::StringEnumeration> all{
        icu::TimeZone::createTimeZoneIDEnumeration(UCAL_ZONE_TYPE_ANY, nullptr, nullptr, error)};
    if (U_FAILURE(error)) return names;
    while (const char* name = all->next(nullptr, error)) names.emplace_back(name);
    std::erase_if(names, [](const std::string& name) { return !is_time_zone(name); });
    return names;
}

static bool is_among(const char* const* known, std::string_view name) {
    for (; *known != nullptr; ++known)
        if (name == *known) return true;
    return false;
}

// Three-letter names of languages that have one of two: those of ISO 639-2/T, and the older ones of
// ISO 639-2/B.
static bool has_two_letters(std::string_view language) {
    static const std::set<std::string, std::less<>> longer = [] {
        std::set<std::string, std::less<>> names{"alb", "arm", "baq", "bur", "chi", "cze", "dut",
                                                 "fre", "geo", "ger", "gre", "ice", "mac", "mao",
                                                 "may", "per", "rum", "slo", "tib", "wel"};
        for (const char* const* known = uloc_getISOLanguages(); *known != nullptr; ++known)
            if (std::string_view(*known).size() == 2) names.emplace(uloc_getISO3Language(*known));
        return names;
    }();
    return longer.contains(language);
}

static bool are_between(std::string_view letters, char first, char last) {
    return std::ranges::all_of(letters, [=](char c) { return c >= first && c <= last; });
}

bool is_language(std::string_view tag) {
    const std::size_t dash = std::min(tag.find('-'), tag.size());
    const std::string_view language = tag.substr(0, dash);
    if (!are_between(language, 'a', 'z')) return false;
    // Of the 8,000 languages with three letters ICU lists a few hundred. One that has two letters
    // is written with two (BCP 47, section 2.2.1).
    const bool spoken = (language.size() == 3 && !has_two_letters(language)) ||
                        (language.size() == 2 && is_among(uloc_getISOLanguages(), language));
    if (!spoken || dash == tag.size()) return spoken;
    const std::string_view country = tag.substr(dash + 1);
    return country.size() == 2 && is_among(uloc_getISOCountries(), country);
}

}  // namespace tocsin::texts
