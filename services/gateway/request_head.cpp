#include "gateway/request_head.hpp"

#include "texts/letters.hpp"
#include "texts/trimmed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace tocsin::gateway {

static constexpr std::string_view line_end = "\r\n";

std::optional<HeadFault> bytes_fault(std::string_view begun, std::size_t begin) {
    for (std::size_t at = begin; at < begun.size(); ++at) {
        const auto byte = static_cast<unsigned char>(begun[at]);
        if (byte == '\r') {
            if (at + 1 < begun.size() && begun[at + 1] != '\n')
                return HeadFault{"", "a carriage return without a line feed"};
        } else if (byte == '\n') {
            if (at == 0 || begun[at - 1] != '\r')
                return HeadFault{"", "a line feed without a carriage return"};
        } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return HeadFault{"", fmt::format("a control character ({:#04x}) in the header", byte)};
        }
    }
    return std::nullopt;
}

// RFC 9110 section 5.6.2.
static bool is_token(std::string_view text) {
    static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    const auto fits = [](char letter) {
        return std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
               marks.find(letter) != std::string_view::npos;
    };
    return !text.empty() && std::ranges::all_of(text, fits);
}

namespace {

// Those that say where a request ends, whom it is for, who sends it, and how it is to be read. Of
// what else is read here, lists are read whole (joined), and a traceparent that comes twice is
// none.
struct Framing {
    static constexpr std::array<std::string_view, 8> once{
        "host",         "content-length",     "transfer-encoding",        "authorization",
        "content-type", "connect-timeout-ms", "connect-protocol-version", "content-encoding"};
    std::array<std::optional<std::string_view>, once.size()> values;

    std::optional<std::string_view> host() const { return values[0]; }
    std::optional<std::string_view> content_length() const { return values[1]; }
    std::optional<std::string_view> transfer_encoding() const { return values[2]; }
};

}  // namespace

static std::optional<HeadFault> request_line_fault(std::string_view line) {
    const std::size_t method_end = line.find(' ');
    const std::size_t target_end = line.rfind(' ');
    if (method_end == std::string_view::npos || target_end <= method_end + 1 ||
        !is_token(line.substr(0, method_end)))
        return HeadFault{"", "the request line is expected to be METHOD TARGET HTTP/1.1"};
    const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
    if (target.find_first_of(" \t") != std::string_view::npos)
        return HeadFault{"", "a blank in the request target: send it as %20"};
    const std::string_view version = line.substr(target_end + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return HeadFault{"", "HTTP/1.1 or HTTP/1.0 is expected"};
    return std::nullopt;
}

static std::optional<HeadFault> field_fault(std::string_view line, Framing& framing) {
    if (line.starts_with(' ') || line.starts_with('\t'))
        return HeadFault{"", "a folded header line: send each field in one line"};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
        return HeadFault{"",
                         "a header line is expected to be NAME: VALUE, without a blank before "
                         "the colon"};
    const std::string name = texts::lower_case(line.substr(0, colon));
    const auto known = std::ranges::find(Framing::once, name);
    if (known == Framing::once.end()) return std::nullopt;
    auto& value = framing.values[static_cast<std::size_t>(known - Framing::once.begin())];
    if (value) return HeadFault{name, fmt::format("{}: given twice", name)};
    value = texts::trimmed(line.substr(colon + 1), " \t");
    return std::nullopt;
}

std::optional<HeadFault> trailer_fault(std::string_view trailer) {
    if (auto fault = bytes_fault(trailer)) return fault;
    while (true) {
        const std::size_t end = trailer.find(line_end);
        if (end == 0 || end == std::string_view::npos) return std::nullopt;
        Framing of_nothing;
        if (auto fault = field_fault(trailer.substr(0, end), of_nothing)) return fault;
        trailer.remove_prefix(end + line_end.size());
    }
}

static std::optional<HeadFault> host_fault(const Framing& framing, bool is_1_0) {
    if (!framing.host())
        return is_1_0 ? std::nullopt
                      : std::optional<HeadFault>({"host", "host: is required in HTTP/1.1"});
    if (framing.host()->find_first_of(" \t,/\\@?#\"<>") != std::string_view::npos)
        return HeadFault{"host", "host: one name or address is expected, with or without :PORT"};
    return std::nullopt;
}

static std::optional<HeadFault> length_fault(const Framing& framing, bool is_1_0) {
    if (const auto encoding = framing.transfer_encoding()) {
        if (is_1_0) return HeadFault{"transfer-encoding", "transfer-encoding: HTTP/1.0 knows none"};
        if (texts::lower_case(*encoding) != "chunked")
            return HeadFault{"transfer-encoding", "transfer-encoding: only chunked is understood"};
        if (framing.content_length())
            return HeadFault{"content-length",
                             "content-length: not together with transfer-encoding"};
    }
    const auto length = framing.content_length();
    if (!length) return std::nullopt;
    const auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
    if (length->empty() || length->size() > 18 || !std::ranges::all_of(*length, is_digit))
        return HeadFault{"content-length", "content-length: 1 to 18 digits are expected"};
    return std::nullopt;
}

std::optional<HeadFault> head_fault(std::string_view head) {
    if (auto fault = bytes_fault(head)) return fault;
    std::size_t end = head.find(line_end);
    const std::string_view request_line = head.substr(0, end);
    if (auto fault = request_line_fault(request_line)) return fault;
    Framing framing;
    while (true) {
        head.remove_prefix(end + line_end.size());
        end = head.find(line_end);
        if (end == 0 || end == std::string_view::npos) break;
        if (auto fault = field_fault(head.substr(0, end), framing)) return fault;
    }
    const bool is_1_0 = request_line.ends_with("HTTP/1.0");
    if (auto fault = host_fault(framing, is_1_0)) return fault;
    return length_fault(framing, is_1_0);
}

}  // namespace tocsin::gateway
