// The ledger thread: reads, drives the partitions, obeys their orders. Calls from other threads are
// in ledger_calls.cpp.
#include "runtime/ledger_process.hpp"

#include "runtime/ledger_slot.hpp"
#include "runtime/logs.hpp"
#include "runtime/topics.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdlib>

namespace tocsin::runtime {

using std::chrono::milliseconds;

static constexpr auto silence_max = milliseconds(1000);

static Tick now_tick() { return std::chrono::steady_clock::now(); }
static Time now_time() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

LedgerProcess::LedgerProcess(LedgerPlan plan, const RuntimeConfig& config,
                             const KafkaAccess& access, const Mac& mac,
                             std::unique_ptr<Rules> rules, Metrics& metrics)
    : plan_(std::move(plan)),
      config_(config),
      access_(access),
      mac_(mac),
      commands_topic_(commands_topic(config.world, plan_.service)),
      ledger_topic_(ledger_topic(config.world, plan_.service)),
      dead_letters_topic_(dead_letters_topic(config.world)),
      metrics_(metrics, plan_.service, static_cast<int>(config.kafka_partitions)),
      waiters_(static_cast<std::size_t>(config.calls_in_flight_max)),
      leads_(static_cast<std::size_t>(config.kafka_partitions)),
      histories_(static_cast<std::size_t>(config.kafka_partitions)) {
    // Rarer inputs first, so that a flood of commands does not starve them.
    for (const std::string& service : plan_.upstreams)
        inputs_.push_back({InputSpec::Kind::ledger, ledger_topic(config.world, service), service});
    for (const std::string& service : plan_.followed)
        inputs_.push_back(
            {InputSpec::Kind::ledger, ledger_topic(config.world, service), service, true});
    for (const std::string& stream : plan_.streams)
        inputs_.push_back({InputSpec::Kind::stream,
                           stream_topic(config.world, plan_.service, stream), plan_.service});
    inputs_.push_back({InputSpec::Kind::commands, commands_topic_, plan_.service});
    const auto partitions = static_cast<int>(config.kafka_partitions);
    for (int i = 0; i < partitions; ++i) {
        PartitionOptions options;
        options.service = plan_.service;
        options.ledger_topic = ledger_topic_;
        options.partition = i;
        options.partitions = partitions;
        options.writer = config.instance;
        options.inputs = inputs_;
        options.pipeline_max = static_cast<std::size_t>(config.pipeline_max);
        options.takeover = milliseconds(config.takeover_ms);
        options.jitter_seed = std::hash<std::string>{}(config.instance) + static_cast<unsigned>(i);
        slots_.push_back(
            std::make_unique<Slot>(*this, std::move(options), mac_, rules->fresh(), views_));
    }
}

LedgerProcess::~LedgerProcess() {
    stop(milliseconds(0));
    reader_.reset();
    writer_.reset();
    asking_.reset();
    if (event_fd_ >= 0) close(event_fd_);
}

void LedgerProcess::start() {
    event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    writer_ = std::make_unique<KafkaWriter>(access_, event_fd_);
    asking_ = std::make_unique<KafkaWriter>(access_, event_fd_);
    reader_ = std::make_unique<KafkaReader>(access_, event_fd_, milliseconds(100));
    for (const InputSpec& input : inputs_) asking_->warm(input.topic, milliseconds(5000));
    writer_->warm(ledger_topic_, milliseconds(5000));
    writer_->warm(dead_letters_topic_, milliseconds(5000));
    last_contact_ = now_tick().time_since_epoch().count();
    running_ = true;
    thread_ = std::thread([this] { run(); });
}

void LedgerProcess::run() {
    while (running_) turn();
    for (KafkaWriter* writer : {asking_.get(), writer_.get()}) {
        // With Kafka away nothing leaves, and every ledger here would wait for that in turn.
        writer->flush(milliseconds(connected_ ? 2000 : 0));
        writer->poll();
    }
}

void LedgerProcess::turn() {
    run_posted();
    const bool read = reader_->poll(*this, 5000);
    asking_->poll();
    writer_->poll();
    const Tick tick = now_tick();
    bool busy = read;
    for (const auto& slot : slots_) busy |= step(*slot, tick);
    waiters_.expire(tick, "no decision within the deadline; ask again with the same request_id");
    check_awaits(tick);
    if (!reader_->fatal().empty() || !writer_->fatal().empty() || !asking_->fatal().empty()) {
        // A dead handle cannot be mended in place; whoever supervises this process restarts it.
        logs::error("kafka handle died; ending the process", {{"reader", reader_->fatal()},
                                                              {"writer", writer_->fatal()},
                                                              {"asking", asking_->fatal()}});
        std::_Exit(70);
    }
    if (reader_->take_trouble() | writer_->take_trouble() | asking_->take_trouble()) on_trouble();
    probe(tick);
    check_ready();
    if (tick >= next_status_) {
        publish_status(tick);
        next_status_ = tick + milliseconds(250);
    }
    if (busy) return;
    pollfd wait{event_fd_, POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(idle_time(tick).count()));
    std::uint64_t drained = 0;
    while (::read(event_fd_, &drained, sizeof drained) > 0) {
    }
}

// How long nothing needs to be done unless something is read or posted.
milliseconds LedgerProcess::idle_time(Tick tick) const {
    auto wait = milliseconds(250);
    for (const auto& slot : slots_) {
        if (slot->partition.undecided() > 0) wait = std::min(wait, milliseconds(10));
        if (const auto due = slot->partition.next_due()) {
            const auto left = std::chrono::ceil<milliseconds>(*due - now_time());
            wait = std::clamp(left, milliseconds(0), wait);
        }
    }
    if (const auto expiry = waiters_.next_expiry())
        wait = std::clamp(std::chrono::ceil<milliseconds>(*expiry - tick), milliseconds(0), wait);
    if (!awaits_.empty() || !connected_) wait = std::min(wait, milliseconds(20));
    return wait;
}

// Whatever halted it, and once each time.
void LedgerProcess::raise_alarm(Slot& slot) {
    if (slot.alarm == slot.partition.halted()) return;
    slot.alarm = slot.partition.halted();
    if (slot.alarm.empty())
        logs::info("partition goes on", {{"service", plan_.service}, {"partition", slot.number}});
    else
        logs::error("partition needs an operator",
                    {{"service", plan_.service}, {"partition", slot.number}, {"why", slot.alarm}});
}

bool LedgerProcess::step(Slot& slot, Tick tick) {
    Orders orders = slot.partition.step(now_time(), tick);
    raise_alarm(slot);
    slot.end_restarts(std::nullopt, tick);
    const bool any = !orders.append.empty() || orders.read_ledger_from || orders.read_inputs_again;
    obey(slot, std::move(orders));
    if (slot.partition.caught_up() && !slot.inputs_started && tick >= slot.next_attempt) {
        slot.next_attempt = tick + milliseconds(100);
        start_inputs(slot);
        return true;
    }
    leads_[static_cast<std::size_t>(slot.number)] = slot.partition.leads();
    return any;
}

void LedgerProcess::obey(Slot& slot, Orders orders) {
    if (orders.read_ledger_from && !reader_->start(source_of(slot.number, -1), ledger_topic_,
                                                   slot.number, *orders.read_ledger_from))
        logs::error("ledger cannot be read", {{"service", plan_.service}});
    if (orders.read_inputs_again) {
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            reader_->stop(source_of(slot.number, static_cast<int>(i)));
        slot.inputs_started = false;
    }
    for (auto& order : orders.append) {
        const bool queued = writer_->append(
            ledger_topic_, slot.number, order.realm, order.record, {},
            [this, &slot, digest = std::move(order.digest)](bool ok, std::int64_t offset) {
                if (ok)
                    slot.partition.on_append_stored(digest, offset);
                else
                    slot.partition.on_append_failed();
                if (!ok) on_trouble();
            });
        if (!queued) {
            slot.partition.on_append_failed();
            break;
        }
    }
    for (auto& letter : orders.dead_letters) keep_dead_letter(slot, std::move(letter));
    for (const auto& order : orders.fire) fire(order);
}

void LedgerProcess::start_inputs(Slot& slot) {
    // All ranges first: the partition decides nothing before the last of them is known.
    std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
    for (const InputSpec& input : inputs_) {
        const auto range = asking_->range(input.topic, slot.number, milliseconds(2000));
        if (!range) return;  // Tried again soon.
        ranges.push_back(*range);
    }
    for (std::size_t i = 0; i < ranges.size(); ++i)
        slot.partition.on_input_range(static_cast<int>(i), ranges[i].first, ranges[i].second,
                                      slot.partition.next_ledger_offset() == 0);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
        reader_->start(source_of(slot.number, static_cast<int>(i)), inputs_[i].topic, slot.number,
                       slot.partition.input_start(static_cast<int>(i)));
    slot.inputs_started = true;
}

void LedgerProcess::keep_dead_letter(Slot& slot, Orders::DeadLetter letter) {
    const auto& topic = inputs_[static_cast<std::size_t>(letter.input)].topic;
    logs::error("input could not be decided; kept as a dead letter", {{"service", plan_.service},
                                                                      {"topic", topic},
                                                                      {"partition", slot.number},
                                                                      {"offset", letter.offset},
                                                                      {"why", letter.reason}});
    const Headers headers{{"tocsin_error_reason", letter.reason},
                          {"tocsin_error_topic", topic},
                          {"tocsin_error_partition", std::to_string(slot.number)},
                          {"tocsin_error_offset", std::to_string(letter.offset)}};
    auto shared = std::make_shared<Orders::DeadLetter>(std::move(letter));
    const bool queued =
        writer_->append(dead_letters_topic_, slot.number, plan_.service, shared->bytes, headers,
                        [this, &slot, shared](bool ok, std::int64_t) {
                            if (ok)
                                slot.partition.on_dead_letter_stored(shared->input, shared->offset);
                            else
                                post([this, &slot, shared] { keep_dead_letter(slot, *shared); });
                        });
    if (!queued) post([this, &slot, shared] { keep_dead_letter(slot, *shared); });
}

// A due time becomes a command, sent exactly as the partition worded it: a repeat is one request.
void LedgerProcess::fire(const Orders::Fire& order) {
    Submission submission;
    submission.asking = {
        order.realm, "service:" + plan_.service, "", {"service"}, order.request_id};
    submission.expires_at = order.expires_at;
    submission.sent_at = now_time();
    submission.body = order.body;
    submit(std::move(submission), milliseconds(10'000), [](const Answer&) {});
}

int LedgerProcess::source_of(int partition, int input) const {
    return partition * static_cast<int>(inputs_.size() + 1) + input + 1;
}

void LedgerProcess::on_record(int source, std::int64_t offset, std::string_view,
                              std::string_view value, Time stored_at) {
    const auto width = static_cast<int>(inputs_.size()) + 1;
    Slot& slot = *slots_[static_cast<std::size_t>(source / width)];
    const int input = source % width - 1;
    const Tick tick = now_tick();
    last_contact_ = tick.time_since_epoch().count();
    connected_ = true;
    if (input < 0)
        slot.partition.on_ledger_record(offset, value, tick);
    else
        slot.partition.on_input_record(input, offset, value, stored_at, tick);
}

void LedgerProcess::on_end(int source, std::int64_t offset) {
    const auto width = static_cast<int>(inputs_.size()) + 1;
    Slot& slot = *slots_[static_cast<std::size_t>(source / width)];
    const int input = source % width - 1;
    last_contact_ = now_tick().time_since_epoch().count();
    connected_ = true;
    if (input < 0)
        slot.partition.on_ledger_end(offset);
    else
        slot.ended.insert(input);
}

void LedgerProcess::on_out_of_range(int source) {
    const auto width = static_cast<int>(inputs_.size()) + 1;
    Slot& slot = *slots_[static_cast<std::size_t>(source / width)];
    const int input = source % width - 1;
    logs::error("a log has no such offset any more; reading it again from its beginning",
                {{"service", plan_.service}, {"partition", slot.number}, {"input", input}});
    if (input < 0)
        slot.partition.on_ledger_out_of_range();
    else if (inputs_[static_cast<std::size_t>(input)].kind == InputSpec::Kind::ledger)
        slot.partition.on_upstream_out_of_range();
    else
        slot.inputs_started = false;  // The range check decides whether this is an alarm.
}

void LedgerProcess::on_trouble(int source, const std::string& what) {
    logs::warn("reading stumbled", {{"service", plan_.service}, {"source", source}, {"why", what}});
    on_trouble();
}

// Whatever the broker did meanwhile, the heads are read back before anything is appended.
void LedgerProcess::on_trouble() {
    if (!connected_) return;
    connected_ = false;
    next_probe_ = now_tick();
    for (const auto& slot : slots_) slot->partition.on_broker_trouble();
}

// A broker that is gone is asked until it answers; one that was silent is asked as well, since a
// machine that stands still closes no connection. Not on this thread: a slow answer is an answer,
// and calls must end at their deadline meanwhile.
void LedgerProcess::probe(Tick tick) {
    const Tick last{std::chrono::nanoseconds{last_contact_}};
    if (probing_ || tick < next_probe_ || (connected_ && tick - last < silence_max)) return;
    probing_ = true;
    prober_ = std::jthread([this] {
        const bool there = writer_->reachable(milliseconds(1000));
        post([this, there] { probed(there); });
    });
}

void LedgerProcess::probed(bool there) {
    probing_ = false;
    if (there) {
        connected_ = true;
        last_contact_ = now_tick().time_since_epoch().count();
        return;
    }
    const Tick last{std::chrono::nanoseconds{last_contact_}};
    if (now_tick() - last < silence_max) return;  // It sent something meanwhile.
    on_trouble();
    next_probe_ = now_tick() + milliseconds(100);
}

// Whether its history, and that of every ledger that it follows, was read to the end.
bool LedgerProcess::folded(const Slot& slot) const {
    if (!slot.partition.caught_up() || !slot.partition.opened() ||
        !slot.partition.halted().empty() || !slot.inputs_started)
        return false;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
        if (inputs_[i].kind == InputSpec::Kind::ledger && !slot.ended.contains(static_cast<int>(i)))
            return false;
    return true;
}

void LedgerProcess::check_ready() {
    bool all = true;
    bool readable = true;
    for (const auto& slot : slots_) {
        const bool here = folded(*slot);
        // Also after a lost tail, when everything was told again.
        if (here) slot->live = true;
        all = all && here;
        readable = readable && slot->live;
    }
    readable_ = readable;
    // Once folded, a broker that is away does not make the views unreadable; only a halt does.
    const bool halted = std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) {
        return !slot->partition.halted().empty();
    });
    if (all && !ready_) logs::info("history folded", {{"service", plan_.service}});
    const bool now_ready = all || (ready_ && readable && !halted);
    if (now_ready == ready_) return;
    {
        const std::lock_guard guard(mutex_);
        ready_ = now_ready;
        ready_changed_.notify_all();
    }
    ready_listener_(now_ready);
}

void LedgerProcess::publish_status(Tick tick) {
    std::vector<Status> status;
    std::size_t in_flight = 0, remembered = 0;
    for (const auto& slot : slots_) {
        const Partition& partition = slot->partition;
        in_flight += partition.in_flight();
        remembered += partition.fold().remembered_count();
        std::string halted = partition.halted();
        for (std::size_t i = 0; halted.empty() && i < inputs_.size(); ++i)
            if (!partition.input_halted(static_cast<int>(i)).empty())
                halted = fmt::format("{}: {}", inputs_[i].topic,
                                     partition.input_halted(static_cast<int>(i)));
        const auto end = reader_->high(source_of(slot->number, -1));
        metrics_.update(slot->number,
                        {.position = partition.next_ledger_offset(),
                         .end = end.value_or(partition.next_ledger_offset()),
                         .undecided = partition.undecided(),
                         .halted = !halted.empty(),
                         .leads = leads_[static_cast<std::size_t>(slot->number)],
                         .counters = partition.counters()},
                        tick);
        status.push_back({slot->number, partition.next_ledger_offset(),
                          hex(partition.counted_head()), partition.fold().writer(),
                          std::move(halted), partition.counters(), partition.undecided(),
                          partition.fold().last()});
    }
    metrics_.appends_in_flight.Set(static_cast<double>(in_flight));
    metrics_.requests_remembered.Set(static_cast<double>(remembered));
    metrics_.calls_waiting.Set(static_cast<double>(waiters_.size()));
    metrics_.kafka_connected.Set(connected_ ? 1 : 0);
    metrics_.kafka_stale_seconds.Set(stale_seconds());
    metrics_.ready.Set(ready_ ? 1 : 0);
    const std::lock_guard guard(mutex_);
    status_ = std::move(status);
}

}  // namespace tocsin::runtime
