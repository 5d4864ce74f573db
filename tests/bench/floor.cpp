#include "bench/floor.hpp"

#include "bench/waiting.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>

namespace tocsin::bench {

using namespace std::chrono_literals;

double seconds_since(Clock::time_point since) {
    return std::chrono::duration<double>(Clock::now() - since).count();
}

double ms_since(Clock::time_point since) { return seconds_since(since) * 1000; }

namespace {

struct CloseHandle {
    void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
};
using Handle = std::unique_ptr<rd_kafka_t, CloseHandle>;

struct CloseTopic {
    void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
using Topic = std::unique_ptr<rd_kafka_topic_t, CloseTopic>;

struct CloseMessage {
    void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using KafkaMessage = std::unique_ptr<rd_kafka_message_t, CloseMessage>;

Handle open(rd_kafka_type_t type, const runtime::KafkaSettings& settings) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char text[512];
    for (const auto& [key, value] : settings)
        if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), text, sizeof text) !=
            RD_KAFKA_CONF_OK)
            throw std::runtime_error(text);
    rd_kafka_t* handle = rd_kafka_new(type, conf, text, sizeof text);
    if (handle == nullptr) throw std::runtime_error(text);
    return Handle(handle);
}

Handle open_writer(const runtime::KafkaAccess& access) {
    return open(RD_KAFKA_PRODUCER, runtime::writer_settings(access));
}

Handle open_reader(const runtime::KafkaAccess& access) {
    return open(RD_KAFKA_CONSUMER, runtime::reader_settings(access, 100ms));
}

Topic open_topic(const Handle& handle, const std::string& name) {
    return Topic(rd_kafka_topic_new(handle.get(), name.c_str(), nullptr));
}

// The end of a partition; the answer also warms the handle.
std::int64_t end_of(const Handle& handle, const Place& place) {
    std::int64_t low = 0, high = 0;
    const auto asked = [&] {
        return rd_kafka_query_watermark_offsets(handle.get(), place.topic.c_str(), place.partition,
                                                &low, &high, 10'000);
    };
    // One that was made just now may have no leader yet.
    const auto until = std::chrono::steady_clock::now() + 10s;
    auto why = asked();
    while (why != RD_KAFKA_RESP_ERR_NO_ERROR && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(100ms);
        why = asked();
    }
    if (why != RD_KAFKA_RESP_ERR_NO_ERROR)
        throw std::runtime_error(
            fmt::format("topic {} cannot be read: {}", place.topic, rd_kafka_err2str(why)));
    return high;
}

}  // namespace

std::vector<std::string> topic_names(const runtime::KafkaAccess& access) {
    const Handle handle = open_writer(access);
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(handle.get(), 1, nullptr, &metadata, 20'000) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        throw std::runtime_error(fmt::format("no Kafka answers at {}", access.bootstrap));
    std::vector<std::string> names;
    names.reserve(static_cast<std::size_t>(metadata->topic_cnt));
    for (int i = 0; i < metadata->topic_cnt; ++i) names.emplace_back(metadata->topics[i].topic);
    rd_kafka_metadata_destroy(metadata);
    return names;
}

std::string last_record(const runtime::KafkaAccess& access, const Place& place) {
    const Handle handle = open_reader(access);
    const Topic topic = open_topic(handle, place.topic);
    const std::int64_t end = end_of(handle, place);
    if (end == 0) return {};
    rd_kafka_consume_start(topic.get(), place.partition, end - 1);
    const KafkaMessage message(rd_kafka_consume(topic.get(), place.partition, 10'000));
    std::string record;
    if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        record.assign(static_cast<const char*>(message->payload), message->len);
    rd_kafka_consume_stop(topic.get(), place.partition);
    return record;
}

std::int64_t end_offset(const runtime::KafkaAccess& access, const Place& place) {
    return end_of(open_reader(access), place);
}

std::vector<std::string> records_from(const runtime::KafkaAccess& access, const Place& place,
                                      std::int64_t from) {
    const Handle handle = open_reader(access);
    const Topic topic = open_topic(handle, place.topic);
    const std::int64_t end = end_of(handle, place);
    std::vector<std::string> records;
    if (from >= end) return records;
    rd_kafka_consume_start(topic.get(), place.partition, from);
    while (from + static_cast<std::int64_t>(records.size()) < end) {
        const KafkaMessage message(rd_kafka_consume(topic.get(), place.partition, 30'000));
        if (!message || message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            throw std::runtime_error(fmt::format("{} does not come to its end", place.topic));
        records.emplace_back(static_cast<const char*>(message->payload), message->len);
    }
    rd_kafka_consume_stop(topic.get(), place.partition);
    return records;
}

void delete_topics(const runtime::KafkaAccess& access, const std::vector<std::string>& names) {
    if (names.empty()) return;
    const Handle handle = open_writer(access);
    std::vector<rd_kafka_DeleteTopic_t*> doomed;
    doomed.reserve(names.size());
    for (const std::string& name : names) doomed.push_back(rd_kafka_DeleteTopic_new(name.c_str()));
    rd_kafka_queue_t* queue = rd_kafka_queue_new(handle.get());
    rd_kafka_DeleteTopics(handle.get(), doomed.data(), doomed.size(), nullptr, queue);
    if (rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 60'000)) rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy_array(doomed.data(), doomed.size());
    const bool gone = wait_until(60s, [&] {
        const std::vector<std::string> there = topic_names(access);
        return std::ranges::none_of(names, [&](const std::string& name) {
            return std::ranges::find(there, name) != there.end();
        });
    });
    if (!gone) throw std::runtime_error("topics cannot be deleted: " + names.front());
}

struct Tail::Handles {
    Handle reader;
    Topic topic;
};

Tail::Tail(const runtime::KafkaAccess& access, Place place)
    : place_(std::move(place)), handles_(std::make_unique<Handles>()) {
    handles_->reader = open_reader(access);
    handles_->topic = open_topic(handles_->reader, place_.topic);
    rd_kafka_consume_start(handles_->topic.get(), place_.partition,
                           end_of(handles_->reader, place_));
}

Tail::~Tail() { rd_kafka_consume_stop(handles_->topic.get(), place_.partition); }

std::optional<Tail::Record> Tail::next(std::chrono::milliseconds wait) {
    const auto until = Clock::now() + wait;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        const KafkaMessage message(rd_kafka_consume(handles_->topic.get(), place_.partition,
                                                    static_cast<int>(std::max(left, 0ms).count())));
        if (!message) return std::nullopt;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            return Record{message->offset,
                          {static_cast<const char*>(message->payload), message->len}};
        if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            throw std::runtime_error(rd_kafka_message_errstr(message.get()));
    }
}

struct Hop::Handles {
    Handle writer, reader;
    Topic written, read;
};

Hop::Hop(const runtime::KafkaAccess& access, Place place, std::string record)
    : place_(std::move(place)), record_(std::move(record)), handles_(std::make_unique<Handles>()) {
    handles_->writer = open_writer(access);
    handles_->reader = open_reader(access);
    handles_->written = open_topic(handles_->writer, place_.topic);
    handles_->read = open_topic(handles_->reader, place_.topic);
    end_of(handles_->writer, place_);
    rd_kafka_consume_start(handles_->read.get(), place_.partition,
                           end_of(handles_->reader, place_));
    pass();
}

Hop::~Hop() {
    rd_kafka_consume_stop(handles_->read.get(), place_.partition);
    rd_kafka_flush(handles_->writer.get(), 2000);
}

void Hop::produce() {
    rd_kafka_poll(handles_->writer.get(), 0);
    if (rd_kafka_produce(handles_->written.get(), place_.partition, RD_KAFKA_MSG_F_COPY,
                         record_.data(), record_.size(), nullptr, 0, nullptr) != 0)
        throw std::runtime_error(fmt::format("topic {} cannot be written", place_.topic));
}

bool Hop::consume(std::chrono::milliseconds wait) {
    const auto until = Clock::now() + wait;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        const KafkaMessage message(rd_kafka_consume(handles_->read.get(), place_.partition,
                                                    static_cast<int>(std::max(left, 0ms).count())));
        if (!message) return false;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
        if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            throw std::runtime_error(rd_kafka_message_errstr(message.get()));
    }
}

void Hop::pass() {
    produce();
    if (!consume(10s))
        throw std::runtime_error(fmt::format("a record in {} was not seen", place_.topic));
}

double loop_rate(Hop& there, Hop& back, int in_flight, std::chrono::milliseconds duration) {
    std::atomic<bool> running{true};
    std::jthread answering([&] {
        while (running)
            if (there.consume(20ms)) back.produce();
    });
    const auto start = Clock::now();
    const auto until = start + duration;
    for (int i = 0; i < in_flight; ++i) there.produce();
    std::int64_t count = 0;
    while (Clock::now() < until) {
        if (!back.consume(10s)) throw std::runtime_error("the bare loop stands still");
        ++count;
        there.produce();
    }
    const double rate = static_cast<double>(count) / seconds_since(start);
    for (int i = 0; i < in_flight; ++i)
        if (!back.consume(10s)) throw std::runtime_error("the bare loop lost a record");
    running = false;
    return rate;
}

double consume_all(const runtime::KafkaAccess& access, const std::string& name, int partitions,
                   std::int64_t expected) {
    const Handle handle = open_reader(access);
    const Topic topic = open_topic(handle, name);
    end_of(handle, {name, 0});
    rd_kafka_queue_t* queue = rd_kafka_queue_new(handle.get());
    const auto start = Clock::now();
    for (int i = 0; i < partitions; ++i) rd_kafka_consume_start_queue(topic.get(), i, 0, queue);
    std::int64_t count = 0;
    int ended = 0;
    while (ended < partitions) {
        const KafkaMessage message(rd_kafka_consume_queue(queue, 30'000));
        if (!message) throw std::runtime_error(fmt::format("{} does not come to its end", name));
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            ++count;
        else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ++ended;
        else
            throw std::runtime_error(rd_kafka_message_errstr(message.get()));
    }
    const double seconds = seconds_since(start);
    for (int i = 0; i < partitions; ++i) rd_kafka_consume_stop(topic.get(), i);
    rd_kafka_queue_destroy(queue);
    if (count != expected)
        throw std::runtime_error(fmt::format("{} holds {} records, not {}", name, count, expected));
    return seconds;
}

}  // namespace tocsin::bench
