// One header line of a server's answer, so that nothing in it harms what comes later: it may be
// cut and shown, and sent back as the header of another request.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::runtime {

inline constexpr std::size_t header_bytes_max = 2048;

struct HttpHeader {
    std::string name;   // in lower case
    std::string value;  // printable ASCII; what a server sent beyond that is a `?`

    bool operator==(const HttpHeader&) const = default;
};

// Nothing for a status line, the empty line at the end, a name that is none (RFC 9110 section
// 5.1), and for more than `header_bytes_max`.
std::optional<HttpHeader> read_header(std::string_view line);

}  // namespace tocsin::runtime
