#include "runtime/ledger_metrics.hpp"

namespace tocsin::runtime {

static prometheus::Counter& commands(Metrics& metrics, const std::string& service,
                                     const std::string& outcome) {
    return metrics.counter("tocsin_commands_total", "Commands by what became of them",
                           {{"service", service}, {"outcome", outcome}});
}

// From below a millisecond to the longest deadline.
static const std::vector<double> command_buckets{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                                 0.1,    0.2,   0.5,   1,     2,    5,    30};

LedgerMetrics::LedgerMetrics(Metrics& metrics, const std::string& service, int count)
    : accepted(commands(metrics, service, "accepted")),
      rejected(commands(metrics, service, "rejected")),
      unavailable(commands(metrics, service, "unavailable")),
      repeats(commands(metrics, service, "repeat")),
      command_seconds(metrics.histogram("tocsin_command_seconds",
                                        "Time from a command to its counted decision",
                                        {{"service", service}}, command_buckets)),
      counted(metrics.counter("tocsin_decisions_total", "Decisions that count",
                              {{"service", service}})),
      void_records(metrics.counter("tocsin_void_records_total",
                                   "Ledger records that do not extend the chain",
                                   {{"service", service}})),
      foreign_records(metrics.counter("tocsin_foreign_records_total",
                                      "Records without a good mac, skipped",
                                      {{"service", service}})),
      folds_again(metrics.counter("tocsin_folds_again_total",
                                  "Times that a state was thrown away and folded again",
                                  {{"service", service}})),
      takeovers(metrics.counter("tocsin_takeovers_total",
                                "Times that this instance stepped in for another",
                                {{"service", service}})),
      dead_letters(metrics.counter("tocsin_dead_letters_total",
                                   "Inputs kept aside because they could not be decided",
                                   {{"service", service}})),
      calls_waiting(metrics.gauge("tocsin_calls_waiting", "Calls waiting for a decision",
                                  {{"service", service}})),
      appends_in_flight(metrics.gauge("tocsin_appends_in_flight",
                                      "Decisions appended and not read back yet",
                                      {{"service", service}})),
      requests_remembered(metrics.gauge("tocsin_requests_remembered",
                                        "Requests remembered until they expire",
                                        {{"service", service}})),
      kafka_connected(metrics.gauge("tocsin_kafka_connected", "1 while a broker answers",
                                    {{"service", service}})),
      kafka_stale_seconds(metrics.gauge("tocsin_kafka_stale_seconds",
                                        "Seconds since a broker last answered; 0 while one does",
                                        {{"service", service}})),
      ready(metrics.gauge("tocsin_ready", "1 while history is folded and commands are taken",
                          {{"service", service}})) {
    for (int i = 0; i < count; ++i) {
        const prometheus::Labels labels{{"service", service}, {"partition", std::to_string(i)}};
        partitions.push_back(
            {&metrics.gauge("tocsin_ledger_position", "Offset after the last record read", labels),
             &metrics.gauge("tocsin_undecided", "Inputs read and not decided yet", labels),
             &metrics.gauge("tocsin_partition_halted", "1 while a partition needs an operator",
                            labels),
             &metrics.gauge("tocsin_leads", "1 where this instance wrote the last decision",
                            labels),
             {}});
    }
}

static void add(prometheus::Counter& counter, std::int64_t now, std::int64_t& last) {
    if (now > last) counter.Increment(static_cast<double>(now - last));
    last = now;
}

void LedgerMetrics::update(int partition, const Partition& state, bool leading) {
    PerPartition& here = partitions.at(static_cast<std::size_t>(partition));
    here.position->Set(static_cast<double>(state.next_ledger_offset()));
    here.undecided->Set(static_cast<double>(state.undecided()));
    here.halted->Set(state.halted().empty() ? 0 : 1);
    here.leads->Set(leading ? 1 : 0);
    const auto& now = state.counters();
    add(accepted, now.accepted, here.last.accepted);
    add(rejected, now.rejected, here.last.rejected);
    add(repeats, now.repeats, here.last.repeats);
    add(counted, now.counted, here.last.counted);
    add(void_records, now.void_records, here.last.void_records);
    add(foreign_records, now.foreign_records, here.last.foreign_records);
    add(folds_again, now.folds_again, here.last.folds_again);
    add(takeovers, now.takeovers, here.last.takeovers);
    add(dead_letters, now.dead_letters, here.last.dead_letters);
}

}  // namespace tocsin::runtime
