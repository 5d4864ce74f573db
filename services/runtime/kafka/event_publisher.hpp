// Copies what counted to `tocsin.events.v1`: one thread for all services of a process, with Kafka
// handles and a scheduling priority of its own, so that no decision ever waits for it. What is
// copied, and where it goes on after trouble, is event_publication.hpp.
//
// Lifecycle: construct, add ledgers, start(); stop() lets what was handed over leave and ends the
// thread; the rest is published by whoever leads next.
#pragma once

#include "runtime/host/metrics.hpp"
#include "runtime/kafka/kafka.hpp"
#include "runtime/ledger/event_publication.hpp"
#include "runtime/ledger/ledger_process.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::runtime {

class EventPublisher final : private KafkaReader::Sink {
public:
    EventPublisher(const RuntimeConfig& config, const KafkaAccess& access, const WorldKeys& keys,
                   Metrics& metrics);
    ~EventPublisher() override;
    EventPublisher(const EventPublisher&) = delete;

    // Before start(); the ledger lives longer than this.
    void add(const LedgerProcess* ledger);
    void start();
    void stop(std::chrono::milliseconds drain);

private:
    // Whoever leads may have died before it published its last decisions, and with nothing to
    // decide nobody takes its place. What stays unpublished in a ledger that is quiet is
    // everybody's.
    struct Quiet {
        std::int64_t next_offset = 0;  // of the ledger, since `since`
        Tick since{};
        bool left_behind = false;
    };
    struct Watched {
        const LedgerProcess* ledger = nullptr;
        std::string topic;
        std::vector<EventPublication> partitions;
        std::vector<Quiet> quiet;  // by partition
        prometheus::Counter* published = nullptr;
        prometheus::Gauge* lag = nullptr;
        std::int64_t told = 0;  // of `published`
        std::string stopped;
    };

    void run();
    void open();
    void turn(Tick tick);
    bool obey(std::size_t source, EventPublication::Orders orders);
    void give_turns();
    bool ask_range(EventPublication& publication, int partition);
    void tell(Tick tick);
    void complain(const std::string& why);
    void trouble();
    void wake();

    // Partition `source / 2` of all, counted over the services; even is its ledger, odd its part of
    // the topic of events.
    EventPublication& publication(std::size_t source);
    void on_record(int source, std::int64_t offset, std::string_view key, std::string_view value,
                   Time stored_at) override;
    void on_end(int source, std::int64_t offset) override;
    void on_out_of_range(int source) override;
    void on_trouble(int source, const std::string& what) override;

    const RuntimeConfig& config_;
    KafkaAccess access_;
    const WorldKeys& keys_;
    Metrics& metrics_;
    std::string topic_;
    std::vector<Watched> watched_;

    int event_fd_ = -1;
    std::unique_ptr<KafkaWriter> writer_;
    std::unique_ptr<KafkaReader> reader_;
    std::thread thread_;
    std::atomic<bool> running_{false};
    std::atomic<std::int64_t> drain_ms_{0};
    // The services of a partition look back one after another: it has one reader. By partition,
    // whose turn it is, and who waits for it.
    std::vector<std::optional<std::size_t>> turn_of_;
    std::vector<std::deque<std::size_t>> waiting_;
    Tick next_told_{};
    Tick next_complaint_{};
};

}  // namespace tocsin::runtime
