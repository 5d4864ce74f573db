#include "runtime/host/config.hpp"

#include "runtime/base/nearest.hpp"
#include "runtime/base/record_limits.hpp"
#include "runtime/host/logs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace tocsin::runtime {

static std::string environment_name(const std::string& name) {
    std::string result = "TOCSIN_";
    for (const char c : name)
        result += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return result;
}

namespace {

// One key=value a line. CLI11's own reader would split a value at commas and spaces, and take
// quotes, brackets and # as syntax; a list of brokers is one value here. What the environment sets
// is passed over, since CLI11 would let the file win.
class PlainFile final : public CLI::Config {
public:
    explicit PlainFile(const CLI::App& app) : app_(app) {}
    std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }
    std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
        std::vector<CLI::ConfigItem> found;
        for (std::string line; std::getline(in, line);) {
            const auto equals = line.find('=');
            const auto begin = line.find_first_not_of(" \t\r");
            if (equals == std::string::npos || line[begin] == '#') continue;
            const std::string name = CLI::detail::trim_copy(line.substr(0, equals));
            const CLI::Option* option = app_.get_option_no_throw("--" + name);
            const char* set = option ? std::getenv(option->get_envname().c_str()) : nullptr;
            if (set != nullptr && *set != '\0') continue;
            CLI::ConfigItem& item = found.emplace_back();
            item.name = name;
            item.inputs = {CLI::detail::trim_copy(line.substr(equals + 1))};
        }
        return found;
    }

private:
    const CLI::App& app_;
};

}  // namespace

Settings::Settings(std::string program, const std::string& description)
    : program_(std::move(program)), app_(std::make_unique<CLI::App>(description, program_)) {
    app_->set_help_flag();
    app_->add_flag("--help,-h", help_);
    app_->add_flag("--version", version_);
    app_->set_config("--config");
    app_->config_formatter(std::make_shared<PlainFile>(*app_));
    app_->allow_config_extras(CLI::config_extras_mode::error);
}

Settings::~Settings() = default;

CLI::Option* Settings::describe(CLI::Option* option, Row row) {
    option->envname(row.environment);
    // A cluster's address goes by this name wherever Kafka is used.
    if (row.name == "kafka-bootstrap" && std::getenv(row.environment.c_str()) == nullptr &&
        std::getenv("KAFKA_BOOTSTRAP_SERVERS") != nullptr)
        option->envname("KAFKA_BOOTSTRAP_SERVERS");
    rows_.push_back(std::move(row));
    return option;
}

void Settings::add(const std::string& name, std::string& target, const std::string& meaning) {
    describe(
        app_->add_option("--" + name, target)->multi_option_policy(CLI::MultiOptionPolicy::Throw),
        {name, target, "", environment_name(name), meaning});
}

void Settings::add(const std::string& name, std::int64_t& target, const std::string& meaning,
                   std::int64_t least, std::int64_t most) {
    describe(app_->add_option("--" + name, target)
                 ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
                 ->check(CLI::Range(least, most)),
             {name, std::to_string(target), fmt::format("{}..{}", least, most),
              environment_name(name), meaning});
}

void Settings::add(const std::string& name, bool& target, const std::string& meaning) {
    describe(app_->add_flag("--" + name, target),
             {name, target ? "true" : "false", "true|false", environment_name(name), meaning});
}

std::string Settings::table() const {
    std::string text = fmt::format(
        "{}\n\nusage: {} [--config FILE] [--NAME VALUE]...\n\n"
        "flags win over the environment, that over the file "
        "(key=value lines), that over the defaults\n\n",
        app_->get_description(), program_);
    for (const Row& row : rows_) {
        text += fmt::format("  --{:<28} {}\n", row.name, row.meaning);
        text += fmt::format("    {:<28} default {}{}, environment {}\n", "",
                            row.value_default.empty() ? "none" : row.value_default,
                            row.bounds.empty() ? "" : ", " + row.bounds, row.environment);
    }
    return text;
}

// The file is read by CLI11; this pass before it gives errors that name line and key.
static std::optional<std::string> file_problem(const std::string& path,
                                               const std::set<std::string>& known,
                                               std::string& unknown) {
    std::ifstream file(path);
    if (!file) return fmt::format("config {}: cannot be read", path);
    std::set<std::string> seen;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        const auto begin = line.find_first_not_of(" \t\r");
        if (begin == std::string::npos || line[begin] == '#') continue;
        const auto equals = line.find('=');
        if (equals == std::string::npos)
            return fmt::format("{} line {}: expected key=value", path, number);
        std::string key = line.substr(begin, equals - begin);
        key.erase(key.find_last_not_of(" \t") + 1);
        if (!known.contains(key)) {
            unknown = key;
            return fmt::format("{} line {}: unknown setting `{}`", path, number, key);
        }
        if (!seen.insert(key).second)
            return fmt::format("{} line {}: `{}` is set twice", path, number, key);
    }
    return std::nullopt;
}

std::optional<int> Settings::parse(int argc, char** argv) {
    std::set<std::string> known;
    for (const Row& row : rows_) known.insert(row.name);
    std::string unknown;
    std::optional<std::string> problem;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        std::string path;
        if (argument == "--config" && i + 1 < argc) path = argv[i + 1];
        if (argument.starts_with("--config=")) path = argument.substr(9);
        if (!path.empty() && !problem) problem = file_problem(path, known, unknown);
        const std::string name = argument.substr(0, argument.find('='));
        if (!name.starts_with("--") || name == "--config" || name == "--help" ||
            name == "--version" || known.contains(name.substr(2)))
            continue;
        unknown = name.substr(2);
        problem = fmt::format("unknown setting `{}`", name);
    }
    if (!problem) {
        try {
            app_->parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            problem = error.what();
        }
    }
    if (help_) {
        std::cout << table();
        return 0;
    }
    if (version_) {
        std::cout << program_ << " " << TOCSIN_VERSION << "\n";
        return 0;
    }
    if (!problem) return std::nullopt;
    if (const std::string near = nearest(unknown, {known.begin(), known.end()});
        !unknown.empty() && !near.empty())
        *problem += "; did you mean " + near + "?";
    logs::start(program_, "info");
    logs::error("settings refused", {{"why", *problem}, {"help", program_ + " --help"}});
    return 2;
}

RuntimeConfig::RuntimeConfig() {
    char host[256] = {};
    instance = gethostname(host, sizeof host - 1) == 0 && host[0] != '\0' ? host : "tocsin";
}

void RuntimeConfig::declare_edge(Settings& settings) {
    settings.add("world", world, "live or exercise; an exercise shares nothing with live");
    settings.add("instance", instance, "stable name of this instance, kept over restarts");
    settings.add("jwks", jwks,
                 "file or URL of the JSON Web Key Set that tokens are checked against");
    settings.add("jwt-issuer", jwt_issuer, "the only accepted iss");
    settings.add("jwt-audience", jwt_audience, "the only accepted aud");
    settings.add("jwt-algorithms", jwt_algorithms,
                 "what the issuer may sign tokens with, of ES256,EdDSA,RS256,PS256");
    settings.add("jwt-leeway-s", jwt_leeway_s, "seconds that clocks may differ", 0, 300);
    settings.add("jwks-refresh-s", jwks_refresh_s,
                 "seconds after which the key set of a URL is fetched again", 10, 86'400);
    settings.add("production", production,
                 "refuse the development issuer, plain-text listeners and default secrets; no core "
                 "dumps");
    settings.add("core-dumps", core_dumps,
                 "leave core dumps and debuggers possible with --production, to find a fault: "
                 "memory holds the keys");
    settings.add("metrics-listen", metrics_listen, "host:port of /metrics; port 0 picks one");
    settings.add("ports-file", ports_file, "where the ports in use are written as JSON");
    settings.add("tls-cert", tls_cert, "certificate chain (PEM); read again when it changes");
    settings.add("tls-key", tls_key, "private key (PEM)");
    settings.add("tls-client-ca", tls_client_ca,
                 "callers must show a certificate of this CA (PEM)");
    settings.add("tls-ca", tls_ca, "CA of the services that this process calls (PEM)");
    settings.add("log-level", log_level, "debug, info, warn or error");
    settings.add("drain-ms-max", drain_ms_max, "longest shutdown", 100, 60'000);
}

void RuntimeConfig::declare(Settings& settings) {
    declare_edge(settings);
    settings.add(
        "live-hosts-file", live_hosts_file,
        "in the exercise world: the hosts of the live channels, which nothing is sent to, as "
        "a live publishing writes them (publishing-hosts-file)");
    settings.add("kafka-bootstrap", kafka_bootstrap,
                 "brokers, host:port,...; KAFKA_BOOTSTRAP_SERVERS too");
    settings.add("kafka-properties", kafka_properties, "file of librdkafka properties (TLS, SASL)");
    settings.add("kafka-partitions", kafka_partitions, "partitions of every topic, fixed for ever",
                 1, 1024);
    settings.add("kafka-replication", kafka_replication,
                 "replicas of every topic; waits for as many brokers. 0: three, or as many brokers "
                 "as answer",
                 0, 9);
    settings.add("kafka-allow-unsafe", kafka_allow_unsafe,
                 "run on a cluster whose settings break the guarantees");
    settings.add("mac-key-file", mac_key_file,
                 "the world's keys: one per line, 64 or more hexadecimal digits, the newest first");
    settings.add("grpc-listen", grpc_listen, "host:port of the API; port 0 picks one");
    settings.add("call-deadline-ms-default", call_deadline_ms_default,
                 "deadline of a call that sets none", 10, 30'000);
    settings.add("calls-in-flight-max", calls_in_flight_max, "calls waiting for a decision", 1,
                 1'000'000);
    settings.add("calls-in-flight-per-realm-max", calls_in_flight_per_realm_max,
                 "of those, calls and waiting reads of one realm; 0: a quarter, at least 64", 0,
                 1'000'000);
    settings.add("reads-waiting-max", reads_waiting_max,
                 "reads waiting for a position to be reached", 1, 1'000'000);
    settings.add("command-bytes-max", command_bytes_max,
                 "longest request that changes something, as it is recorded, bytes; gRPC takes "
                 "calls of up to 2 MiB, so that what is longer is refused with its largest field",
                 64 << 10, command_bytes_limit);
    settings.add("takeover-ms", takeover_ms,
                 "time without a decision after which another instance takes over", 50, 60'000);
    settings.add("pipeline-max", pipeline_max, "decisions appended and not read back", 1, 10'000);
}

std::vector<std::string> RuntimeConfig::algorithms() const {
    std::vector<std::string> names;
    std::istringstream list(jwt_algorithms);
    for (std::string name; std::getline(list, name, ',');)
        names.push_back(CLI::detail::trim_copy(name));
    return names;
}

static bool are_known(const std::vector<std::string>& algorithms) {
    return !algorithms.empty() && std::ranges::all_of(algorithms, [](const std::string& name) {
        return std::ranges::find(signature_algorithms, name) != signature_algorithms.end();
    });
}

std::optional<std::string> RuntimeConfig::edge_problem() const {
    static const std::regex name("[a-zA-Z0-9._-]{1,64}");
    static const std::set<std::string> levels{"debug", "info", "warn", "error"};
    if (world != "live" && world != "exercise") return "world: must be live or exercise";
    if (!std::regex_match(instance, name))
        return "instance: 1 to 64 letters, digits, dots, dashes or underscores";
    if (!levels.contains(log_level)) return "log-level: must be debug, info, warn or error";
    if (!are_known(algorithms()))
        return fmt::format("jwt-algorithms: must be one or more of {}, with commas",
                           fmt::join(signature_algorithms, ","));
    if (tls_cert.empty() != tls_key.empty()) return "tls-cert, tls-key: both or neither";
    if (!tls_client_ca.empty() && tls_cert.empty()) return "tls-client-ca: needs tls-cert";
    return std::nullopt;
}

std::optional<std::string> RuntimeConfig::problem() const {
    if (auto wrong = edge_problem()) return wrong;
    if (jwks.empty()) return "jwks: is required; a file or URL of the key set for tokens";
    if (jwt_issuer.empty() || jwt_audience.empty()) return "jwt-issuer, jwt-audience: are required";
    if (mac_key_file.empty()) return "mac-key-file: is required; the file of the world's keys";
    if (world != "exercise" && !live_hosts_file.empty())
        return "live-hosts-file: is for the exercise world";
    return std::nullopt;
}

}  // namespace tocsin::runtime
