// The pre-check of a request's head: what it lets pass, Beast reads as the same request.
#include "gateway/request_head.hpp"

#include "fuzz/invariant.hpp"

#include <boost/beast/http.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace tocsin::fuzz {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::empty_body>;

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

struct Line {
    std::string_view name, value;
};

// Read as plainly as can be: a line is up to CRLF, a name is up to the colon.
std::vector<Line> fields_of(std::string_view head) {
    std::vector<Line> lines;
    for (auto end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n")) {
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(end + 2);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        lines.push_back({line.substr(0, colon), trimmed(line.substr(colon + 1))});
    }
    return lines;
}

bool is_same(const Line& line, const Parser::value_type::fields_type::value_type& field) {
    const auto name = field.name_string();
    return boost::beast::iequals(name, {line.name.data(), line.name.size()}) &&
           std::string_view(field.value().data(), field.value().size()) == line.value;
}

// Beast may refuse more; what both take must be one request.
void read_alike(std::string_view head) {
    Parser parser;
    parser.header_limit(1 << 16);
    parser.body_limit(boost::none);
    boost::beast::error_code error;
    const std::size_t taken = parser.put(boost::asio::buffer(head.data(), head.size()), error);
    if (error && error != http::error::need_more) return;
    must(parser.is_header_done() && taken == head.size(), "Beast's head ends where ours does");
    const auto& request = parser.get();
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const auto rest = head.substr(line.size() + 2);
    must(line == std::string(request.method_string()) + ' ' + std::string(request.target()) +
                     (request.version() == 11 ? " HTTP/1.1" : " HTTP/1.0"),
         "the request line is read alike");
    const auto lines = fields_of(rest);
    must(static_cast<std::size_t>(std::distance(request.begin(), request.end())) == lines.size(),
         "no header line is dropped, joined or split");
    for (const Line& one : lines)
        must(std::ranges::any_of(request, [&](const auto& field) { return is_same(one, field); }),
             "a header is read alike");
    must(parser.chunked() == (request.count(http::field::transfer_encoding) == 1),
         "a transfer encoding means chunks");
    must(parser.content_length().has_value() == (request.count(http::field::content_length) == 1),
         "a length is read as one");
    must(!parser.chunked() || !parser.content_length(), "one thing says where the body ends");
    must(request.version() != 11 || request.count(http::field::host) == 1, "one host is named");
}

// As bytes arrive: what is refused early is refused as a whole, however the bytes were cut.
void early_verdict(std::string_view head, bool refused) {
    if (head.size() < 2) return;
    const std::size_t cut = 1 + static_cast<unsigned char>(head.front()) % (head.size() - 1);
    const bool early = gateway::bytes_fault(head.substr(0, cut)).has_value();
    must(!early || refused, "a head that began badly is refused");
    const bool late = gateway::bytes_fault(head, cut - 1).has_value();
    must((early || late) == gateway::bytes_fault(head).has_value(), "a cut hides no byte");
}

}  // namespace
}  // namespace tocsin::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tocsin;
    const std::string_view all = fuzz::text_of(data, size);
    const auto end = all.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        (void)gateway::bytes_fault(all);
        return 0;
    }
    const std::string_view head = all.substr(0, end + 4);
    const auto fault = gateway::head_fault(head);
    fuzz::must(!fault || !fault->what.empty(), "a refusal says why");
    fuzz::early_verdict(head, fault.has_value());
    if (!fault) fuzz::read_alike(head);
    return 0;
}
