#include "runtime/production.hpp"

#include "runtime/kafka/kafka.hpp"
#include "runtime/ledger/world_key.hpp"
#include "texts/letters.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

namespace tocsin::runtime {

static bool is_port(std::string_view text) {
    return text.size() <= 5 &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

static bool is_loopback_host(const std::string& host) {
    in_addr four{};
    if (inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
    in6_addr six{};
    if (inet_pton(AF_INET6, host.c_str(), &six) == 1)
        return std::memcmp(&six, &in6addr_loopback, sizeof six) == 0;
    return host == "localhost";
}

bool is_loopback(std::string_view address) {
    std::string_view host = address, rest;
    if (address.starts_with('[')) {
        const auto end = address.find(']');
        if (end == std::string_view::npos) return false;
        host = address.substr(1, end - 1);
        rest = address.substr(end + 1);
        if (!host.contains(':')) return false;
    } else if (const auto colon = address.find(':'); colon != address.rfind(':')) {
        return is_loopback_host(std::string(address));  // version 6 without brackets, no port
    } else if (colon != std::string_view::npos) {
        host = address.substr(0, colon);
        rest = address.substr(colon);
    }
    return (rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1)))) &&
           is_loopback_host(std::string(host));
}

bool is_loopback_url(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return false;
    const std::string_view rest = url.substr(scheme + 3);
    return is_loopback(rest.substr(0, rest.find_first_of("/?#")));
}

// Who may write the file or a folder on the way to it can put another one in its place.
static std::string owner_problem(const std::filesystem::path& path) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) return {};
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return fmt::format("{} belongs to user {}; chown it to the user of this service or to root",
                           path.string(), status.st_uid);
    // In a folder such as /tmp (sticky) everybody keeps what is theirs.
    if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0) return {};
    if ((status.st_mode & S_IWOTH) != 0)
        return fmt::format("{} can be changed by other users; remove that right (chmod o-w)",
                           path.string());
    // Who else is of the group is not known here, but of root's own.
    if ((status.st_mode & S_IWGRP) != 0 && status.st_gid != 0)
        return fmt::format(
            "{} can be changed by the users of group {}; remove that right (chmod g-w)",
            path.string(), status.st_gid);
    return {};
}

static std::string folders_problem(std::filesystem::path path) {
    for (; path.has_relative_path(); path = path.parent_path())
        if (auto why = owner_problem(path); !why.empty()) return why;
    return {};
}

static std::string place_problem(const std::string& file) {
    if (file.empty()) return {};
    std::error_code ignored;
    const std::filesystem::path path = std::filesystem::absolute(file, ignored).lexically_normal();
    const bool folder = std::filesystem::is_directory(path, ignored);
    if (std::filesystem::exists((folder ? path : path.parent_path()) / "DEVELOPMENT", ignored))
        return fmt::format("{} was made by ./dev for development", file);
    if (auto why = folders_problem(path); !why.empty()) return why;
    // Behind a link, both ways matter.
    const auto real = std::filesystem::canonical(path, ignored);
    return real == path ? "" : folders_problem(real);
}

// `open_to_others`: the bits of a mode that must not be set.
static std::string mode_problem(const std::string& file, mode_t open_to_others,
                                std::string_view mode) {
    struct stat status{};
    if (stat(file.c_str(), &status) != 0 || (status.st_mode & open_to_others) == 0) return {};
    return fmt::format("{} is open to other users; set its mode to {}", file, mode);
}

std::string secret_problem(const std::string& file) {
    std::error_code ignored;
    const bool folder = std::filesystem::is_directory(file, ignored);
    auto why = mode_problem(file, S_IRWXO | S_IWGRP, folder ? "0700" : "0600");
    return why.empty() ? place_problem(file) : why;
}

std::string trust_problem(const std::string& file) {
    auto why = mode_problem(file, S_IWOTH | S_IWGRP, "0644");
    return why.empty() ? place_problem(file) : why;
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

static std::optional<std::string> trust_refused(std::string_view setting, const std::string& file) {
    const auto why = trust_problem(file);
    return why.empty() ? std::nullopt : refused(setting, why);
}

static std::optional<std::string> identity_problem(const RuntimeConfig& config) {
    if (config.jwt_issuer == "tocsin-dev")
        return refused("jwt-issuer", "tocsin-dev is the development issuer");
    if (config.jwks.starts_with("https://")) return std::nullopt;
    if (!config.jwks.starts_with("http://")) return trust_refused("jwks", config.jwks);
    if (is_loopback_url(config.jwks)) return std::nullopt;
    return refused("jwks", "keys fetched in plain text can be forged; use https");
}

std::optional<std::string> production_edge_problem(const RuntimeConfig& config) {
    if (!config.production) return std::nullopt;
    if (!config.metrics_listen.empty() && !is_loopback(config.metrics_listen))
        return refused("metrics-listen",
                       "metrics in plain text are for this machine only (127.0.0.1:PORT), where a "
                       "proxy can serve them over TLS");
    if (auto wrong = identity_problem(config)) return wrong;
    if (const auto why = secret_problem(config.tls_key); !why.empty())
        return refused("tls-key", why);
    if (auto wrong = trust_refused("tls-cert", config.tls_cert)) return wrong;
    if (auto wrong = trust_refused("tls-client-ca", config.tls_client_ca)) return wrong;
    return trust_refused("tls-ca", config.tls_ca);
}

// Which of librdkafka's settings leaves the broker, or the records sent to it, unprotected.
static std::optional<std::string> kafka_tls_problem(
    const std::map<std::string, std::string>& properties) {
    const auto value = [&](const char* name, const char* otherwise) {
        const auto found = properties.find(name);
        return found == properties.end() ? otherwise : texts::lower_case(found->second);
    };
    const std::string protocol = value("security.protocol", "plaintext");
    if (protocol != "ssl" && protocol != "sasl_ssl")
        return refused("kafka-properties",
                       "security.protocol is " + protocol +
                           " with a broker on another machine: others could read and change what "
                           "is decided; set it to ssl or sasl_ssl");
    if (value("ssl.endpoint.identification.algorithm", "https") != "https")
        return refused("kafka-properties",
                       "ssl.endpoint.identification.algorithm must be https, or any holder of a "
                       "certificate could pose as the broker");
    if (const auto checked = value("enable.ssl.certificate.verification", "true");
        checked != "true" && checked != "t" && checked != "1")
        return refused("kafka-properties",
                       "enable.ssl.certificate.verification must be true, or any host could pose "
                       "as the broker");
    return std::nullopt;
}

static std::optional<std::string> kafka_files_problem(
    const std::map<std::string, std::string>& properties) {
    for (const auto& [name, value] : properties) {
        const bool secret = name == "ssl.key.location" || name == "ssl.keystore.location" ||
                            name == "sasl.kerberos.keytab";
        const auto why = secret                      ? secret_problem(value)
                         : name == "ssl.ca.location" ? trust_problem(value)
                                                     : "";
        if (!why.empty()) return refused("kafka-properties", fmt::format("{}: {}", name, why));
    }
    return std::nullopt;
}

std::optional<std::string> brokers_problem(const RuntimeConfig& config,
                                           const std::vector<std::string>& brokers) {
    if (!config.production || std::ranges::all_of(brokers, is_loopback)) return std::nullopt;
    const auto properties = read_properties(config.kafka_properties);
    if (!properties) return "kafka-properties: " + properties.error();
    return kafka_tls_problem(*properties);
}

static bool is_all_loopback(const std::string& brokers) {
    std::istringstream list(brokers);
    for (std::string broker; std::getline(list, broker, ',');) {
        broker.erase(0, broker.find_first_not_of(' '));
        broker.erase(broker.find_last_not_of(' ') + 1);
        if (!is_loopback(broker)) return false;
    }
    return true;
}

static std::optional<std::string> kafka_problem(const RuntimeConfig& config) {
    if (config.kafka_allow_unsafe)
        return refused("kafka-allow-unsafe", "it gives up the guarantees");
    if (const auto why = secret_problem(config.kafka_properties); !why.empty())
        return refused("kafka-properties", why);
    const auto properties = read_properties(config.kafka_properties);
    if (!properties) return "kafka-properties: " + properties.error();
    if (!is_all_loopback(config.kafka_bootstrap))
        if (auto wrong = kafka_tls_problem(*properties)) return wrong;
    return kafka_files_problem(*properties);
}

static std::optional<std::string> world_key_problem(const std::string& file) {
    if (const auto why = secret_problem(file); !why.empty()) return refused("mac-key-file", why);
    const auto keys = read_world_keys(file);
    if (!keys) return "mac-key-file: " + keys.error();
    for (const WorldKeys::Key& key : keys->all())
        if (is_example_key(key.bytes))
            return refused("mac-key-file",
                           "key " + key.id + " is an example; make one with openssl rand -hex 32");
    return std::nullopt;
}

std::optional<std::string> production_problem(const RuntimeConfig& config) {
    if (!config.production) return std::nullopt;
    if (auto wrong = identity_problem(config)) return wrong;
    if (config.tls_cert.empty()) return refused("tls-cert", "without it gRPC is plain text");
    if (config.tls_client_ca.empty() && !is_loopback(config.grpc_listen))
        return refused("tls-client-ca", "without it any program may call the services");
    if (auto wrong = production_edge_problem(config)) return wrong;
    if (auto wrong = kafka_problem(config)) return wrong;
    return world_key_problem(config.mac_key_file);
}

}  // namespace tocsin::runtime
