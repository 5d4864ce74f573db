// The metrics of a ledger process. Labels are bounded: service and partition.
#pragma once

#include "runtime/host/metrics.hpp"
#include "runtime/ledger/clock_probe.hpp"
#include "runtime/ledger/ledger_sources.hpp"
#include "runtime/ledger/partition.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tocsin::runtime {

struct LedgerMetrics {
    LedgerMetrics(Metrics& metrics, const std::string& service, int partitions);

    // One look at a partition.
    struct Reading {
        std::int64_t position = 0;  // offset after the last record read
        std::int64_t end = 0;       // offset after the last record there is
        std::size_t undecided = 0;
        bool halted = false;
        std::size_t inputs_halted = 0;
        bool leads = false;
        Partition::Counters counters;
    };
    // Adds what happened since the last call.
    void update(int partition, const Reading& reading, Tick now);
    void update(const LedgerSources::Restarts& restarts);
    void update(const ClockReading& reading);

    struct PerPartition {
        prometheus::Gauge* position;
        prometheus::Gauge* lag_records;
        prometheus::Gauge* lag_seconds;
        prometheus::Gauge* undecided;
        prometheus::Gauge* halted;
        prometheus::Gauge* inputs_halted;
        prometheus::Gauge* leads;
        Partition::Counters last;
        std::optional<Tick> behind_since;
    };

    prometheus::Counter& accepted;
    prometheus::Counter& rejected;
    prometheus::Counter& unavailable;
    prometheus::Counter& repeats;
    prometheus::Histogram& command_seconds;
    prometheus::Counter& decisions;
    prometheus::Counter& void_records;
    prometheus::Counter& foreign_records;
    prometheus::Counter& folds_again;
    prometheus::Counter& takeovers;
    prometheus::Counter& dead_letters;
    prometheus::Counter& replaced_keys;
    prometheus::Counter& appends_again;
    prometheus::Counter& races_lost;
    prometheus::Counter& inputs_rewound;
    prometheus::Counter& inputs_passed;
    prometheus::Counter& turns;
    prometheus::Counter& source_restarts;
    prometheus::Counter& reader_restarts;
    prometheus::Gauge& reader_down;
    prometheus::Gauge& log_unwritable;
    prometheus::Gauge& clock_offset_seconds;
    prometheus::Gauge& clock_off;
    prometheus::Gauge& dead_letters_waiting;
    prometheus::Gauge& reads_waiting;
    prometheus::Gauge& calls_waiting;
    prometheus::Gauge& appends_in_flight;
    prometheus::Gauge& requests_remembered;
    prometheus::Gauge& kafka_connected;
    prometheus::Gauge& kafka_stale_seconds;
    prometheus::Gauge& ready;
    std::vector<PerPartition> partitions;
    LedgerSources::Restarts last_restarts;
};

}  // namespace tocsin::runtime
