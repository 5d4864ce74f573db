#include "gateway/route.hpp"

#include "texts/letters.hpp"

#include <vector>

namespace tocsin::gateway {

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        char here = text[at];
        if (here == '%') {
            if (at + 2 >= text.size()) return std::nullopt;
            const int high = hex_value(text[at + 1]);
            const int low = hex_value(text[at + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            here = static_cast<char>(high * 16 + low);
            at += 2;
        }
        if (static_cast<unsigned char>(here) < 0x20 || here == 0x7f) return std::nullopt;
        decoded += here;
    }
    return decoded;
}

static std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::optional<std::string> query_value(std::string_view query, std::string_view key) {
    for (const std::string_view pair : split(query, '&')) {
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos || pair.substr(0, equals) != key) continue;
        return percent_decoded(pair.substr(equals + 1));
    }
    return std::nullopt;
}

static bool strip_suffix(std::string& text, std::string_view suffix) {
    if (!text.ends_with(suffix) || text.size() == suffix.size()) return false;
    text.resize(text.size() - suffix.size());
    return true;
}

// `feeds/<realm>/<lang>.<format>` and `feeds/<realm>/alerts/<identifier>.xml`; an identifier may
// hold anything, escaped.
static Route feed_route(const std::vector<std::string_view>& segments) {
    const bool alert = segments.size() == 4 && segments[2] == "alerts";
    if (!alert && segments.size() != 3) return {};
    auto realm = percent_decoded(segments[1]);
    auto name = percent_decoded(segments.back());
    if (!realm || realm->empty() || !name) return {};
    Route route;
    if (alert) {
        if (!strip_suffix(*name, ".xml")) return {};
        route.kind = Route::Kind::alert;
    } else {
        for (const std::string_view format : {"atom", "rss", "geojson"})
            if (strip_suffix(*name, "." + std::string(format))) {
                route.kind = Route::Kind::feed;
                route.format = format;
                break;
            }
        if (route.kind == Route::Kind::none) return {};
    }
    route.realm = std::move(*realm);
    route.name = std::move(*name);
    return route;
}

static Route path_route(std::string_view path) {
    if (path == "/healthz") return {.kind = Route::Kind::health};
    if (path == "/livez") return {.kind = Route::Kind::live};
    if (!path.starts_with('/')) return {};
    const auto segments = split(path.substr(1), '/');
    if (segments.front() == "feeds") return feed_route(segments);
    if (segments.size() != 2 || !segments[0].starts_with("tocsin.") || segments[1].empty())
        return {};
    return {.kind = Route::Kind::rpc,
            .service = std::string(segments[0]),
            .method = std::string(segments[1])};
}

// RFC 9112 section 3.2.2: what is sent to a proxy, and by some to everybody, names scheme and host
// first. Which host that is does not matter here, as with Host.
static std::string_view origin_form(std::string_view target) {
    const std::size_t colon = target.find("://");
    if (colon == std::string_view::npos || target.starts_with('/')) return target;
    const std::string scheme = texts::lower_case(target.substr(0, colon));
    if (scheme != "http" && scheme != "https") return {};
    target.remove_prefix(colon + 3);
    const std::size_t end = target.find_first_of("/?#");
    const std::string_view host = target.substr(0, end);
    if (host.empty() || host.contains('@') || end == std::string_view::npos) return {};
    return target.substr(end);
}

Route route_of(std::string_view target) {
    target = origin_form(target);
    const std::size_t question = target.find('?');
    Route route = path_route(target.substr(0, question));
    if (question != std::string_view::npos) route.query = target.substr(question + 1);
    return route;
}

}  // namespace tocsin::gateway
