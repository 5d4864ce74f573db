// ETag, Location and the like: whatever a server sends, it can be shown, cut and sent back, and an
// address means the same after it was written down.
#include "runtime/http/http_header.hpp"

#include "fuzz/invariant.hpp"
#include "runtime/http/http.hpp"

#include <algorithm>
#include <string>

namespace tocsin::fuzz {
namespace {

void harmless(const runtime::HttpHeader& header) {
    const auto shown = [](char c) { return c >= ' ' && c <= '~'; };
    must(std::ranges::all_of(header.value, shown), "a value is printable ASCII");
    must(!header.value.starts_with(' ') && !header.value.ends_with(' '), "a value has no edges");
    must(!header.name.empty() && header.name.find_first_of(" \t\r\n:") == std::string::npos,
         "a name is a token");
    must(std::ranges::none_of(header.name, [](char c) { return c >= 'A' && c <= 'Z'; }),
         "a name is in lower case");
    must(header.name.size() + header.value.size() <= runtime::header_bytes_max, "it is bounded");
    const auto again = runtime::read_header(header.name + ": " + header.value + "\r\n");
    must(
        again == header || header.name.size() + header.value.size() + 4 > runtime::header_bytes_max,
        "a header that is sent back is the same");
}

// An address decides who gets a credential (publishing's `origins`).
void origin(const std::string& url) {
    const std::string found = runtime::origin_of(url);
    if (found.empty()) return;
    must(found.starts_with("http://") || found.starts_with("https://"), "an origin has a scheme");
    const std::string rest = found.substr(found.find("://") + 3);
    must(rest.find_first_of("/?#@\\ \t\r\n") == std::string::npos, "an origin is host and port");
    const auto colon = rest.rfind(':');
    must(colon != std::string::npos && colon > 0 && colon + 1 < rest.size(), "it has a port");
    must(std::ranges::all_of(rest.substr(colon + 1), [](char c) { return c >= '0' && c <= '9'; }),
         "a port is a number");
    must(runtime::origin_of(found + "/") == found, "an origin leads to itself");
}

}  // namespace
}  // namespace tocsin::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tocsin;
    std::string_view lines = fuzz::text_of(data, size);
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size() - 1) + 1;
        const auto header = runtime::read_header(lines.substr(0, end));
        lines.remove_prefix(end);
        if (!header) continue;
        fuzz::harmless(*header);
        fuzz::origin(header->value);
    }
    // As a person or a configuration file gives it, line ends and all.
    if (size < 300) fuzz::origin(std::string(fuzz::text_of(data, size)));
    (void)runtime::is_private_address(fuzz::text_of(data, size));
    return 0;
}
