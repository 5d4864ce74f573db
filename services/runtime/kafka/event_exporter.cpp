#include "runtime/kafka/event_exporter.hpp"

#include "runtime/host/logs.hpp"
#include "runtime/ledger/topics.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tocsin::runtime {

using std::chrono::milliseconds;

static constexpr int background_nice = 10;
// How long a ledger rests before other instances check whether its leader exported all of it.
static constexpr auto left_behind_after = std::chrono::seconds(5);

static Tick now_tick() { return std::chrono::steady_clock::now(); }

EventExporter::EventExporter(const RuntimeConfig& config, const KafkaAccess& access,
                             const WorldKeys& keys, Metrics& metrics)
    : config_(config),
      access_(access),
      keys_(keys),
      metrics_(metrics),
      topic_(events_topic(config.world)),
      turn_of_(static_cast<std::size_t>(config.kafka_partitions)),
      waiting_(static_cast<std::size_t>(config.kafka_partitions)) {}

EventExporter::~EventExporter() { stop(milliseconds(0)); }

void EventExporter::add(const LedgerProcess* ledger) {
    Watched watched;
    watched.ledger = ledger;
    watched.topic = ledger_topic(config_.world, ledger->service());
    const prometheus::Labels labels{{"service", ledger->service()}};
    watched.exported = &metrics_.counter("tocsin_exported_events_total",
                                         "Events stored in the topic of events.", labels);
    watched.lag =
        &metrics_.gauge("tocsin_event_export_lag_records",
                        "Ledger records whose events are not all in the topic of events, of "
                        "partitions that this instance leads or whose former leader left some.",
                        labels);
    for (int i = 0; i < static_cast<int>(config_.kafka_partitions); ++i) {
        EventExport::Options options;
        options.source = {config_.world, ledger->service(), i};
        options.ledger_topic = watched.topic;
        watched.partitions.emplace_back(std::move(options), keys_);
    }
    watched.quiet.resize(watched.partitions.size());
    watched_.push_back(std::move(watched));
}

void EventExporter::start() {
    event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    running_ = true;
    thread_ = std::thread([this] { run(); });
}

void EventExporter::stop(milliseconds drain) {
    if (!running_) return;
    drain_ms_ = drain.count();
    running_ = false;
    wake();
    if (thread_.joinable()) thread_.join();
    close(std::exchange(event_fd_, -1));
}

void EventExporter::wake() {
    const std::uint64_t one = 1;
    if (::write(event_fd_, &one, sizeof one) < 0) return;
}

// Decisions come first: this thread and those of its handles, which inherit it, yield to the rest.
void EventExporter::run() {
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), background_nice);
    open();
    while (running_) {
        turn(now_tick());
        std::uint64_t drained = 0;
        while (::read(event_fd_, &drained, sizeof drained) > 0) {
        }
    }
    writer_->flush(milliseconds(drain_ms_));
    writer_->poll();
    reader_.reset();
    writer_.reset();
}

// A handle that died is replaced; what it held is exported again from where the topic stands.
void EventExporter::open() {
    reader_.reset();
    writer_.reset();
    writer_ = std::make_unique<KafkaWriter>(access_, event_fd_, KafkaPace::relaxed);
    reader_ =
        std::make_unique<KafkaReader>(access_, event_fd_, milliseconds(100), KafkaPace::relaxed);
}

void EventExporter::turn(Tick tick) {
    bool busy = reader_->poll(*this, 2000);
    writer_->poll();
    if (!reader_->fatal().empty() || !writer_->fatal().empty()) {
        trouble();
        open();
    }
    if (reader_->take_trouble() | writer_->take_trouble()) trouble();
    std::size_t source = 0;
    bool stuck = false;
    for (Watched& watched : watched_)
        for (EventExport& one : watched.partitions) {
            const auto partition = static_cast<std::size_t>(&one - watched.partitions.data());
            const auto standing = watched.ledger->standing(static_cast<int>(partition));
            const Quiet& quiet = watched.quiet[partition];
            one.lead(standing.leads || quiet.left_behind, standing.history, quiet.next_offset);
            busy |= obey(source, one.step(tick));
            stuck |= one.take_stuck();
            source += 2;
        }
    if (stuck) {
        complain("records that exist are not delivered; opening new Kafka clients");
        trouble();
        open();
    }
    give_turns();
    if (tick >= next_shown_) show(tick);
    if (busy) return;
    pollfd wait{event_fd_, POLLIN, 0};
    ::poll(&wait, 1, 100);
}

EventExport& EventExporter::export_of(std::size_t source) {
    const auto partitions = static_cast<std::size_t>(config_.kafka_partitions);
    return watched_[source / 2 / partitions].partitions[source / 2 % partitions];
}

bool EventExporter::obey(std::size_t source, EventExport::Orders orders) {
    const auto partitions = static_cast<std::size_t>(config_.kafka_partitions);
    const auto partition = static_cast<int>(source / 2 % partitions);
    const int ledger = static_cast<int>(source), events = ledger + 1;
    EventExport& one = export_of(source);
    if (orders.stop_ledger) reader_->stop(ledger);
    if (orders.stop_events) reader_->stop(events);
    for (auto& order : orders.append) {
        const std::uint64_t ticket = order.ticket;
        const Queued queued =
            writer_->append(topic_, partition, order.record.key, order.record.value,
                            order.record.headers, [this, &one, ticket](const Stored& stored) {
                                if (!stored.ok()) complain("a record may not have been stored");
                                one.on_stored(ticket, stored.ok());
                            });
        if (queued == Queued::queued) continue;
        complain(not_queued_text(topic_, queued));
        one.on_trouble();
        return true;
    }
    bool well = true;
    if (orders.read_ledger_from)
        well &= reader_->start(ledger, watched_[source / 2 / partitions].topic, partition,
                               *orders.read_ledger_from);
    if (orders.read_events_from)
        well &= reader_->start(events, topic_, partition, *orders.read_events_from);
    if (orders.ask_range) waiting_[source / 2 % partitions].push_back(source);
    if (!well) one.on_trouble();
    return orders.ask_range || !orders.append.empty();
}

void EventExporter::give_turns() {
    bool silent = false;
    for (std::size_t partition = 0; partition < turn_of_.size(); ++partition) {
        auto& turn = turn_of_[partition];
        // One that began anew in its turn waits at the end of the line.
        if (turn && export_of(*turn).looking()) continue;
        turn.reset();
        if (waiting_[partition].empty()) continue;
        turn = waiting_[partition].front();
        waiting_[partition].pop_front();
        // One that gets no answer speaks for all: each would wait as long.
        EventExport& one = export_of(*turn);
        silent = silent || !ask_range(one, static_cast<int>(partition));
        if (silent) one.on_trouble();
    }
}

bool EventExporter::ask_range(EventExport& one, int partition) {
    const auto range = writer_->range(topic_, partition, milliseconds(500));
    if (range) one.on_events_range(range->low, range->high);
    return range.has_value();
}

void EventExporter::trouble() {
    for (Watched& watched : watched_)
        for (EventExport& one : watched.partitions) one.on_trouble();
}

// It begins anew by itself; the lag shows how long that takes.
void EventExporter::complain(const std::string& why) {
    if (now_tick() < next_complaint_) return;
    next_complaint_ = now_tick() + std::chrono::seconds(10);
    logs::warn("export of events was interrupted and starts again",
               {{"topic", topic_}, {"why", why}});
}

void EventExporter::show(Tick tick) {
    next_shown_ = tick + milliseconds(500);
    for (Watched& watched : watched_) {
        std::int64_t lag = 0, stored = 0;
        for (const EventExport& one : watched.partitions) stored += one.stored();
        for (const LedgerProcess::Status& status : watched.ledger->status()) {
            const auto partition = static_cast<std::size_t>(status.partition);
            const EventExport& one = watched.partitions[partition];
            if (one.stopped() != watched.stopped && !one.stopped().empty()) {
                watched.stopped = one.stopped();
                logs::error("events are not exported", {{"service", watched.ledger->service()},
                                                        {"partition", status.partition},
                                                        {"why", watched.stopped}});
            }
            const std::int64_t behind =
                std::max<std::int64_t>(status.next_offset - one.exported_before(), 0);
            Quiet& quiet = watched.quiet[partition];
            if (status.next_offset != quiet.next_offset) quiet = {status.next_offset, tick, false};
            quiet.left_behind = behind > 0 && tick - quiet.since >= left_behind_after;
            if (quiet.left_behind || watched.ledger->standing(status.partition).leads)
                lag += behind;
        }
        watched.exported->Increment(static_cast<double>(stored - watched.counted));
        watched.counted = stored;
        watched.lag->Set(static_cast<double>(lag));
    }
}

void EventExporter::on_record(int source, std::int64_t offset, std::string_view,
                              std::string_view value, Time) {
    const auto index = static_cast<std::size_t>(source);
    if (index % 2 == 0)
        export_of(index).on_ledger_record(offset, value);
    else
        export_of(index).on_events_record(offset, reader_->headers());
}

void EventExporter::on_end(int source, std::int64_t offset) {
    const auto index = static_cast<std::size_t>(source);
    if (index % 2 == 0)
        export_of(index).on_ledger_end(offset);
    else
        export_of(index).on_events_end(offset);
}

void EventExporter::on_out_of_range(int source) {
    const auto index = static_cast<std::size_t>(source);
    if (index % 2 == 0)
        export_of(index).on_ledger_out_of_range();
    else
        export_of(index).on_trouble();
}

void EventExporter::on_trouble(int source, const std::string& what) {
    complain(what);
    export_of(static_cast<std::size_t>(source)).on_trouble();
}

}  // namespace tocsin::runtime
