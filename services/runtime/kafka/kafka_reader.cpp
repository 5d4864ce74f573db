#include "runtime/base/invariant.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/kafka/kafka_handle.hpp"

#include <algorithm>

namespace tocsin::runtime {

// Of one source in a row, so that those beside it wait for no more than that.
static constexpr std::size_t live_in_a_row = 1000;
static constexpr std::size_t replayed_in_a_row = 32;
// How long what is news may wait for history to be taken in, beside the one record under way.
static constexpr auto replayed_at_a_time = std::chrono::microseconds(250);

static Tick now() { return std::chrono::steady_clock::now(); }

static KafkaSettings settings_of(const KafkaAccess& access, std::chrono::milliseconds fetch_wait,
                                 KafkaPace pace, std::size_t source_kbytes) {
    KafkaSettings settings = reader_settings(access, fetch_wait);
    const bool relaxed = pace == KafkaPace::relaxed;
    settings.insert(settings.end(), {{"queued.min.messages", "100000"},
                                     {"queued.max.messages.kbytes",
                                      std::to_string(relaxed ? 2048 : source_kbytes)}});
    if (relaxed)
        settings.insert(settings.end(),
                        {{"fetch.message.max.bytes", "1048576"}, {"fetch.min.bytes", "65536"}});
    return settings;
}

KafkaReader::KafkaReader(const KafkaAccess& access, int event_fd,
                         std::chrono::milliseconds fetch_wait, KafkaPace pace,
                         std::size_t source_kbytes)
    : event_fd_(event_fd) {
    rd_kafka_conf_t* conf = conf_of(settings_of(access, fetch_wait, pace, source_kbytes));
    rd_kafka_conf_set_opaque(conf, this);
    rd_kafka_conf_set_error_cb(conf, &KafkaCallbacks::error<KafkaReader>);
    handle_ = open_handle(RD_KAFKA_CONSUMER, conf);
    main_queue_ = rd_kafka_queue_get_main(handle_);
    wake_by(main_queue_, event_fd_);
}

KafkaReader::~KafkaReader() {
    while (!sources_.empty()) stop(sources_.begin()->first);
    for (auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
    rd_kafka_queue_destroy(main_queue_);
    rd_kafka_destroy(handle_);
}

rd_kafka_topic_t* KafkaReader::topic(const std::string& name) {
    rd_kafka_topic_t*& topic = topics_[name];
    if (topic != nullptr) return topic;
    rd_kafka_topic_conf_t* conf = rd_kafka_topic_conf_new();
    char text[256];
    // Out of range is an alarm for us, never a silent jump.
    rd_kafka_topic_conf_set(conf, "auto.offset.reset", "error", text, sizeof text);
    topic = rd_kafka_topic_new(handle_, name.c_str(), conf);
    return topic;
}

bool KafkaReader::start(int id, const std::string& name, int partition, std::int64_t offset) {
    stop(id);
    rd_kafka_topic_t* where = topic(name);
    if (where == nullptr) return false;
    rd_kafka_queue_t* queue = rd_kafka_queue_new(handle_);
    wake_by(queue, event_fd_);
    if (rd_kafka_consume_start_queue(where, partition, offset, queue) != 0) {
        rd_kafka_queue_destroy(queue);
        return false;
    }
    sources_[id] = {where, partition, queue, offset};
    return true;
}

void KafkaReader::stop(int id) {
    const auto found = sources_.find(id);
    if (found == sources_.end()) return;
    rd_kafka_consume_stop(found->second.topic, found->second.partition);
    rd_kafka_queue_destroy(found->second.queue);
    sources_.erase(found);
}

bool KafkaReader::poll(Sink& sink, std::size_t replayed_max) {
    rd_kafka_poll(handle_, 0);
    bool any = false;
    for (auto& [id, source] : sources_)
        if (source.ended) any |= deliver(sink, id, source, live_in_a_row, Tick::max()) > 0;
    return replay(sink, replayed_max) || any;
}

// In turn, beginning after the one that was served last.
bool KafkaReader::replay(Sink& sink, std::size_t most) {
    bool any = false;
    std::size_t empty = 0;  // in a row
    const Tick until = now() + replayed_at_a_time;
    auto next = sources_.upper_bound(replayed_last_);
    // One at least, however long this thread was without a core.
    while (most > 0 && empty < sources_.size() && (!any || now() < until)) {
        if (next == sources_.end()) next = sources_.begin();
        auto& [id, source] = *next++;
        const std::size_t count =
            source.ended ? 0 : deliver(sink, id, source, std::min(most, replayed_in_a_row), until);
        most -= count;
        if (count == 0) {
            ++empty;
            continue;
        }
        empty = 0;
        any = true;
        replayed_last_ = id;
    }
    return any;
}

// How many it delivered, ends and trouble included. librdkafka reports an end only when a fetch
// comes back empty, which it never does from a partition that is written all the time: the sink
// would never get an end there. The offsets that came with the last records show it as well.
std::size_t KafkaReader::deliver(Sink& sink, int id, Source& source, std::size_t most, Tick until) {
    std::size_t count = 0;
    while (count < most && (count == 0 || until == Tick::max() || now() < until)) {
        rd_kafka_message_t* message = rd_kafka_consume_queue(source.queue, 0);
        if (message == nullptr) break;
        ++count;
        deliver(sink, id, source, *message);
        rd_kafka_message_destroy(message);
    }
    if (count > 0 && !source.ended && high(source) == source.next) {
        source.ended = true;
        sink.on_end(id, source.next);
    }
    return count;
}

void KafkaReader::deliver(Sink& sink, int id, Source& source, const rd_kafka_message_t& message) {
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_timestamp_type_t type;
        const std::int64_t stamp = rd_kafka_message_timestamp(&message, &type);
        const Time stored_at{std::chrono::milliseconds{std::max<std::int64_t>(stamp, 0)}};
        source.next = message.offset + 1;
        delivered_ = &message;
        sink.on_record(id, message.offset, {static_cast<const char*>(message.key), message.key_len},
                       {static_cast<const char*>(message.payload), message.len}, stored_at);
        delivered_ = nullptr;
    } else if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        source.ended = true;
        sink.on_end(id, message.offset);
    } else if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        sink.on_out_of_range(id);
    } else {
        sink.on_trouble(id, rd_kafka_message_errstr(&message));
    }
}

std::optional<LogRange> KafkaReader::range(const std::string& topic, int partition,
                                           std::chrono::milliseconds wait) {
    return ask_range(handle_, topic, partition, wait);
}

std::optional<std::int64_t> KafkaReader::high(int id) const {
    const auto found = sources_.find(id);
    if (found == sources_.end()) return std::nullopt;
    return high(found->second);
}

std::optional<std::int64_t> KafkaReader::high(const Source& source) const {
    std::int64_t low = 0, high = 0;
    const auto error = rd_kafka_get_watermark_offsets(handle_, rd_kafka_topic_name(source.topic),
                                                      source.partition, &low, &high);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR || high < 0) return std::nullopt;
    return high;
}

Headers KafkaReader::headers() const {
    invariant(delivered_ != nullptr, "headers are read while their record is delivered");
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
