// What a server of HTTP grants its peers.
#pragma once

#include <chrono>
#include <cstddef>

namespace tocsin::gateway {

struct HttpLimits {
    std::size_t connections_max = 4096;
    std::size_t connections_per_address_max = 1024;
    double new_connections_per_address = 500;  // a second, twice as many at once; 0: no limit
    std::size_t unsent_bytes_max = std::size_t{128} << 20;  // of all responses
    // A response that began less than this ago is given up for room only where all are so young.
    std::chrono::milliseconds unsent_grace{1'000};
    std::size_t header_bytes_max = std::size_t{16} * 1024;
    std::chrono::milliseconds idle{60'000};   // from one request to the end of the next header
    std::chrono::milliseconds read{15'000};   // a body
    std::chrono::milliseconds write{15'000};  // a response
    std::chrono::milliseconds handshake{5'000};
    std::chrono::milliseconds look_for_gone{250};  // how often who left is looked for
    // After the end of what a peer sends it may be waiting for the answer, or be gone. It is gone
    // after this time, unless what it asked for may have changed something.
    std::chrono::milliseconds quiet{2'000};
};

}  // namespace tocsin::gateway
