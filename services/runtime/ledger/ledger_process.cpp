// The turns of the ledger thread: reads, drives the partitions, obeys their orders. Calls of other
// threads are in ledger_calls.cpp, status and readiness in ledger_standing.cpp.
#include "runtime/ledger/ledger_process.hpp"

#include "runtime/base/invariant.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/ledger/ledger_slot.hpp"
#include "runtime/ledger/topics.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace tocsin::runtime {

using std::chrono::milliseconds;

// What of histories may lie here, read and not folded yet: records of all partitions, and bytes of
// one.
static constexpr std::size_t backlog_max = 1000;
static constexpr std::size_t backlog_bytes_max = std::size_t{4} << 20;
// How long what is news may wait for history to be folded, beside the one record under way; and how
// long timers may, while there is no news.
static constexpr auto folded_at_a_time = std::chrono::microseconds(100);
static constexpr auto folded_undisturbed = milliseconds(5);
// Of the threads that fold history; views share more than a few cores can speed up.
static constexpr unsigned fold_threads_max = 4;
// Bytes that callers other than services may have waiting: half of what a writer's queue takes.
static constexpr std::size_t asked_bytes_max = 128u << 20;

// Each is a client of Kafka, with a few threads that sleep most of the time.
static constexpr std::size_t ledger_writers_max = 4;

static CallSlots::Limits call_limits(const RuntimeConfig& config) {
    auto limits = CallSlots::limits(static_cast<std::size_t>(config.calls_in_flight_max),
                                    static_cast<std::size_t>(config.calls_in_flight_per_realm_max));
    limits.bytes = asked_bytes_max;
    return limits;
}

static CallSlots::Limits read_limits(const RuntimeConfig& config) {
    auto limits = CallSlots::limits(static_cast<std::size_t>(config.reads_waiting_max),
                                    static_cast<std::size_t>(config.calls_in_flight_per_realm_max));
    limits.bytes = asked_bytes_max;
    return limits;
}

LedgerProcess::LedgerProcess(LedgerPlan plan, const RuntimeConfig& config,
                             std::unique_ptr<LogBackend> log, const Clock& clock,
                             const WorldKeys& keys, std::unique_ptr<Rules> rules, Metrics& metrics)
    : plan_(std::move(plan)),
      config_(config),
      log_(std::move(log)),
      clock_(clock),
      keys_(keys),
      commands_topic_(commands_topic(config.world, plan_.service)),
      ledger_topic_(ledger_topic(config.world, plan_.service)),
      dead_letters_topic_(dead_letters_topic(config.world)),
      commands_seal_(keys, commands_topic_, RecordKind::command),
      metrics_(metrics, plan_.service, static_cast<int>(config.kafka_partitions)),
      call_slots_(call_limits(config)),
      read_slots_(read_limits(config)),
      leads_(static_cast<std::size_t>(config.kafka_partitions)),
      readable_(static_cast<std::size_t>(config.kafka_partitions)),
      histories_(static_cast<std::size_t>(config.kafka_partitions)),
      halts_(static_cast<std::size_t>(config.kafka_partitions)) {
    // Rarer inputs first, so that a flood of commands does not starve them.
    for (const std::string& service : plan_.upstreams)
        inputs_.push_back({InputSpec::Kind::ledger, ledger_topic(config.world, service), service});
    for (const std::string& service : plan_.followed)
        inputs_.push_back(
            {InputSpec::Kind::ledger, ledger_topic(config.world, service), service, true});
    for (const std::string& stream : plan_.streams) {
        const std::string topic = stream_topic(config.world, plan_.service, stream);
        stream_seals_.emplace(stream, Seal(keys, topic, RecordKind::reading));
        inputs_.push_back({InputSpec::Kind::stream, topic, plan_.service});
    }
    inputs_.push_back({InputSpec::Kind::commands, commands_topic_, plan_.service});
    const auto partitions = static_cast<int>(config.kafka_partitions);
    read_ = std::vector<std::atomic<std::int64_t>>(static_cast<std::size_t>(partitions) *
                                                   (inputs_.size() + 1));
    for (int i = 0; i < partitions; ++i) {
        PartitionOptions options;
        options.service = plan_.service;
        options.ledger_topic = ledger_topic_;
        options.partition = i;
        options.partitions = partitions;
        options.writer = config.instance;
        options.incarnation = clock.now().time_since_epoch().count();
        options.inputs = inputs_;
        options.pipeline_max = static_cast<std::size_t>(config.pipeline_max);
        options.takeover = milliseconds(config.takeover_ms);
        options.jitter_seed = std::hash<std::string>{}(config.instance) + static_cast<unsigned>(i);
        slots_.push_back(
            std::make_unique<Slot>(*this, std::move(options), keys_, rules->fresh(), views_));
    }
}

LedgerProcess::~LedgerProcess() { stop(milliseconds(0)); }

void LedgerProcess::open() {
    for (std::size_t i = 0; i < std::min(slots_.size(), ledger_writers_max); ++i)
        writers_.push_back(log_->writer());
    command_writer_ = log_->writer();
    SourceSink& sink = *this;
    sources_ = std::make_unique<LedgerSources>(*log_, *command_writer_, clock_, sink, plan_.service,
                                               LedgerSources::Options{});
    letters_ = std::make_unique<DeadLetters>(
        *writers_.front(), clock_, dead_letters_topic_, plan_.service,
        [this](int partition, int input, std::int64_t offset) {
            Slot& slot = *slots_[static_cast<std::size_t>(partition)];
            refused_.taken({dead_letters_topic_});
            slot.guard([&] { slot.partition.on_dead_letter_stored(input, offset); });
        },
        [this](const std::string& why) {
            refused_.refused({dead_letters_topic_}, why, true, clock_.tick());
        });
    const std::string probes = probes_topic(config_.world);
    clock_probe_ = std::make_unique<ClockProbe>(
        *command_writer_, clock_, probes, plan_.service,
        [this, probes](const ClockReading& reading) {
            refused_.taken({probes});
            metrics_.update(reading);
            for (const auto& slot : slots_)
                slot->guard([&] {
                    slot->partition.on_clock(reading.sent, reading.acked, reading.stored_at,
                                             reading.tick);
                });
        },
        [this, probes](const std::string& why) {
            refused_.refused({probes}, why, false, clock_.tick());
            for (const auto& slot : slots_)
                slot->guard([&] { slot->partition.on_clock_unknown(why); });
        });
    const auto warm = [this](LogWriter& writer, const std::string& topic) {
        ++warming_;
        writer.ask_warm(topic, milliseconds(5000), [this](bool) { --warming_; });
    };
    for (const InputSpec& input : inputs_) warm(*command_writer_, input.topic);
    for (const auto& writer : writers_) warm(*writer, ledger_topic_);
    warm(*writers_.front(), dead_letters_topic_);
    last_contact_ = clock_.tick().time_since_epoch().count();
    running_ = true;
}

void LedgerProcess::start() {
    open();
    fold_pool_.help_by(std::clamp(std::thread::hardware_concurrency(), 1u, fold_threads_max) - 1);
    thread_ = std::thread([this] { run(); });
}

void LedgerProcess::run() {
    while (running_) {
        const milliseconds idle = turn();
        // While history is folded, where it is zero too: what woke this turn is not urgent in the
        // next.
        if (idle.count() > 0 || backlog() > 0) log_->wait(idle);
    }
    // With Kafka away nothing leaves, and every ledger here would wait for that in turn.
    finish(milliseconds(connected_ ? 2000 : 0));
}

void LedgerProcess::each_writer(const auto& work) const {
    work(*command_writer_);
    for (const auto& writer : writers_) work(*writer);
}

// Those that wait for a record to be stored get the result here at the latest: afterwards they may
// be gone.
void LedgerProcess::finish(milliseconds flush) {
    each_writer([&](LogWriter& writer) {
        if (flush.count() > 0) writer.flush(flush);
        writer.close();
    });
    close_posts();
}

milliseconds LedgerProcess::turn() {
    metrics_.turns.Increment();
    run_posted();
    take_not_queued();
    bool busy = sources_->poll(backlog_max - std::min(backlog(), backlog_max));
    busy |= fold_backlogs();
    each_writer([](LogWriter& writer) { writer.poll(); });
    // Before anything is decided: what was just read may lie behind a tail that was lost.
    take_trouble();
    const Tick tick = clock_.tick();
    for (const auto& slot : slots_) busy |= step(*slot, tick);
    if (tick >= next_status_) publish_status(tick);
    letters_->turn(tick);
    waiters_.expire(tick, "no decision within the deadline; ask again with the same request_id");
    reads_.look([this](int log) { return passed(log); }, tick);
    look_after_handles(tick);
    check_ready(tick);
    return busy ? milliseconds(0) : idle_time(tick);
}

std::size_t LedgerProcess::backlog() const {
    std::size_t records = 0;
    for (const auto& slot : slots_) records += slot->backlog.size();
    return records;
}

// What was read of histories: each partition by one thread, several partitions at once, until it
// is done or something is urgent. Nothing else happens meanwhile.
bool LedgerProcess::fold_backlogs() {
    const Tick until = clock_.tick() + folded_undisturbed;
    std::vector<Slot*> behind;
    bool any_live = false;
    for (const auto& slot : slots_) {
        if (!slot->backlog.empty()) behind.push_back(slot.get());
        any_live = any_live || slot->live;
    }
    const auto fold = [&](std::size_t i) { fold_backlog(*behind[i], until); };
    if (any_live)  // Who is served must not wait for a helper to be given a core.
        for (std::size_t i = 0; i < behind.size(); ++i) fold(i);
    else
        fold_pool_.run(behind.size(), fold);
    return !behind.empty();
}

void LedgerProcess::fold_backlog(Slot& slot, Tick until) {
    Tick look = clock_.tick() + folded_at_a_time;
    while (!slot.backlog.empty()) {
        const Tick tick = clock_.tick();
        if (tick >= look) {
            if (tick >= until || log_->urgent()) return;
            look = tick + folded_at_a_time;
        }
        slot.fold_next(tick);
    }
}

void LedgerProcess::take_trouble() {
    bool trouble = sources_->take_trouble();
    each_writer([&](LogWriter& writer) {
        trouble |= writer.take_trouble();
        if (writer.fatal().empty()) return;
        // A dead handle cannot be repaired in place; the supervisor restarts this process.
        logs::error("the Kafka client failed for good; ending the process",
                    {{"why", writer.fatal()}});
        std::_Exit(70);
    });
    if (trouble) on_trouble();
}

void LedgerProcess::look_after_handles(Tick tick) {
    probe(tick);
    sources_->tend(tick, connected_);
    look_for_missing(tick);
    if (connected_) clock_probe_->turn(tick);
}

// Whatever halted it, and once each time.
void LedgerProcess::raise_alarm(Slot& slot) {
    std::string& alarm = halts_[static_cast<std::size_t>(slot.number)];
    if (alarm == slot.halted()) return;
    {
        const std::lock_guard guard(mutex_);
        alarm = slot.halted();
    }
    next_status_ = {};
    if (alarm.empty())
        logs::info("partition goes on", {{"service", plan_.service}, {"partition", slot.number}});
    else
        logs::error("partition needs an operator",
                    {{"service", plan_.service}, {"partition", slot.number}, {"why", alarm}});
    // A topic that was deleted and made again is another one in all its partitions, also where it
    // is as long as the one before.
    if (slot.halted_for() == Halt::ledger_lost) on_trouble();
}

void LedgerProcess::tell_leader(Slot& slot, bool leads) {
    const bool led = leads_[static_cast<std::size_t>(slot.number)].exchange(leads);
    const std::string& writer = slot.partition.fold().writer();
    if (led == leads && slot.writer == writer) return;
    slot.writer = writer;
    next_status_ = {};
}

bool LedgerProcess::step(Slot& slot, Tick tick) {
    Orders orders;
    slot.guard([&] { orders = slot.partition.step(clock_.now(), tick); });
    raise_alarm(slot);
    slot.give_up_words(tick);
    if (!slot.broken.empty()) {
        if (!std::exchange(slot.stopped, true))
            for (int input = -1; input < static_cast<int>(inputs_.size()); ++input)
                sources_->stop(source_of(slot.number, input));
        tell_leader(slot, false);
        return false;
    }
    const bool any = !orders.append.empty() || orders.read_ledger_from ||
                     orders.read_inputs_again || !orders.read_input_from.empty();
    obey(slot, std::move(orders));
    if (slot.partition.caught_up() && !slot.inputs_started && !slot.asking_ranges &&
        tick >= slot.next_attempt)
        ask_ranges(slot);
    tell_leader(slot, slot.partition.leads());
    if (slot.key_id != slot.partition.key_id()) {
        const std::lock_guard guard(mutex_);
        slot.key_id = slot.partition.key_id();
    }
    return any;
}

void LedgerProcess::obey(Slot& slot, Orders orders) {
    if (orders.read_ledger_from) read_from(source_of(slot.number, -1), *orders.read_ledger_from);
    if (orders.read_inputs_again) {
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            sources_->stop(source_of(slot.number, static_cast<int>(i)));
        slot.inputs_started = false;
        slot.asking_ranges = false;
        letters_->forget(slot.number);
    }
    for (const int input : orders.pause_inputs) sources_->stop(source_of(slot.number, input));
    for (const auto& [input, from] : orders.read_input_from)
        read_from(source_of(slot.number, input), from);
    if (orders.probe_clock) clock_probe_->order();
    for (const auto& order : orders.append)
        if (!append(slot, order)) break;
    for (auto& letter : orders.dead_letters)
        letters_->keep({slot.number, letter.input, letter.offset,
                        inputs_[static_cast<std::size_t>(letter.input)].topic,
                        std::move(letter.bytes), std::move(letter.reason)});
    for (const auto& order : orders.fire) fire(order);
}

// False: it was not even queued, and what follows it would be void.
bool LedgerProcess::append(Slot& slot, const Orders::Append& order) {
    const int source = source_of(slot.number, -1);
    const Queued queued = writer_of(source).append(
        ledger_topic_, slot.number, order.realm, order.record, {},
        [this, &slot, source, digest = order.digest](const Stored& stored) {
            if (stored.ok()) sources_->stored(source, stored.offset);
            note_refused(source, stored);
            slot.guard([&] {
                if (stored.ok())
                    slot.partition.on_append_stored(digest, stored.offset);
                else
                    slot.partition.on_append_failed(digest);
            });
            if (!stored.ok()) on_trouble();
        });
    if (queued == Queued::queued) return true;
    note_not_queued(source, queued);
    slot.guard([&] { slot.partition.on_append_failed(order.digest); });
    return false;
}

// All ranges first: the partition decides nothing before the last of them is known.
void LedgerProcess::ask_ranges(Slot& slot) {
    slot.asking_ranges = true;
    slot.ranges.assign(inputs_.size(), std::nullopt);
    slot.ranges_left = inputs_.size();
    const std::uint64_t question = ++slot.question;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
        command_writer_->ask_range(
            inputs_[i].topic, slot.number, milliseconds(2000),
            [this, &slot, question, i](const LogRangeAnswer& range) {
                if (!slot.asking_ranges || slot.question != question) return;
                if (range) slot.ranges[i] = *range;
                if (--slot.ranges_left > 0) return;
                slot.asking_ranges = false;
                std::vector<LogRange> ranges;
                for (const auto& one : slot.ranges)
                    if (one) ranges.push_back(*one);
                if (ranges.size() == inputs_.size() && slot.partition.caught_up())
                    start_inputs(slot, ranges);
                else
                    slot.next_attempt = clock_.tick() + milliseconds(100);
            });
}

void LedgerProcess::start_inputs(Slot& slot, const std::vector<LogRange>& ranges) {
    slot.guard([&] {
        for (std::size_t i = 0; i < ranges.size(); ++i)
            slot.partition.on_input_range(static_cast<int>(i), ranges[i].low, ranges[i].high);
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            read_from(source_of(slot.number, static_cast<int>(i)),
                      slot.partition.input_start(static_cast<int>(i)));
    });
    slot.inputs_started = true;
}

// Where it starts is what was decided on, and shows nothing of what the log holds.
void LedgerProcess::read_from(int source, std::int64_t offset) {
    if (input_of(source) < 0) slot_of(source).forget_backlog();
    read_[static_cast<std::size_t>(source)] = 0;
    sources_->start(source, topic_of(source), slot_of(source).number, offset);
}

// A due time becomes a command, sent exactly as the partition worded it: a repeat is one request.
void LedgerProcess::fire(const Orders::Fire& order) {
    Submission submission;
    submission.asking = {
        order.realm, "service:" + plan_.service, "", {"service"}, order.request_id};
    submission.expires_at = order.expires_at;
    submission.sent_at = clock_.now();
    submission.body = order.body;
    submit(std::move(submission), milliseconds(10'000), [](const Answer&) {});
}

int LedgerProcess::source_of(int partition, int input) const {
    return partition * static_cast<int>(inputs_.size() + 1) + input + 1;
}

LedgerProcess::Slot& LedgerProcess::slot_of(int source) {
    return *slots_[static_cast<std::size_t>(source) / (inputs_.size() + 1)];
}

int LedgerProcess::input_of(int source) const {
    return source % (static_cast<int>(inputs_.size()) + 1) - 1;
}

const std::string& LedgerProcess::topic_of(int source) const {
    const int input = input_of(source);
    return input < 0 ? ledger_topic_ : inputs_[static_cast<std::size_t>(input)].topic;
}

LogWriter& LedgerProcess::writer_of(int source) const {
    const auto partition = static_cast<std::size_t>(source) / (inputs_.size() + 1);
    return input_of(source) < 0 ? *writers_[partition % writers_.size()] : *command_writer_;
}

int LedgerProcess::input_named(const std::string& topic) const {
    const auto found = std::ranges::find(inputs_, topic, &InputSpec::topic);
    invariant(found != inputs_.end(), "only commands and streams of this ledger are written here");
    return static_cast<int>(found - inputs_.begin());
}

void LedgerProcess::read_record(int source, std::int64_t offset, std::string_view record,
                                Time stored_at) {
    heard();
    if (auto& read = read_[static_cast<std::size_t>(source)]; read >= 0) read = offset + 1;
    Slot& slot = slot_of(source);
    const int input = input_of(source);
    const Tick tick = clock_.tick();
    if (input >= 0)
        return slot.guard(
            [&] { slot.partition.on_input_record(input, offset, record, stored_at, tick); });
    if (slot.live)
        return slot.guard([&] { slot.partition.on_ledger_record(offset, record, tick); });
    slot.add_to_backlog(offset, std::string(record));
    if (slot.backlog_bytes > backlog_bytes_max) slot.fold_whole_backlog(tick);
}

void LedgerProcess::read_end(int source, std::int64_t offset) {
    heard();
    Slot& slot = slot_of(source);
    const int input = input_of(source);
    if (input < 0 && !slot.backlog.empty()) return slot.add_to_backlog(offset, std::nullopt);
    slot.guard([&] {
        if (input < 0)
            slot.partition.on_ledger_end(offset);
        else
            slot.partition.on_input_end(input, offset);
    });
}

void LedgerProcess::read_out_of_range(int source) {
    Slot& slot = slot_of(source);
    const int input = input_of(source);
    logs::error("a log has no such offset any more; comparing it with what was read",
                {{"service", plan_.service}, {"partition", slot.number}, {"input", input}});
    if (input < 0) slot.fold_whole_backlog(clock_.tick());
    slot.guard([&] {
        if (input < 0)
            slot.partition.on_ledger_out_of_range();
        else
            slot.partition.on_input_out_of_range(input);
    });
    slot.next_attempt = clock_.tick() + milliseconds(100);
}

void LedgerProcess::read_trouble(int source, const std::string& what) {
    logs::warn("reading a log was interrupted; reading on",
               {{"service", plan_.service}, {"source", source}, {"why", what}});
    on_trouble();
}

}  // namespace tocsin::runtime
