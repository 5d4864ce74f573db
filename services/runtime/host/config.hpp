// Settings: one table of names, meanings, defaults and bounds, read from flags, environment, file
// and defaults, in that order. A bad value or an unknown name refuses to start and says which.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tocsin::runtime {

class Settings {
public:
    Settings(std::string program, const std::string& description);
    ~Settings();

    // The environment's name is TOCSIN_ and the upper snake case of `name`.
    void add(const std::string& name, std::string& target, const std::string& meaning);
    void add(const std::string& name, std::int64_t& target, const std::string& meaning,
             std::int64_t least, std::int64_t most);
    void add(const std::string& name, bool& target, const std::string& meaning);

    // The exit code when the process should end: 0 after --help or --version, 2 for a bad setting,
    // whose reason is on stderr.
    std::optional<int> parse(int argc, char** argv);

private:
    struct Row {
        std::string name, value_default, bounds, environment, meaning;
    };
    CLI::Option* describe(CLI::Option* option, Row row);
    std::string table() const;

    std::string program_;
    std::unique_ptr<CLI::App> app_;
    std::vector<Row> rows_;
    bool help_ = false;
    bool version_ = false;
};

// Those of tokens that this version verifies (RFC 7518 section 3, RFC 8037).
inline constexpr std::array<std::string_view, 4> signature_algorithms{"ES256", "EdDSA", "RS256",
                                                                      "PS256"};

// What every service has.
struct RuntimeConfig {
    std::string world = "live";
    std::string live_hosts_file;
    std::string instance;
    std::string kafka_bootstrap = "127.0.0.1:9092";
    std::string kafka_properties;
    std::int64_t kafka_partitions = 8;
    std::int64_t kafka_replication = 0;
    bool kafka_allow_unsafe = false;
    std::string mac_key_file;
    std::string jwks;
    std::string jwt_issuer = "tocsin-dev";
    std::string jwt_audience = "tocsin";
    std::string jwt_algorithms = "ES256,EdDSA";
    std::int64_t jwt_leeway_s = 30;
    std::int64_t jwks_refresh_s = 300;
    bool production = false;
    bool core_dumps = false;
    std::string grpc_listen = "127.0.0.1:0";
    std::string metrics_listen = "127.0.0.1:0";
    std::string ports_file;
    std::string tls_cert, tls_key, tls_client_ca, tls_ca;
    std::string log_level = "info";
    std::int64_t call_deadline_ms_default = 5'000;
    std::int64_t calls_in_flight_max = 10'000;
    std::int64_t calls_in_flight_per_realm_max = 0;
    std::int64_t reads_waiting_max = 10'000;
    std::int64_t command_bytes_max = 900'000;
    std::int64_t takeover_ms = 250;
    std::int64_t pipeline_max = 512;
    std::int64_t drain_ms_max = 15'000;

    RuntimeConfig();
    void declare(Settings& settings);
    // For a process without a ledger: only what concerns identity, logs, metrics and TLS.
    void declare_edge(Settings& settings);
    // What makes the settings unusable together; nothing when all is well. What --production
    // refuses is in production.hpp.
    std::optional<std::string> problem() const;
    std::optional<std::string> edge_problem() const;
    // Whether a crash leaves no file of this process's memory.
    bool keeps_memory_private() const { return production && !core_dumps; }
    // Those of `jwt_algorithms`.
    std::vector<std::string> algorithms() const;
};

}  // namespace tocsin::runtime
