#include "runtime/ledger/ledger_metrics.hpp"

#include "support/metric_value.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

using std::chrono::seconds;
using testing::metric_value;

const prometheus::Labels service{{"service", "drafting"}};
const prometheus::Labels partition_1{{"service", "drafting"}, {"partition", "1"}};

TEST(LedgerMetrics, EveryCounterIsThereFromTheStart) {
    Metrics metrics("");
    const LedgerMetrics ledger(metrics, "drafting", 2);
    for (const char* outcome : {"accepted", "rejected", "repeat", "unavailable"})
        EXPECT_EQ(metric_value(metrics, "tocsin_commands_total",
                               {{"service", "drafting"}, {"outcome", outcome}}),
                  0)
            << outcome;
    for (const char* name :
         {"tocsin_decisions_total", "tocsin_void_records_total", "tocsin_foreign_records_total",
          "tocsin_folds_again_total", "tocsin_takeovers_total", "tocsin_dead_letters_total"})
        EXPECT_EQ(metric_value(metrics, name, service), 0) << name;
}

TEST(LedgerMetrics, AddsWhatHappenedSinceTheLastLook) {
    Metrics metrics("");
    LedgerMetrics ledger(metrics, "drafting", 2);
    LedgerMetrics::Reading reading;
    reading.counters.decisions = 3;
    reading.counters.void_now = 1;
    ledger.update(0, reading, Tick{});
    ledger.update(1, reading, Tick{});
    ledger.update(1, reading, Tick{});
    EXPECT_EQ(metric_value(metrics, "tocsin_decisions_total", service), 6);
    EXPECT_EQ(metric_value(metrics, "tocsin_void_records_total", service), 2);
}

TEST(LedgerMetrics, LagIsRecordsAndTheTimeSinceNoneWasLeft) {
    Metrics metrics("");
    LedgerMetrics ledger(metrics, "drafting", 2);
    const auto lag = [&] {
        return std::pair{*metric_value(metrics, "tocsin_ledger_lag_records", partition_1),
                         *metric_value(metrics, "tocsin_ledger_lag_seconds", partition_1)};
    };
    ledger.update(1, {.position = 5, .end = 5, .counters = {}}, Tick{seconds{100}});
    EXPECT_EQ(lag(), (std::pair{0.0, 0.0}));
    ledger.update(1, {.position = 5, .end = 8, .counters = {}}, Tick{seconds{101}});
    EXPECT_EQ(lag(), (std::pair{3.0, 0.0}));
    ledger.update(1, {.position = 6, .end = 9, .counters = {}}, Tick{seconds{104}});
    EXPECT_EQ(lag(), (std::pair{3.0, 3.0}));
    ledger.update(1, {.position = 9, .end = 9, .counters = {}}, Tick{seconds{105}});
    EXPECT_EQ(lag(), (std::pair{0.0, 0.0}));
    // The end is as old as the last fetch: it may lie before what was read since.
    ledger.update(1, {.position = 10, .end = 9, .counters = {}}, Tick{seconds{106}});
    EXPECT_EQ(lag(), (std::pair{0.0, 0.0}));
}

}  // namespace
}  // namespace tocsin::runtime
