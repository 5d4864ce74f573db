#include "runtime/ledger/ledger_metrics.hpp"

namespace tocsin::runtime {
namespace {

prometheus::Counter& commands(Metrics& metrics, const std::string& service,
                              const std::string& outcome) {
    return metrics.counter("tocsin_commands_total",
                           "Commands by outcome, since the start. accepted, rejected: decided by "
                           "this instance; repeat: a repeated request that it passed over while it "
                           "led; unavailable: calls that it could not answer in time.",
                           {{"service", service}, {"outcome", outcome}});
}

// From below a millisecond to the longest deadline.
const std::vector<double> command_buckets{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                          0.1,    0.2,   0.5,   1,     2,    5,    30};

prometheus::Counter& reader_restarts_of(Metrics& metrics, const std::string& service,
                                        const std::string& kind) {
    return metrics.counter(
        "tocsin_reader_restarts_total",
        "Restarts of reading, where new records of a log were not delivered. source: one log was "
        "started again; reader: all logs got a new Kafka client.",
        {{"service", service}, {"kind", kind}});
}

LedgerMetrics::PerPartition partition_gauges(Metrics& metrics, const prometheus::Labels& labels) {
    return {
        &metrics.gauge("tocsin_ledger_position",
                       "Offset after the last ledger record that was read.", labels),
        &metrics.gauge("tocsin_ledger_lag_records",
                       "Ledger records that are stored and were not read yet.", labels),
        &metrics.gauge("tocsin_ledger_lag_seconds",
                       "Seconds for which some ledger record has been unread; 0 while none is.",
                       labels),
        &metrics.gauge("tocsin_undecided",
                       "Inputs that were read and have no decision that counts yet.", labels),
        &metrics.gauge("tocsin_partition_halted", "1 while a partition needs an operator.", labels),
        &metrics.gauge("tocsin_inputs_halted",
                       "Inputs of a partition that this instance stopped reading, because a newer "
                       "version or another key wrote there; the rest of the partition goes on.",
                       labels),
        &metrics.gauge("tocsin_leads", "1 where this instance wrote the last decision that counts.",
                       labels),
        {},
        {}};
}

}  // namespace

LedgerMetrics::LedgerMetrics(Metrics& metrics, const std::string& service, int count)
    : accepted(commands(metrics, service, "accepted")),
      rejected(commands(metrics, service, "rejected")),
      unavailable(commands(metrics, service, "unavailable")),
      repeats(commands(metrics, service, "repeat")),
      command_seconds(metrics.histogram("tocsin_command_seconds",
                                        "Seconds from a command to its answer, of commands "
                                        "answered by this instance with a decision that counts.",
                                        {{"service", service}}, command_buckets)),
      decisions(metrics.counter("tocsin_decisions_total",
                                "Decisions that count and that this instance wrote, since its "
                                "start; the sum over all instances is the total.",
                                {{"service", service}})),
      void_records(metrics.counter(
          "tocsin_void_records_total",
          "Void ledger records, which do not extend the last decision that counts; those that "
          "arrived since the start. Every instance counts the same ones.",
          {{"service", service}})),
      foreign_records(metrics.counter(
          "tocsin_foreign_records_total",
          "Records without a good mac, decisions under a key that is not in force, and readings "
          "that cannot be parsed; those that arrived since the start. They are skipped.",
          {{"service", service}})),
      folds_again(metrics.counter(
          "tocsin_folds_again_total",
          "Times that this instance discarded a partition's state and folded its ledger again.",
          {{"service", service}})),
      takeovers(metrics.counter("tocsin_takeovers_total",
                                "Times that this instance took over a partition from another.",
                                {{"service", service}})),
      dead_letters(metrics.counter(
          "tocsin_dead_letters_total",
          "Inputs that could not be decided and that this instance kept as dead letters.",
          {{"service", service}})),
      replaced_keys(metrics.counter("tocsin_replaced_key_records_total",
                                    "Commands and readings signed with a replaced key of the "
                                    "world, which this instance passed over while it led.",
                                    {{"service", service}})),
      appends_again(metrics.counter("tocsin_appends_again_total",
                                    "Decisions that were appended again, because Kafka had not "
                                    "confirmed that they were stored.",
                                    {{"service", service}})),
      races_lost(metrics.counter(
          "tocsin_races_lost_total",
          "Times that this instance tried to take over a partition and another had decided first.",
          {{"service", service}})),
      inputs_rewound(
          metrics.counter("tocsin_inputs_rewound_total",
                          "Inputs that were set back because their logs had lost records that were "
                          "decided on; every instance counts the same ones.",
                          {{"service", service}})),
      inputs_passed(metrics.counter("tocsin_inputs_passed_total",
                                    "Decisions that record that commands need no decision; every "
                                    "instance counts the same ones.",
                                    {{"service", service}})),
      turns(metrics.counter("tocsin_ledger_turns_total",
                            "Turns of the ledger thread; a few per second while it is idle.",
                            {{"service", service}})),
      source_restarts(reader_restarts_of(metrics, service, "source")),
      reader_restarts(reader_restarts_of(metrics, service, "reader")),
      reader_down(
          metrics.gauge("tocsin_reader_down",
                        "1 while a log that exists cannot be read, also after another attempt.",
                        {{"service", service}})),
      log_unwritable(metrics.gauge("tocsin_log_unwritable",
                                   "1 while a log that this instance must write does not exist, or "
                                   "Kafka accepts no records for it.",
                                   {{"service", service}})),
      clock_offset_seconds(metrics.gauge("tocsin_clock_offset_seconds",
                                         "Seconds by which this clock is ahead of the brokers', at "
                                         "least; negative when behind. Measured every minute.",
                                         {{"service", service}})),
      clock_off(metrics.gauge("tocsin_clock_off",
                              "1 while this instance does not decide because its clock differs too "
                              "much from the brokers'.",
                              {{"service", service}})),
      dead_letters_waiting(metrics.gauge("tocsin_dead_letters_waiting",
                                         "Dead letters that are not stored yet; each holds up an "
                                         "input of a partition.",
                                         {{"service", service}})),
      reads_waiting(metrics.gauge("tocsin_reads_waiting",
                                  "Reads that wait for a position to be reached.",
                                  {{"service", service}})),
      calls_waiting(metrics.gauge("tocsin_calls_waiting", "Calls that wait for a decision.",
                                  {{"service", service}})),
      appends_in_flight(metrics.gauge("tocsin_appends_in_flight",
                                      "Decisions that were appended and not read back yet.",
                                      {{"service", service}})),
      requests_remembered(metrics.gauge("tocsin_requests_remembered",
                                        "Requests that are remembered until they expire.",
                                        {{"service", service}})),
      kafka_connected(metrics.gauge("tocsin_kafka_connected", "1 while a broker answers.",
                                    {{"service", service}})),
      kafka_stale_seconds(metrics.gauge("tocsin_kafka_stale_seconds",
                                        "Seconds since a broker last answered; 0 while one does.",
                                        {{"service", service}})),
      ready(metrics.gauge("tocsin_ready",
                          "1 while history is folded and the service accepts commands.",
                          {{"service", service}})) {
    for (int i = 0; i < count; ++i)
        partitions.push_back(
            partition_gauges(metrics, {{"service", service}, {"partition", std::to_string(i)}}));
}

static void add(prometheus::Counter& counter, std::int64_t now, std::int64_t& last) {
    if (now > last) counter.Increment(static_cast<double>(now - last));
    last = now;
}

void LedgerMetrics::update(int partition, const Reading& reading, Tick tick) {
    PerPartition& here = partitions.at(static_cast<std::size_t>(partition));
    const auto lag = std::max<std::int64_t>(reading.end - reading.position, 0);
    if (lag == 0) here.behind_since.reset();
    if (lag > 0 && !here.behind_since) here.behind_since = tick;
    here.position->Set(static_cast<double>(reading.position));
    here.lag_records->Set(static_cast<double>(lag));
    here.lag_seconds->Set(
        here.behind_since ? std::chrono::duration<double>(tick - *here.behind_since).count() : 0);
    here.undecided->Set(static_cast<double>(reading.undecided));
    here.halted->Set(reading.halted ? 1 : 0);
    here.inputs_halted->Set(static_cast<double>(reading.inputs_halted));
    here.leads->Set(reading.leads ? 1 : 0);
    const auto& now = reading.counters;
    add(accepted, now.accepted, here.last.accepted);
    add(rejected, now.rejected, here.last.rejected);
    add(repeats, now.repeats, here.last.repeats);
    add(decisions, now.decisions, here.last.decisions);
    add(void_records, now.void_now, here.last.void_now);
    add(foreign_records, now.foreign_records, here.last.foreign_records);
    add(folds_again, now.folds_again, here.last.folds_again);
    add(takeovers, now.takeovers, here.last.takeovers);
    add(dead_letters, now.dead_letters, here.last.dead_letters);
    add(replaced_keys, now.replaced_keys, here.last.replaced_keys);
    add(appends_again, now.resent, here.last.resent);
    add(races_lost, now.races_lost, here.last.races_lost);
    add(inputs_rewound, now.rewound, here.last.rewound);
    add(inputs_passed, now.passed, here.last.passed);
}

void LedgerMetrics::update(const LedgerSources::Restarts& restarts) {
    add(source_restarts, restarts.sources, last_restarts.sources);
    add(reader_restarts, restarts.readers, last_restarts.readers);
}

void LedgerMetrics::update(const ClockReading& reading) {
    const Duration ahead = reading.ahead();
    clock_offset_seconds.Set(std::chrono::duration<double>(ahead).count());
}

}  // namespace tocsin::runtime
