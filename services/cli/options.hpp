// Options of every verb: where the services are, who calls, how to print.
#pragma once

#include "services.inc"

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace tocsin::cli {

// Short names.
inline constexpr std::string_view service_names[] = {
#define TOCSIN_NAME(service) #service,
    TOCSIN_SERVICES(TOCSIN_NAME)
#undef TOCSIN_NAME
};

struct Options {
    std::map<std::string, std::string> addresses;  // short service name to host:port
    std::string ca;                                // PEM file; empty: plain text
    std::string cert, key;                         // PEM files; shown to services that ask
    bool insecure = false;                         // plain text to other machines too
    std::string token_file;
    std::string as;
    std::string request_id;
    std::string timeout_text = "10s";
    bool json = false;
    bool yes = false;

    std::string realm;
    std::string agency;
    std::string roles;  // with commas
    std::string ttl_text = "1h";
    std::string issuer = "tocsin-dev";
    std::string audience = "tocsin";

    std::string kafka_bootstrap;
    std::string kafka_properties;
    std::string mac_key_file;
    std::string world = "live";
    int partitions = 8;
};

// `500ms`, `10s`, `5m`, `1h` or plain seconds; throws Failure naming `what`.
std::chrono::milliseconds duration_of(std::string_view text, std::string_view what);

std::string environment(const char* name);
// As much as the gateway takes of any request.
inline constexpr std::size_t file_bytes_max = std::size_t{4} << 20;
// The whole file, `-` for standard input; throws Failure, also where it has more than `bytes_max`.
std::string read_file(const std::string& path, std::size_t bytes_max = file_bytes_max);

}  // namespace tocsin::cli
