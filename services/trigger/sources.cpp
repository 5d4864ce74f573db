// The table of source formats, made of the files in sources/ (cmake/kinds.cmake).
#include "trigger/sources.hpp"

#include "source_formats.inc"

#include <algorithm>
#include <array>

namespace tocsin::trigger {

#define TOCSIN_DECLARE(name) const SourceFormat& name##_format();
TOCSIN_SOURCE_FORMATS(TOCSIN_DECLARE)
#undef TOCSIN_DECLARE

std::span<const SourceFormat> source_formats() {
#define TOCSIN_ENTRY(name) name##_format(),
    static const std::array all{TOCSIN_SOURCE_FORMATS(TOCSIN_ENTRY)};
#undef TOCSIN_ENTRY
    return all;
}

const SourceFormat* find_format(std::string_view name) {
    const auto all = source_formats();
    const auto found = std::ranges::find(all, name, &SourceFormat::name);
    return found == all.end() ? nullptr : &*found;
}

// A rule on a name that no reading ever has would stay silent for ever.
std::string series_problem(std::string_view format, std::string_view series) {
    const SourceFormat* known = find_format(format);
    if (known == nullptr) return {};
    const std::size_t colon = std::min(series.find(':'), series.size());
    return known->series_problem(series.substr(0, colon),
                                 series.substr(std::min(colon + 1, series.size())));
}

}  // namespace tocsin::trigger
