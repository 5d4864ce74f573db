#include "runtime/http/http_header.hpp"

#include "texts/letters.hpp"
#include "texts/trimmed.hpp"

#include <algorithm>

namespace tocsin::runtime {

static bool is_name(std::string_view text) {
    static constexpr std::string_view letters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
    return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos;
}

std::optional<HttpHeader> read_header(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || line.size() > header_bytes_max) return std::nullopt;
    HttpHeader header{texts::lower_case(line.substr(0, colon)),
                      std::string(texts::trimmed(line.substr(colon + 1)))};
    if (!is_name(header.name)) return std::nullopt;
    std::ranges::replace_if(header.value, [](char c) { return c < ' ' || c > '~'; }, '?');
    return header;
}

}  // namespace tocsin::runtime
