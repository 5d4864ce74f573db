#include "runtime/kafka/stream_tail.hpp"

#include "runtime/host/logs.hpp"
#include "runtime/ledger/record.hpp"
#include "runtime/ledger/topics.hpp"
#include "tocsin/ledger/v1/ledger.pb.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace tocsin::runtime {

using std::chrono::milliseconds;

namespace {

class Event {
public:
    ~Event() { close(handle_); }
    int handle() const { return handle_; }
    void wait(milliseconds most) const {
        pollfd wanted{handle_, POLLIN, 0};
        ::poll(&wanted, 1, static_cast<int>(most.count()));
        eventfd_t unused = 0;
        eventfd_read(handle_, &unused);
    }

private:
    int handle_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
};

class TailSink final : public LogReader::Sink {
public:
    TailSink(std::string topic, std::string service, const Seal& seal,
             const std::function<void(const Foreign&)>& each)
        : topic_(std::move(topic)), service_(std::move(service)), seal_(seal), each_(each) {}

    void await(int partition, std::int64_t end) { ends_[partition] = end; }
    bool done() const { return ends_.empty(); }

    void on_record(int partition, std::int64_t offset, std::string_view, std::string_view value,
                   Time stored_at) override {
        const auto body = seal_.open(value);
        ledger::v1::CommandRecord record;
        if (body && record.ParseFromArray(body->data(), static_cast<int>(body->size())))
            each_({topic_, service_, record.realm(), offset, stored_at, {record.body()}});
        reached(partition, offset + 1);
    }
    void on_end(int partition, std::int64_t offset) override { reached(partition, offset); }
    void on_out_of_range(int partition) override { ends_.erase(partition); }
    void on_trouble(int partition, const std::string&) override { ends_.erase(partition); }

private:
    void reached(int partition, std::int64_t next) {
        const auto end = ends_.find(partition);
        if (end != ends_.end() && next >= end->second) ends_.erase(end);
    }

    std::string topic_, service_;
    const Seal& seal_;
    const std::function<void(const Foreign&)>& each_;
    std::map<int, std::int64_t> ends_;  // of those that are not read to their end as it was
};

}  // namespace

void StreamTail::read(const std::string& service, const std::string& stream, std::int64_t most,
                      milliseconds wait, const std::stop_token& stop,
                      const std::function<void(const Foreign&)>& each) const {
    const auto until = std::chrono::steady_clock::now() + wait;
    const auto left = [&] {
        return std::max(
            std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now()),
            milliseconds{0});
    };
    const std::string topic = stream_topic(config.world, service, stream);
    const Seal seal(keys, topic, RecordKind::reading);
    TailSink sink(topic, service, seal, each);
    const Event event;
    KafkaReader reader(kafka, event.handle(), milliseconds{100});
    for (int partition = 0; partition < config.kafka_partitions && !stop.stop_requested();
         ++partition) {
        const auto range = reader.range(topic, partition, left());
        if (!range) break;
        if (range->high == range->low) continue;
        sink.await(partition, range->high);
        reader.start(partition, topic, partition, std::max(range->low, range->high - most));
    }
    while (!sink.done() && left().count() > 0 && !stop.stop_requested() && reader.fatal().empty())
        if (!reader.poll(sink, 1000)) event.wait(std::min(left(), milliseconds{100}));
    if (!sink.done() && !stop.stop_requested())
        logs::warn("the last records of a stream were not all read", {{"topic", topic}});
}

}  // namespace tocsin::runtime
