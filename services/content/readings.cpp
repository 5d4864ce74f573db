#include "content/templates.hpp"

#include <unicode/dtptngen.h>
#include <unicode/numberformatter.h>
#include <unicode/smpdtfmt.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace tocsin::content {
namespace {

struct Parameter {
    std::string_view name;
    std::string_view french;
    std::string_view english;
};

// Names that sources use, as a reader would say them; any other is shown as it is.
constexpr Parameter parameters[] = {
    {"discharge", "débit", "discharge"},
    {"level", "niveau", "level"},
};

void must(UErrorCode error) {
    if (U_FAILURE(error)) throw std::runtime_error{u_errorName(error)};
}

std::string format_number(double value, const icu::Locale& locale) {
    UErrorCode error = U_ZERO_ERROR;
    std::string text;
    icu::number::NumberFormatter::withLocale(locale)
        .precision(icu::number::Precision::maxFraction(3))
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
    format.setTimeZone(*wanted == icu::TimeZone::getUnknown() ? *icu::TimeZone::getGMT() : *wanted);
    icu::UnicodeString formatted;
    format.format(static_cast<double>(time.seconds()) * 1000.0, formatted);
    std::string text;
    return formatted.toUTF8String(text);
}

std::string readable_unit(std::string unit) {
    for (const auto& [plain, raised] : {std::pair{"m3", "m³"}, std::pair{"m2", "m²"}})
        if (unit.starts_with(plain)) unit.replace(0, 2, raised);
    return unit;
}

std::string readable_parameter(const std::string& name, bool french) {
    const auto known = std::ranges::find(parameters, name, &Parameter::name);
    if (known == std::end(parameters)) return name;
    return std::string{french ? known->french : known->english};
}

}  // namespace

LanguageValues reading_values(const Evidence& evidence, std::string_view zone) {
    const std::string& series = evidence.series();
    const size_t colon = std::min(series.find(':'), series.size());
    const std::string parameter = colon < series.size() ? series.substr(colon + 1) : std::string{};
    LanguageValues all;
    for (const std::string language : {"fr-CA", "en-CA"}) {
        const icu::Locale locale{language.c_str()};
        Values& values = all[language];
        values["value"] = format_number(evidence.value(), locale);
        values["threshold"] = format_number(evidence.threshold(), locale);
        values["unit"] = readable_unit(evidence.unit());
        values["read_at"] = format_time(evidence.read_at(), zone, locale);
        values["station"] = series.substr(0, colon);
        values["parameter"] = readable_parameter(parameter, language == "fr-CA");
    }
    return all;
}

}  // namespace tocsin::content
