// Where a request goes, in one spelling: what differs only in how it is written is the same place.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::runtime {

struct Place {
    std::string host;
    int port = 0;

    bool operator==(const Place&) const = default;
    auto operator<=>(const Place&) const = default;
};

// What all names and addresses of this machine itself are here.
inline constexpr std::string_view this_machine = "localhost";

// Of a name or an address: small letters, no dot at the end, an address as inet_ntop says it, one
// of version 4 without what maps it into version 6.
std::string one_spelling(std::string_view host);

// Of an http or https URL, by the name that a request to it would be looked up by (beyond ASCII:
// xn--...). Nothing: it names no host.
std::optional<Place> place_of(const std::string& url);

}  // namespace tocsin::runtime
