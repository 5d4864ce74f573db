#include "trigger/sources/fields.hpp"

#include "texts/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tocsin::trigger {
namespace {

constexpr double value_max = 1e12;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes exactly `digits` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
    if (text.size() < digits || !std::all_of(text.begin(), text.begin() + digits, is_digit))
        return std::nullopt;
    int number = 0;
    for (const char c : text.substr(0, digits)) number = number * 10 + (c - '0');
    text.remove_prefix(digits);
    return number;
}

bool take(std::string_view& text, char wanted) {
    if (!text.starts_with(wanted)) return false;
    text.remove_prefix(1);
    return true;
}

// `hh:mm`, at most `hour_max` hours.
std::optional<std::chrono::minutes> take_clock(std::string_view& text, int hour_max) {
    const auto hours = take_number(text, 2);
    if (!hours || *hours > hour_max || !take(text, ':')) return std::nullopt;
    const auto minutes = take_number(text, 2);
    if (!minutes || *minutes > 59) return std::nullopt;
    return std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
    const auto year = take_number(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_number(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = take_number(text, 2);
    if (!day) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok() || *year < 1800) return std::nullopt;
    return std::chrono::sys_days{date};
}

// `:ss[.fraction]`, where it is there; finer than microseconds is cut off.
std::optional<runtime::Duration> take_seconds(std::string_view& text) {
    if (!take(text, ':')) return runtime::Duration{0};
    const auto seconds = take_number(text, 2);
    if (!seconds || *seconds > 59) return std::nullopt;
    runtime::Duration result = std::chrono::seconds{*seconds};
    if (!take(text, '.')) return result;
    int digits = 0;
    for (int scale = 100'000; !text.empty() && is_digit(text.front()); scale /= 10, ++digits) {
        result += runtime::Duration{(text.front() - '0') * scale};
        text.remove_prefix(1);
    }
    if (digits == 0 || digits > 9) return std::nullopt;
    return result;
}

std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
    if (take(text, 'Z')) return std::chrono::minutes{0};
    const bool west = text.starts_with('-');
    if (!west && !text.starts_with('+')) return std::nullopt;
    text.remove_prefix(1);
    const auto offset = take_clock(text, 14);
    if (!offset) return std::nullopt;
    return west ? -*offset : *offset;
}

}  // namespace

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<double> parse_value(std::string_view text) {
    text = trim(text);
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::general);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (!std::isfinite(value) || std::abs(value) > value_max) return std::nullopt;
    return value;
}

std::optional<Time> parse_time(std::string_view text) {
    text = trim(text);
    const auto date = take_date(text);
    if (!date || !take(text, 'T')) return std::nullopt;
    const auto clock = take_clock(text, 23);
    if (!clock) return std::nullopt;
    const auto seconds = take_seconds(text);
    if (!seconds) return std::nullopt;
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return std::nullopt;
    return Time{*date} + *clock + *seconds - *offset;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 48 && std::ranges::all_of(text, [](char c) {
        return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
               c == '_' || c == '-';
    });
}

bool is_text(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = texts::utf8_length(text);
        if (length == 0 || text.front() == '\0') return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string_view without_mark(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    return text;
}

std::string_view kind_of(std::string_view body) {
    body = without_mark(body);
    const auto first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return "empty";
    body.remove_prefix(first);
    if (body.starts_with('<')) return "a web page or XML";
    if (body.starts_with('{') || body.starts_with('[')) return "JSON";
    if (body.starts_with("\x1F\x8B")) return "compressed";
    return {};
}

void put_in_order(Series& series) {
    auto& readings = series.readings;
    // Those without a value first, so that of one time a value is the last where there is one.
    std::ranges::stable_partition(readings,
                                  [](const Reading& one) { return std::isnan(one.value); });
    std::ranges::stable_sort(readings, {}, &Reading::read_at);
    const auto gone =
        std::unique(readings.rbegin(), readings.rend(),
                    [](const Reading& a, const Reading& b) { return a.read_at == b.read_at; });
    readings.erase(readings.begin(), gone.base());
    for (const Reading& reading : readings)
        if (std::isnan(reading.value)) series.no_data.push_back(reading.read_at);
    if (!series.no_data.empty())
        std::erase_if(readings, [](const Reading& reading) { return std::isnan(reading.value); });
}

std::size_t identity(std::initializer_list<std::string_view> parts) {
    std::size_t result = parts.size();
    for (const std::string_view part : parts)
        result = result * 0x9E3779B97F4A7C15 + std::hash<std::string_view>{}(part);
    return result;
}

}  // namespace tocsin::trigger
