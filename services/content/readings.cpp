#include "content/templates.hpp"

#include <fmt/format.h>
#include <unicode/dtptngen.h>
#include <unicode/numberformatter.h>
#include <unicode/smpdtfmt.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <utility>

namespace tocsin::content {
namespace {

struct Parameter {
    std::string_view name;
    std::string_view french;
    std::string_view english;
    // Counted from a datum: how much of it is above the threshold says nothing of its size.
    bool level = false;
};

// Names and USGS codes that sources use, as a reader would say them; any other name is shown as it
// is.
constexpr Parameter parameters[] = {
    {"discharge", "débit", "discharge"},
    {"level", "niveau", "level", true},
    {"00010", "température de l'eau", "water temperature"},
    {"00020", "température de l'air", "air temperature"},
    {"00035", "vitesse du vent", "wind speed"},
    {"00045", "précipitations", "precipitation"},
    {"00054", "volume du réservoir", "reservoir storage"},
    {"00060", "débit", "discharge"},
    {"00061", "débit", "discharge"},
    {"00062", "niveau du réservoir", "reservoir level", true},
    {"00065", "niveau", "level", true},
    {"00095", "conductivité", "conductance"},
    {"00300", "oxygène dissous", "dissolved oxygen"},
    {"00400", "pH", "pH"},
    {"62614", "niveau du lac", "lake level", true},
    {"62615", "niveau du lac", "lake level", true},
    {"63158", "niveau", "level", true},
    {"63160", "niveau", "level", true},
    {"63680", "turbidité", "turbidity"},
    {"72019", "profondeur de la nappe", "depth to groundwater", true},
};
// Of a code that nobody outside the source's agency knows.
constexpr Parameter unknown_code{"", "mesure", "reading"};

// Units that do not read as they are written.
constexpr std::pair<std::string_view, std::string_view> units[] = {
    {"cfs", "ft³/s"}, {"cms", "m³/s"}, {"deg C", "°C"}, {"deg F", "°F"}};

// Units of lengths, by their first word: `ft` of `ft NAVD88`.
constexpr std::string_view lengths[] = {"m", "cm", "mm", "ft", "in", "mASD", "mAOD", "masl"};

constexpr int significant_digits_max = 15;  // of a double that survive being written
constexpr int significant_digits = 3;       // of a number that is said aloud
constexpr double tolerable_part = 0.05;     // of the distance to the threshold, lost by rounding

void must(UErrorCode error) {
    if (U_FAILURE(error)) throw std::runtime_error{u_errorName(error)};
}

std::string format_number(double value, const icu::Locale& locale) {
    UErrorCode error = U_ZERO_ERROR;
    std::string text;
    icu::number::NumberFormatter::withLocale(locale)
        .precision(icu::number::Precision::maxSignificantDigits(significant_digits_max))
        .formatDouble(value, error)
        .toString(error)
        .toUTF8String(text);
    must(error);
    return text;
}

std::string format_time(const google::protobuf::Timestamp& time, std::string_view zone,
                        const icu::Locale& locale) {
    UErrorCode error = U_ZERO_ERROR;
    const std::unique_ptr<icu::DateTimePatternGenerator> generator{
        icu::DateTimePatternGenerator::createInstance(locale, error)};
    must(error);
    // Year, month in words, day, hour as the locale counts it, minutes, short zone name.
    const icu::UnicodeString pattern = generator->getBestPattern(u"yMMMMdjmmz", error);
    icu::SimpleDateFormat format{pattern, locale, error};
    must(error);
    const std::unique_ptr<icu::TimeZone> wanted{
        icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(std::string{zone}))};
    // ICU would say GMT.
    if (*wanted == icu::TimeZone::getUnknown()) throw std::invalid_argument{"no such time zone"};
    format.setTimeZone(*wanted);
    icu::UnicodeString formatted;
    format.format(static_cast<double>(time.seconds()) * 1000.0, formatted);
    std::string text;
    return formatted.toUTF8String(text);
}

double with_digits(double value, int digits) {
    const std::string text = fmt::format("{:.{}e}", value, digits - 1);
    double rounded = value;
    std::from_chars(text.data(), text.data() + text.size(), rounded);
    return rounded;
}

// With few digits, but accurate: the distance to the threshold hardly changes, and the value stays
// on its side of it.
double rounded(double value, double threshold) {
    const double tolerable = std::abs(value - threshold) * tolerable_part;
    for (int digits = significant_digits; digits < significant_digits_max; ++digits) {
        const double candidate = with_digits(value, digits);
        if (std::abs(candidate - value) <= tolerable) return candidate;
    }
    return value;
}

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// `m3/s` is m³/s and `ft2` ft²; a digit elsewhere is no power.
std::string readable_unit(const std::string& unit) {
    for (const auto& [plain, readable] : units)
        if (unit == plain) return std::string{readable};
    std::string text;
    for (std::size_t i = 0; i < unit.size(); ++i) {
        const bool ends = i + 1 == unit.size() || !is_letter_or_digit(unit[i + 1]);
        const bool power = (unit[i] == '2' || unit[i] == '3') && ends && i > 0 &&
                           (unit[i - 1] == 'm' || unit.substr(0, i).ends_with("ft") ||
                            unit.substr(0, i).ends_with("in"));
        if (power)
            text += unit[i] == '2' ? "²" : "³";
        else
            text += unit[i];
    }
    return text;
}

bool is_code(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

// Null: none of ours.
const Parameter* find_parameter(std::string_view name) {
    const auto known = std::ranges::find(parameters, name, &Parameter::name);
    return known == std::end(parameters) ? nullptr : known;
}

std::string readable_parameter(const std::string& name, bool french) {
    const Parameter* known = find_parameter(name);
    if (!known && !is_code(name)) return name;
    const Parameter& said = known ? *known : unknown_code;
    return std::string{french ? said.french : said.english};
}

// A parameter by a name that is not ours is classified by its unit.
bool is_level(std::string_view name, std::string_view unit) {
    if (const Parameter* known = find_parameter(name)) return known->level;
    return std::ranges::find(lengths, unit.substr(0, unit.find(' '))) != std::end(lengths);
}

}  // namespace

LanguageValues reading_values(const Evidence& evidence, std::string_view zone) {
    const std::string& series = evidence.series();
    const size_t colon = std::min(series.find(':'), series.size());
    const std::string sensor = colon < series.size() ? series.substr(colon + 1) : std::string{};
    // Of `00060:11878`, the second part says which of several sensors it is.
    const std::string parameter = sensor.substr(0, sensor.find(':'));
    const double said = is_level(parameter, evidence.unit())
                            ? evidence.value()
                            : rounded(evidence.value(), evidence.threshold());
    LanguageValues all;
    for (const std::string language : {"fr-CA", "en-CA"}) {
        const icu::Locale locale{language.c_str()};
        Values& values = all[language];
        values["value"] = format_number(said, locale);
        values["exact_value"] = format_number(evidence.value(), locale);
        values["threshold"] = format_number(evidence.threshold(), locale);
        values["unit"] = readable_unit(evidence.unit());
        values["read_at"] = format_time(evidence.read_at(), zone, locale);
        values["station"] = series.substr(0, colon);
        values["parameter"] = readable_parameter(parameter, language == "fr-CA");
    }
    return all;
}

std::expected<Draft, std::vector<std::string>> draft_at(const Draft& template_,
                                                        const Evidence& reading,
                                                        std::string_view zone,
                                                        const std::string& agency,
                                                        runtime::Time expires) {
    auto draft = fill(template_, {}, reading_values(reading, zone));
    if (!draft) return draft;
    if (draft->agencies().empty()) draft->add_agencies(agency);
    *draft->mutable_expires() = runtime::to_proto(expires);
    return draft;
}

bool reaches(const Evidence& crossed, double threshold) {
    return std::max(crossed.threshold(), crossed.value()) >= threshold;
}

}  // namespace tocsin::content
