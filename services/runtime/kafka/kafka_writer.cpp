#include "runtime/kafka/kafka_handle.hpp"

#include <unistd.h>

#include <algorithm>
#include <mutex>

namespace tocsin::runtime {

using std::chrono::milliseconds;

// By what the client knows, or by the broker.
static bool missing(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

void KafkaCallbacks::delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    const std::unique_ptr<LogWriter::Done> done(static_cast<LogWriter::Done*>(message->_private));
    if (!done) return;
    Stored stored;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        stored.kind = Stored::Kind::stored;
        stored.offset = message->offset;
        rd_kafka_timestamp_type_t type;
        const std::int64_t stamp = rd_kafka_message_timestamp(message, &type);
        if (type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME)
            stored.stored_at = Time{milliseconds{stamp}};
    } else if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        stored.kind = Stored::Kind::too_large;
    } else if (missing(message->err)) {
        stored.kind = Stored::Kind::missing;
    }
    if (!stored.ok()) stored.why = rd_kafka_err2str(message->err);
    (*done)(stored);
}

KafkaWriter::KafkaWriter(const KafkaAccess& access, int event_fd, KafkaPace pace)
    : event_fd_(event_fd), questions_([this] {
          const std::uint64_t one = 1;
          if (event_fd_ >= 0 && ::write(event_fd_, &one, sizeof one) < 0) return;
      }) {
    KafkaSettings settings = writer_settings(access);
    if (pace == KafkaPace::relaxed) settings.emplace_back("linger.ms", "20");
    rd_kafka_conf_t* conf = conf_of(settings);
    rd_kafka_conf_set_opaque(conf, this);
    rd_kafka_conf_set_error_cb(conf, &KafkaCallbacks::error<KafkaWriter>);
    rd_kafka_conf_set_dr_msg_cb(conf, &KafkaCallbacks::delivered);
    handle_ = open_handle(RD_KAFKA_PRODUCER, conf);
    main_queue_ = rd_kafka_queue_get_main(handle_);
    wake_by(main_queue_, event_fd_);
}

KafkaWriter::~KafkaWriter() {
    close();
    for (auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
    rd_kafka_queue_destroy(main_queue_);
    rd_kafka_destroy(handle_);
}

void KafkaWriter::close() {
    {
        const std::unique_lock lock(mutex_);
        if (std::exchange(closed_, true)) return;
    }
    questions_.close();
    questions_.poll();
    rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    // Serves the reports of what was purged; none is left to come afterwards.
    rd_kafka_flush(handle_, 1000);
}

rd_kafka_topic_t* KafkaWriter::topic(const std::string& name) {
    {
        const std::shared_lock lock(mutex_);
        const auto found = topics_.find(name);
        if (found != topics_.end()) return found->second;
    }
    const std::unique_lock lock(mutex_);
    rd_kafka_topic_t*& topic = topics_[name];
    if (topic == nullptr) topic = rd_kafka_topic_new(handle_, name.c_str(), nullptr);
    return topic;
}

static Queued queued_as(rd_kafka_resp_err_t error) {
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Queued::queued;
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) return Queued::too_large;
    if (error == RD_KAFKA_RESP_ERR__FATAL) return Queued::dead;
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return Queued::full;
    return missing(error) ? Queued::missing : Queued::refused;
}

// Not each time that it happens to a topic, and it may happen with every call.
void KafkaWriter::log_refused(const std::string& topic, int error) {
    {
        const std::unique_lock lock(mutex_);
        if (std::exchange(refused_[topic], error) == error) return;
    }
    logs::error(
        "the Kafka client accepts no records for a topic",
        {{"topic", topic}, {"why", rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(error))}});
}

Queued KafkaWriter::append(const std::string& name, int partition, std::string_view key,
                           std::string_view value, const Headers& headers, Done done) {
    rd_kafka_topic_t* where = topic(name);
    std::shared_lock lock(mutex_);
    if (where == nullptr || closed_) return Queued::dead;
    rd_kafka_headers_t* list = nullptr;
    if (!headers.empty()) {
        list = rd_kafka_headers_new(headers.size());
        for (const auto& [header, text] : headers)
            rd_kafka_header_add(list, header.data(), static_cast<ssize_t>(header.size()),
                                text.data(), static_cast<ssize_t>(text.size()));
    }
    auto* opaque = new Done(std::move(done));
    // producev rather than produceva: the latter frees headers twice when it fails (2.0.2).
    const rd_kafka_resp_err_t error =
        rd_kafka_producev(handle_, RD_KAFKA_V_RKT(where), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_KEY(key.data(), key.size()),
                          RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(opaque),
                          RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Queued::queued;
    if (list != nullptr) rd_kafka_headers_destroy(list);
    delete opaque;
    const Queued queued = queued_as(error);
    lock.unlock();
    if (queued == Queued::refused) log_refused(name, error);
    return queued;
}

void KafkaWriter::poll() {
    rd_kafka_poll(handle_, 0);
    questions_.poll();
}

bool KafkaWriter::take_trouble() { return std::exchange(trouble_, false); }

void KafkaWriter::ask_reachable(milliseconds wait, Answer answer) {
    questions_.ask(wait, [this, answer = std::move(answer)](milliseconds left) mutable {
        const rd_kafka_metadata_t* metadata = nullptr;
        const bool there = left.count() > 0 && rd_kafka_metadata(handle_, 0, nullptr, &metadata,
                                                                 static_cast<int>(left.count())) ==
                                                   RD_KAFKA_RESP_ERR_NO_ERROR;
        if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
        return [there, answer = std::move(answer)]() mutable { answer(there); };
    });
}

void KafkaWriter::ask_warm(const std::string& name, milliseconds wait, Answer answer) {
    questions_.ask(wait, [this, name, answer = std::move(answer)](milliseconds left) mutable {
        const bool known = left.count() > 0 && warm(name, left);
        return [known, answer = std::move(answer)]() mutable { answer(known); };
    });
}

bool KafkaWriter::warm(const std::string& name, milliseconds wait) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error =
        rd_kafka_metadata(handle_, 0, topic(name), &metadata, static_cast<int>(wait.count()));
    if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void KafkaWriter::ask_range(const std::string& name, int partition, milliseconds wait,
                            RangeAnswer answer) {
    questions_.ask(
        wait, [this, name, partition, wait, answer = std::move(answer)](milliseconds left) mutable {
            // A broker that got the query late may only have been slow to answer it.
            const bool in_time = 2 * left >= wait;
            LogRangeAnswer found = std::unexpected(in_time ? Unsaid::silent : Unsaid::not_asked);
            if (left.count() > 0)
                if (const auto held = range(name, partition, left)) found = *held;
            return [found, answer = std::move(answer)]() mutable { answer(found); };
        });
}

std::optional<LogRange> KafkaWriter::range(const std::string& name, int partition,
                                           milliseconds wait) {
    return runtime::ask_range(handle_, name, partition, wait);
}

void KafkaWriter::flush(milliseconds wait) {
    rd_kafka_flush(handle_, static_cast<int>(wait.count()));
}

}  // namespace tocsin::runtime
