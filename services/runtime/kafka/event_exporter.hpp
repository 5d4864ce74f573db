// Copies what counted to `tocsin.events.v1`: one thread for all services of a process, with Kafka
// handles and a scheduling priority of its own, so that no decision ever waits for it. What is
// copied, and where it goes on after trouble, is event_export.hpp.
//
// Lifecycle: construct, add ledgers, start(); stop() lets what was handed over leave and ends the
// thread; the next leader exports the rest.
#pragma once

#include "runtime/host/metrics.hpp"
#include "runtime/kafka/kafka.hpp"
#include "runtime/ledger/event_export.hpp"
#include "runtime/ledger/ledger_process.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::runtime {

class EventExporter final : private KafkaReader::Sink {
public:
    EventExporter(const RuntimeConfig& config, const KafkaAccess& access, const WorldKeys& keys,
                  Metrics& metrics);
    ~EventExporter() override;
    EventExporter(const EventExporter&) = delete;

    // Before start(); the ledger lives longer than this.
    void add(const LedgerProcess* ledger);
    void start();
    void stop(std::chrono::milliseconds drain);

private:
    // A leader may have died before it exported its last decisions, and with nothing to decide no
    // instance takes its place. What stays unexported in a quiet ledger, every instance exports.
    struct Quiet {
        std::int64_t next_offset = 0;  // of the ledger, since `since`
        Tick since{};
        bool left_behind = false;
    };
    struct Watched {
        const LedgerProcess* ledger = nullptr;
        std::string topic;
        std::vector<EventExport> partitions;
        std::vector<Quiet> quiet;  // by partition
        prometheus::Counter* exported = nullptr;
        prometheus::Gauge* lag = nullptr;
        std::int64_t counted = 0;  // of `exported`
        std::string stopped;
    };

    void run();
    void open();
    void turn(Tick tick);
    bool obey(std::size_t source, EventExport::Orders orders);
    void give_turns();
    bool ask_range(EventExport& one, int partition);
    void show(Tick tick);
    void complain(const std::string& why);
    void trouble();
    void wake();

    // Partition `source / 2` of all, counted over the services; even is its ledger, odd its part of
    // the topic of events.
    EventExport& export_of(std::size_t source);
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
    Tick next_shown_{};
    Tick next_complaint_{};
};

}  // namespace tocsin::runtime
