#include "runtime/kafka/kafka.hpp"

#include "texts/trimmed.hpp"

#include <fmt/format.h>

#include <fstream>

namespace tocsin::runtime {

std::expected<std::map<std::string, std::string>, std::string> read_properties(
    const std::string& path) {
    std::map<std::string, std::string> properties;
    if (path.empty()) return properties;
    std::ifstream file(path);
    if (!file) return std::unexpected(fmt::format("cannot read {}", path));
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        const auto text = texts::trimmed(line);
        if (text.empty() || text.front() == '#') continue;
        const auto equals = text.find('=');
        if (equals == std::string_view::npos || equals == 0)
            return std::unexpected(fmt::format("{} line {}: expected key=value", path, number));
        properties.emplace(texts::trimmed(text.substr(0, equals)),
                           texts::trimmed(text.substr(equals + 1)));
    }
    return properties;
}

static KafkaSettings base_settings(const KafkaAccess& access) {
    KafkaSettings settings{
        {"client.id", "tocsin"},
        // Nagle is on by default in 2.0.2 and costs 40 ms here and there.
        {"socket.nagle.disable", "true"},
        {"socket.keepalive.enable", "true"},
        {"reconnect.backoff.ms", "20"},
        {"reconnect.backoff.max.ms", "500"},
        {"topic.metadata.refresh.fast.interval.ms", "50"},
        {"log.connection.close", "false"},
    };
    if (access.bootstrap.starts_with("127.") || access.bootstrap.starts_with("localhost"))
        settings.emplace_back("broker.address.family", "v4");
    settings.insert(settings.end(), access.properties.begin(), access.properties.end());
    settings.emplace_back("bootstrap.servers", access.bootstrap);
    return settings;
}

KafkaSettings writer_settings(const KafkaAccess& access) {
    KafkaSettings settings = base_settings(access);
    settings.insert(settings.end(),
                    {{"linger.ms", "0"},
                     {"acks", "all"},
                     // The chain does the work of idempotence; the idempotent producer turns fatal
                     // after a broker was killed, and spins at full pipelines.
                     {"enable.idempotence", "false"},
                     // One request under way: batches form meanwhile, instead of one fsync per
                     // record.
                     {"max.in.flight.requests.per.connection", "1"},
                     {"message.timeout.ms", "10000"},
                     {"retry.backoff.ms", "50"},
                     {"message.max.bytes", "1048576"},
                     {"queue.buffering.max.messages", "200000"},
                     {"queue.buffering.max.kbytes", "262144"}});
    return settings;
}

KafkaSettings reader_settings(const KafkaAccess& access, std::chrono::milliseconds fetch_wait) {
    KafkaSettings settings = base_settings(access);
    settings.insert(settings.end(), {{"fetch.wait.max.ms", std::to_string(fetch_wait.count())},
                                     {"fetch.error.backoff.ms", "20"},
                                     {"enable.auto.commit", "false"},
                                     {"enable.partition.eof", "true"},
                                     {"check.crcs", "true"},
                                     // A full fetch queue pauses for 1 s in 2.0.2: large enough for
                                     // a replay that is drained as fast as it comes.
                                     {"queued.min.messages", "1000000"},
                                     {"queued.max.messages.kbytes", "262144"},
                                     {"fetch.message.max.bytes", "4194304"}});
    return settings;
}

}  // namespace tocsin::runtime
