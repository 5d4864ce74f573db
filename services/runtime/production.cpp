#include "runtime/production.hpp"

#include "runtime/world_key.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

namespace tocsin::runtime {

bool is_loopback(std::string_view listen) {
    return listen.starts_with("127.") || listen.starts_with("localhost:") ||
           listen.starts_with("[::1]:");
}

std::string secret_problem(const std::string& file) {
    const std::filesystem::path path(file);
    std::error_code ignored;
    const bool folder = std::filesystem::is_directory(path, ignored);
    const auto marker = (folder ? path : path.parent_path()) / "DEVELOPMENT";
    if (std::filesystem::exists(marker, ignored))
        return fmt::format("{} was made by ./dev for development", file);
    struct stat status{};
    if (stat(file.c_str(), &status) != 0) return {};  // Whoever needs it says that it is missing.
    if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0)
        return fmt::format("{} is open to other users; set its mode to {}", file,
                           folder ? "0700" : "0600");
    return {};
}

bool is_example_key(std::string_view key) {
    return std::set<char>(key.begin(), key.end()).size() < 12 ||
           [&] {  // Bytes that count up or down, as in 00010203...
               for (std::size_t i = 2; i < key.size(); ++i)
                   if (static_cast<char>(key[i] - key[i - 1]) != static_cast<char>(key[1] - key[0]))
                       return false;
               return true;
           }();
}

static std::optional<std::string> refused(std::string_view setting, std::string_view why) {
    return fmt::format("{}: {}; refused with --production", setting, why);
}

std::optional<std::string> production_edge_problem(const RuntimeConfig& config) {
    if (!config.production) return std::nullopt;
    if (!config.metrics_listen.empty() && !is_loopback(config.metrics_listen))
        return refused("metrics-listen",
                       "figures in plain text are for this machine only (127.0.0.1:PORT), where a "
                       "proxy can serve them over TLS");
    if (!config.tls_key.empty())
        if (const auto why = secret_problem(config.tls_key); !why.empty())
            return refused("tls-key", why);
    return std::nullopt;
}

static std::optional<std::string> identity_problem(const RuntimeConfig& config) {
    if (config.jwt_issuer == "tocsin-dev")
        return refused("jwt-issuer", "tocsin-dev is the development issuer");
    constexpr std::string_view plain = "http://";
    if (config.jwks.starts_with(plain)) {
        if (!is_loopback(config.jwks.substr(plain.size())))
            return refused("jwks", "keys fetched in plain text can be forged; use https");
    } else if (!config.jwks.starts_with("https://")) {
        // A public key set may be read by all, and written by none.
        const auto folder = std::filesystem::path(config.jwks).parent_path();
        std::error_code ignored;
        if (std::filesystem::exists(folder / "DEVELOPMENT", ignored))
            return refused("jwks", config.jwks + " was made by ./dev for development");
    }
    return std::nullopt;
}

std::optional<std::string> production_problem(const RuntimeConfig& config) {
    if (!config.production) return std::nullopt;
    if (auto wrong = identity_problem(config)) return wrong;
    if (config.tls_cert.empty()) return refused("tls-cert", "without it gRPC is plain text");
    if (config.tls_client_ca.empty() && !is_loopback(config.grpc_listen))
        return refused("tls-client-ca", "without it any program may call the services");
    if (auto wrong = production_edge_problem(config)) return wrong;
    if (config.kafka_allow_unsafe) return refused("kafka-allow-unsafe", "it gives up the promises");
    if (const auto why = secret_problem(config.mac_key_file); !why.empty())
        return refused("mac-key-file", why);
    const auto keys = read_world_keys(config.mac_key_file);
    if (!keys) return "mac-key-file: " + keys.error();
    for (const WorldKeys::Key& key : keys->all())
        if (is_example_key(key.bytes))
            return refused("mac-key-file",
                           "key " + key.id + " is an example; make one with openssl rand -hex 32");
    return std::nullopt;
}

}  // namespace tocsin::runtime
