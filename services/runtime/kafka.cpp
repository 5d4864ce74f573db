#include "runtime/kafka.hpp"

#include "runtime/logs.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <fstream>
#include <mutex>
#include <stdexcept>

namespace tocsin::runtime {

struct KafkaLock {
    std::mutex mutex;
};

static std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::expected<std::map<std::string, std::string>, std::string> read_properties(
    const std::string& path) {
    std::map<std::string, std::string> properties;
    if (path.empty()) return properties;
    std::ifstream file(path);
    if (!file) return std::unexpected(fmt::format("cannot read {}", path));
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        const auto text = trimmed(line);
        if (text.empty() || text.front() == '#') continue;
        const auto equals = text.find('=');
        if (equals == std::string_view::npos || equals == 0)
            return std::unexpected(fmt::format("{} line {}: expected key=value", path, number));
        properties.emplace(trimmed(text.substr(0, equals)), trimmed(text.substr(equals + 1)));
    }
    return properties;
}

struct KafkaCallbacks {
    template <class Owner>
    static void error(rd_kafka_t* handle, int code, const char* reason, void* opaque) {
        auto* owner = static_cast<Owner*>(opaque);
        if (code == RD_KAFKA_RESP_ERR__FATAL) {
            char text[512];
            rd_kafka_fatal_error(handle, text, sizeof text);
            owner->fatal_ = text;
            logs::error("kafka handle is dead", {{"error", text}});
            return;
        }
        if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) owner->trouble_ = true;
        logs::debug("kafka reports trouble", {{"error", reason}});
    }

    static void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
        const std::unique_ptr<KafkaWriter::Stored> stored(
            static_cast<KafkaWriter::Stored*>(message->_private));
        if (!stored) return;
        (*stored)(message->err == RD_KAFKA_RESP_ERR_NO_ERROR, message->offset);
    }

    // librdkafka prints to stderr by default, which is for JSON lines.
    static void log(const rd_kafka_t*, int level, const char* facility, const char* text) {
        if (level <= 3)
            logs::warn("kafka client", {{"facility", facility}, {"text", text}});
        else
            logs::debug("kafka client", {{"facility", facility}, {"text", text}});
    }
};

static void set(rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
    char text[512];
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK)
        throw std::runtime_error(fmt::format("kafka property {}: {}", key, text));
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

static rd_kafka_conf_t* conf_of(const KafkaSettings& settings) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    for (const auto& [key, value] : settings) set(conf, key, value);
    rd_kafka_conf_set_log_cb(conf, &KafkaCallbacks::log);
    return conf;
}

static rd_kafka_t* open_handle(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
    char text[512];
    rd_kafka_t* handle = rd_kafka_new(type, conf, text, sizeof text);
    if (handle == nullptr) {
        rd_kafka_conf_destroy(conf);
        throw std::runtime_error(fmt::format("kafka: {}", text));
    }
    return handle;
}

// --- writer ---

KafkaWriter::KafkaWriter(const KafkaAccess& access, int event_fd, KafkaPace pace)
    : lock_(std::make_unique<KafkaLock>()) {
    KafkaSettings settings = writer_settings(access);
    if (pace == KafkaPace::relaxed) settings.emplace_back("linger.ms", "20");
    rd_kafka_conf_t* conf = conf_of(settings);
    rd_kafka_conf_set_opaque(conf, this);
    rd_kafka_conf_set_error_cb(conf, &KafkaCallbacks::error<KafkaWriter>);
    rd_kafka_conf_set_dr_msg_cb(conf, &KafkaCallbacks::delivered);
    handle_ = open_handle(RD_KAFKA_PRODUCER, conf);
    main_queue_ = rd_kafka_queue_get_main(handle_);
    if (event_fd >= 0) {
        static const std::uint64_t one = 1;
        rd_kafka_queue_io_event_enable(main_queue_, event_fd, &one, sizeof one);
    }
}

KafkaWriter::~KafkaWriter() {
    rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(handle_, 1000);
    for (auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
    rd_kafka_queue_destroy(main_queue_);
    rd_kafka_destroy(handle_);
}

rd_kafka_topic_t* KafkaWriter::topic(const std::string& name) {
    const std::lock_guard guard(lock_->mutex);
    rd_kafka_topic_t*& topic = topics_[name];
    if (topic == nullptr) topic = rd_kafka_topic_new(handle_, name.c_str(), nullptr);
    return topic;
}

bool KafkaWriter::append(const std::string& name, int partition, std::string_view key,
                         std::string_view value, const Headers& headers, Stored stored) {
    rd_kafka_topic_t* where = topic(name);
    if (where == nullptr) return false;
    rd_kafka_headers_t* list = nullptr;
    if (!headers.empty()) {
        list = rd_kafka_headers_new(headers.size());
        for (const auto& [header, text] : headers)
            rd_kafka_header_add(list, header.data(), static_cast<ssize_t>(header.size()),
                                text.data(), static_cast<ssize_t>(text.size()));
    }
    auto* opaque = new Stored(std::move(stored));
    // producev rather than produceva: the latter frees headers twice when it fails (2.0.2).
    const rd_kafka_resp_err_t error =
        rd_kafka_producev(handle_, RD_KAFKA_V_RKT(where), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_KEY(key.data(), key.size()),
                          RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(opaque),
                          RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    if (list != nullptr) rd_kafka_headers_destroy(list);
    delete opaque;
    return false;
}

void KafkaWriter::poll() { rd_kafka_poll(handle_, 0); }

bool KafkaWriter::take_trouble() { return std::exchange(trouble_, false); }

bool KafkaWriter::reachable(std::chrono::milliseconds wait) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error =
        rd_kafka_metadata(handle_, 0, nullptr, &metadata, static_cast<int>(wait.count()));
    if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool KafkaWriter::warm(const std::string& name, std::chrono::milliseconds wait) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error =
        rd_kafka_metadata(handle_, 0, topic(name), &metadata, static_cast<int>(wait.count()));
    if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static std::optional<std::pair<std::int64_t, std::int64_t>> ask_range(
    rd_kafka_t* handle, const std::string& topic, int partition, std::chrono::milliseconds wait) {
    std::int64_t low = 0, high = 0;
    const auto error = rd_kafka_query_watermark_offsets(handle, topic.c_str(), partition, &low,
                                                        &high, static_cast<int>(wait.count()));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
    return std::pair{low, high};
}

std::optional<std::pair<std::int64_t, std::int64_t>> KafkaWriter::range(
    const std::string& topic, int partition, std::chrono::milliseconds wait) {
    return ask_range(handle_, topic, partition, wait);
}

void KafkaWriter::flush(std::chrono::milliseconds wait) {
    rd_kafka_flush(handle_, static_cast<int>(wait.count()));
}

// --- reader ---

KafkaReader::KafkaReader(const KafkaAccess& access, int event_fd,
                         std::chrono::milliseconds fetch_wait, KafkaPace pace) {
    KafkaSettings settings = reader_settings(access, fetch_wait);
    if (pace == KafkaPace::relaxed)
        settings.insert(settings.end(), {{"queued.min.messages", "100000"},
                                         {"queued.max.messages.kbytes", "8192"},
                                         {"fetch.message.max.bytes", "1048576"},
                                         {"fetch.min.bytes", "65536"}});
    rd_kafka_conf_t* conf = conf_of(settings);
    rd_kafka_conf_set_opaque(conf, this);
    rd_kafka_conf_set_error_cb(conf, &KafkaCallbacks::error<KafkaReader>);
    handle_ = open_handle(RD_KAFKA_CONSUMER, conf);
    main_queue_ = rd_kafka_queue_get_main(handle_);
    records_ = rd_kafka_queue_new(handle_);
    if (event_fd >= 0) {
        static const std::uint64_t one = 1;
        rd_kafka_queue_io_event_enable(main_queue_, event_fd, &one, sizeof one);
        rd_kafka_queue_io_event_enable(records_, event_fd, &one, sizeof one);
    }
}

KafkaReader::~KafkaReader() {
    for (auto& [id, source] : sources_) rd_kafka_consume_stop(source.topic, source.partition);
    rd_kafka_queue_destroy(records_);
    for (auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
    rd_kafka_queue_destroy(main_queue_);
    rd_kafka_destroy(handle_);
}

bool KafkaReader::start(int id, const std::string& name, int partition, std::int64_t offset) {
    stop(id);
    rd_kafka_topic_t*& topic = topics_[name];
    if (topic == nullptr) {
        rd_kafka_topic_conf_t* conf = rd_kafka_topic_conf_new();
        char text[256];
        // Out of range is an alarm for us, never a silent jump.
        rd_kafka_topic_conf_set(conf, "auto.offset.reset", "error", text, sizeof text);
        topic = rd_kafka_topic_new(handle_, name.c_str(), conf);
        if (topic == nullptr) return false;
    }
    if (rd_kafka_consume_start_queue(topic, partition, offset, records_) != 0) return false;
    sources_[id] = {topic, partition, offset};
    source_of_[{topic, partition}] = id;
    return true;
}

void KafkaReader::stop(int id) {
    const auto found = sources_.find(id);
    if (found == sources_.end()) return;
    rd_kafka_consume_stop(found->second.topic, found->second.partition);
    source_of_.erase({found->second.topic, found->second.partition});
    sources_.erase(found);
}

bool KafkaReader::poll(Sink& sink, std::size_t most) {
    rd_kafka_poll(handle_, 0);
    bool any = false;
    std::vector<int> read_on;  // those that were not at their end yet; each comes in runs
    for (std::size_t count = 0; count < most; ++count) {
        rd_kafka_message_t* message = rd_kafka_consume_queue(records_, 0);
        if (message == nullptr) break;
        any = true;
        const auto found = source_of_.find({message->rkt, message->partition});
        if (found == source_of_.end()) {
            rd_kafka_message_destroy(message);
            continue;
        }
        const int id = found->second;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_timestamp_type_t type;
            const std::int64_t stamp = rd_kafka_message_timestamp(message, &type);
            const Time stored_at{std::chrono::milliseconds{std::max<std::int64_t>(stamp, 0)}};
            Source& source = sources_[id];
            source.next = message->offset + 1;
            if (!source.ended && (read_on.empty() || read_on.back() != id)) read_on.push_back(id);
            delivered_ = message;
            sink.on_record(id, message->offset,
                           {static_cast<const char*>(message->key), message->key_len},
                           {static_cast<const char*>(message->payload), message->len}, stored_at);
        } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            sources_[id].ended = true;
            sink.on_end(id, message->offset);
        } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
                   message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
            sink.on_out_of_range(id);
        } else {
            sink.on_trouble(id, rd_kafka_message_errstr(message));
        }
        rd_kafka_message_destroy(message);
    }
    for (const int id : read_on) look_for_end(sink, id);
    return any;
}

// librdkafka reports an end only when a fetch comes back empty, which it never does from a
// partition that is written all the time: who reads that would never be told. What the broker said
// with the last records tells it as well.
void KafkaReader::look_for_end(Sink& sink, int id) {
    const auto found = sources_.find(id);
    if (found == sources_.end()) return;
    Source& source = found->second;
    if (high(id) != source.next) return;
    source.ended = true;
    sink.on_end(id, source.next);
}

std::optional<std::pair<std::int64_t, std::int64_t>> KafkaReader::range(
    const std::string& topic, int partition, std::chrono::milliseconds wait) {
    return ask_range(handle_, topic, partition, wait);
}

std::optional<std::int64_t> KafkaReader::high(int id) const {
    const auto found = sources_.find(id);
    if (found == sources_.end()) return std::nullopt;
    std::int64_t low = 0, high = 0;
    const auto error = rd_kafka_get_watermark_offsets(
        handle_, rd_kafka_topic_name(found->second.topic), found->second.partition, &low, &high);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR || high < 0) return std::nullopt;
    return high;
}

Headers KafkaReader::headers() const {
    Headers found;
    rd_kafka_headers_t* list = nullptr;
    if (rd_kafka_message_headers(delivered_, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return found;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
        found.emplace_back(name, std::string(static_cast<const char*>(value), size));
    return found;
}

bool KafkaReader::take_trouble() { return std::exchange(trouble_, false); }

}  // namespace tocsin::runtime
