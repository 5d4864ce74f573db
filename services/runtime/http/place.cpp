#include "runtime/http/place.hpp"

#include "texts/letters.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace tocsin::runtime {

static std::string spelled(int family, const void* bytes) {
    char text[INET6_ADDRSTRLEN] = {};
    return inet_ntop(family, bytes, text, sizeof text) ? text : std::string{};
}

// To connect to 0.0.0.0 is to connect to this machine.
static std::string of_version_4(const unsigned char* bytes) {
    static constexpr unsigned char any[4] = {};
    if (bytes[0] == 127 || std::memcmp(bytes, any, 4) == 0) return std::string(this_machine);
    return spelled(AF_INET, bytes);
}

static std::string of_version_6(const unsigned char* bytes) {
    static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::memcmp(bytes, mapped, 12) == 0) return of_version_4(bytes + 12);
    if (std::memcmp(bytes, &in6addr_loopback, 16) == 0 || std::memcmp(bytes, &in6addr_any, 16) == 0)
        return std::string(this_machine);
    return spelled(AF_INET6, bytes);
}

std::string one_spelling(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    std::string name = texts::lower_case(std::string(host));
    while (name.ends_with('.')) name.pop_back();
    unsigned char bytes[16];
    if (inet_pton(AF_INET, name.c_str(), bytes) == 1) return of_version_4(bytes);
    // Without the zone: which card it goes by does not make it another host.
    if (inet_pton(AF_INET6, name.substr(0, name.find('%')).c_str(), bytes) == 1)
        return of_version_6(bytes);
    if (name == this_machine || name.ends_with(".localhost")) return std::string(this_machine);
    return name;
}

static std::string part(CURLU* url, CURLUPart which, unsigned flags) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
    return text;
}

std::optional<Place> place_of(const std::string& text) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
    if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
        return std::nullopt;
    Place place{one_spelling(part(url.get(), CURLUPART_HOST, CURLU_PUNYCODE)), 0};
    const std::string port = part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
    if (place.host.empty() || port.empty()) return std::nullopt;
    place.port = std::stoi(port);
    return place;
}

}  // namespace tocsin::runtime
