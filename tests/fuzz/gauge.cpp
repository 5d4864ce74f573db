// A reader of gauge feeds (FORMAT): what comes out of any body is fit for a rule, and takes a time
// that grows with the body and no faster.
#include "trigger/sources.hpp"

#include "fuzz/invariant.hpp"
#include "texts/utf8.hpp"

#include <nlohmann/json.hpp>

#include <time.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

namespace tocsin::fuzz {
namespace {

using trigger::Parsed;
using trigger::Series;

constexpr bool is_json = std::string_view(FORMAT).ends_with("json");
constexpr std::size_t grown_bytes = 128 * 1024;

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void fit(const Series& series) {
    must(!series.name.empty() && series.name.size() <= 200, "a series has a name of some length");
    const auto marks = [](unsigned char c) {
        return std::isalnum(c) || c == ':' || c == '.' || c == '_' || c == '-';
    };
    must(std::ranges::all_of(series.name, marks), "a rule can name a series");
    must(series.sensor.size() <= 20, "a sensor is a number of its provider");
    must(series.unit.size() <= 32 && texts::is_utf8(series.unit), "a unit is a short text");
    must(std::ranges::adjacent_find(series.no_data, std::ranges::greater_equal{}) ==
             series.no_data.end(),
         "each time without a value comes once, in order");
    const trigger::Reading* before = nullptr;
    for (const trigger::Reading& reading : series.readings) {
        must(std::isfinite(reading.value) && std::abs(reading.value) <= 1e12,
             "a value is a number");
        must(before == nullptr || before->read_at < reading.read_at,
             "each time comes once, in order");
        before = &reading;
    }
}

void fit(const Parsed& parsed) {
    std::set<std::string> names;
    for (const Series& series : parsed.series) {
        fit(series);
        must(names.insert(series.name).second, "a name is one series");
    }
    // A sensor may have two names.
    must(parsed.series.size() <= 2 * trigger::series_max &&
             parsed.no_data.size() <= trigger::series_max &&
             parsed.skips.size() <= trigger::skips_max,
         "the bounds are kept");
    must(std::ranges::all_of(parsed.skipped.counts, [](auto count) { return count >= 0; }) &&
             parsed.skipped.total() <= 3 * trigger::long_rows_max,
         "what was skipped is counted");
    must(parsed.skipped[trigger::Skip::ahead] == 0, "a reader knows no clock");
    must(parsed.first_fault.empty() == (parsed.skipped[trigger::Skip::bad_row] == 0),
         "a bad row is told of, and nothing else");
    must(parsed.first_fault.size() < 1000 && texts::is_utf8(parsed.first_fault),
         "a fault can be shown");
}

std::expected<Parsed, std::string> read(std::string_view body) {
    auto parsed = trigger::find_format(FORMAT)->read(body);
    if (parsed)
        fit(*parsed);
    else
        must(!parsed.error().empty() && parsed.error().size() < 1000 &&
                 texts::is_utf8(parsed.error()),
             "an error can be shown");
    return parsed;
}

// The longest list in it, again and again.
void grow(nlohmann::json& value, std::size_t times) {
    if (value.is_array() && !value.empty() && value.size() < 4) {
        const auto items = value;
        for (std::size_t i = 1; i < times; ++i)
            value.insert(value.end(), items.begin(), items.end());
        return;
    }
    if (value.is_structured())
        for (auto& item : value) grow(item, times);
}

// Of the same kind and large: half a second and a tenth of a millisecond for a hundred bytes, with
// the sanitizers, are far more than a linear reader takes and far less than another.
void linear(std::string_view body) {
    std::string large;
    if (is_json) {
        auto document = nlohmann::json::parse(body, nullptr, false);
        if (document.is_discarded() || body.size() > 4096) return;
        grow(document, 1900);
        large = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    } else {
        const auto header = std::min(body.find('\n'), body.size());
        large = body.substr(0, header);
        const std::string_view rows = body.substr(header);
        if (rows.empty()) return;
        while (large.size() + rows.size() < grown_bytes) large += rows;
    }
    if (large.size() > 8 * grown_bytes) return;
    const double begun = cpu_seconds();
    (void)read(large);
    must(cpu_seconds() - begun < 0.5 + static_cast<double>(large.size()) * 1e-6,
         "time grows with the body and no faster");
}

}  // namespace
}  // namespace tocsin::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tocsin;
    const std::string_view body = fuzz::text_of(data, size);
    const auto parsed = fuzz::read(body);
    // Costly, so only of what has a shape: of the seeds, which come first, and of some of the rest.
    static int first = 16;
    const bool wanted = first > 0 || std::hash<std::string_view>{}(body) % 16 == 0;
    if (parsed && !parsed->series.empty() && wanted) {
        first = std::max(first - 1, 0);
        fuzz::linear(body);
    }
    return 0;
}
