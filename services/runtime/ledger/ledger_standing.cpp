// What a LedgerProcess knows of itself: whether Kafka answers, what is folded, what is due next.
#include "runtime/host/logs.hpp"
#include "runtime/ledger/ledger_process.hpp"
#include "runtime/ledger/ledger_slot.hpp"
#include "runtime/ledger/topics.hpp"

#include <fmt/format.h>

namespace tocsin::runtime {

using std::chrono::milliseconds;

static constexpr auto silence_max = milliseconds(1000);
static constexpr auto probe_again = milliseconds(100);
// Whether a log that is missing is there again.
static constexpr auto look_every = milliseconds(1000);
static constexpr auto idle_most = milliseconds(250);
static constexpr auto status_every = milliseconds(250);
// Nothing of a partition needs to be seen to more often, whatever is due.
static constexpr auto timer_least = milliseconds(10);

void LedgerProcess::heard() {
    last_contact_ = clock_.tick().time_since_epoch().count();
    connected_ = true;
}

// Whatever the broker did meanwhile, the heads are read back before anything is appended.
void LedgerProcess::on_trouble() {
    if (!connected_) return;
    connected_ = false;
    next_probe_ = clock_.tick();
    for (const auto& slot : slots_) slot->guard([&] { slot->partition.on_broker_trouble(); });
}

// A broker that is gone is probed until it answers; one that was silent is probed as well, since a
// machine that stands still closes no connection.
void LedgerProcess::probe(Tick tick) {
    const Tick last{std::chrono::nanoseconds{last_contact_}};
    if (probing_ || tick < next_probe_ || (connected_ && tick - last < silence_max)) return;
    probing_ = true;
    writers_.front()->ask_reachable(milliseconds(1000), [this](bool there) { probed(there); });
}

void LedgerProcess::probed(bool there) {
    probing_ = false;
    if (there) return heard();
    const Tick last{std::chrono::nanoseconds{last_contact_}};
    if (clock_.tick() - last < silence_max) return;  // It sent something meanwhile.
    on_trouble();
    refused_.forget();
    next_probe_ = clock_.tick() + probe_again;
}

LogName LedgerProcess::name_of(int source) const {
    return {topic_of(source), source / static_cast<int>(inputs_.size() + 1)};
}

// From any thread.
void LedgerProcess::note_missing(int source) {
    const std::lock_guard guard(mutex_);
    missing_.insert(source);
    any_missing_ = true;
}

// Of the ledger thread: what became of a record for it.
void LedgerProcess::note_refused(int source, const Stored& stored) {
    if (stored.ok()) return refused_.taken(name_of(source));
    if (stored.kind == Stored::Kind::missing) return note_missing(source);
    tell_refused(source, not_stored_text(log_name(source), stored));
}

// From any thread: a record for it could not even be queued.
void LedgerProcess::note_not_queued(int source, Queued queued) {
    if (queued == Queued::missing) return note_missing(source);
    if (queued == Queued::dead) return;  // The process ends; the log may be well.
    const std::lock_guard guard(mutex_);
    not_queued_[source] = queued;
}

// First thing in a turn: results of what was stored afterwards come afterwards.
void LedgerProcess::take_not_queued() {
    std::map<int, Queued> noted;
    {
        const std::lock_guard guard(mutex_);
        noted.swap(not_queued_);
    }
    for (const auto& [source, queued] : noted)
        tell_refused(source, not_queued_text(log_name(source), queued));
}

// Only the ledger is needed: without commands nothing would show that they are accepted again.
void LedgerProcess::tell_refused(int source, std::string why) {
    refused_.refused(name_of(source), std::move(why), input_of(source) < 0, clock_.tick());
}

// With nothing more to write, nothing would show that the log is accepted again. A ledger that is
// not opened has its first decision to write, also while none is under way.
void LedgerProcess::forget_refused(Tick tick) {
    refused_.drop_quiet(tick);
    for (const auto& slot : slots_)
        if (slot->partition.opened() && slot->partition.in_flight() == 0)
            refused_.taken(name_of(source_of(slot->number, -1)));
    if (letters_->size() == 0) refused_.taken({dead_letters_topic_});
}

std::optional<int> LedgerProcess::first_missing() const {
    if (!any_missing_) return std::nullopt;
    const std::lock_guard guard(mutex_);
    return *missing_.begin();
}

// Nothing is written meanwhile, so that nothing else would show that it is there again.
void LedgerProcess::look_for_missing(Tick tick) {
    const auto source = first_missing();
    if (!source || looking_ || tick < next_look_) return;
    looking_ = true;
    writer_of(*source).ask_range(topic_of(*source), slot_of(*source).number, look_every,
                                 [this, source](const LogRangeAnswer& range) {
                                     looking_ = false;
                                     next_look_ = range ? Tick{} : clock_.tick() + look_every;
                                     if (!range) return;
                                     const std::lock_guard guard(mutex_);
                                     missing_.erase(*source);
                                     any_missing_ = !missing_.empty();
                                 });
}

// How long nothing needs to be done unless something is read, answered or posted.
milliseconds LedgerProcess::idle_time(Tick tick) const {
    auto wait = idle_most;
    const auto until = [&](Tick due, milliseconds least) {
        wait = std::min(wait, std::max(std::chrono::ceil<milliseconds>(due - tick), least));
    };
    for (const auto& slot : slots_) {
        if (const auto due = next_wake(*slot)) wait = std::min(wait, std::max(*due, timer_least));
        if (slot->partition.caught_up() && !slot->inputs_started && !slot->asking_ranges)
            until(slot->next_attempt, timer_least);
    }
    if (const auto due = waiters_.next_expiry()) until(*due, milliseconds(1));
    if (const auto due = reads_.next_expiry()) until(*due, milliseconds(1));
    if (const auto due = letters_->next()) until(*due, timer_least);
    if (!connected_ && !probing_) until(next_probe_, timer_least);
    return wait;
}

// When the partition is to be stepped although nothing was read. What it could not do now anyhow
// is not waited for.
std::optional<milliseconds> LedgerProcess::next_wake(const Slot& slot) const {
    const Partition& partition = slot.partition;
    if (!slot.halted().empty() || !partition.caught_up() || !slot.inputs_started)
        return std::nullopt;
    return partition.next_wake(clock_.now(), clock_.tick());
}

// Whether its history, and that of every ledger that it follows, was read to the end.
bool LedgerProcess::folded(const Slot& slot) const {
    if (!slot.partition.caught_up() || !slot.partition.opened() || !slot.halted().empty() ||
        !slot.inputs_started)
        return false;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
        if (inputs_[i].kind == InputSpec::Kind::ledger &&
            !slot.partition.input_ended(static_cast<int>(i)))
            return false;
    return true;
}

void LedgerProcess::check_ready(Tick tick) {
    bool all = true;
    bool halted = false;
    for (const auto& slot : slots_) {
        // What came since its end was read is little, and may never stop coming.
        if (!slot->live && folded(*slot)) slot->fold_whole_backlog(tick);
        const bool here = folded(*slot);
        // Also after a lost tail, when everything was reported again.
        if (here && !slot->live) slot->go_live();
        const bool readable = slot->live && slot->halted().empty();
        const bool was = readable_[static_cast<std::size_t>(slot->number)].exchange(readable);
        if (was && !readable) slot->halts();
        all = all && here;
        halted = halted || !slot->halted().empty();
    }
    // Not again while something else keeps it from serving, nor after what concerns one partition.
    if (all && !stopping_ && warming_ == 0 && !std::exchange(said_folded_, true))
        logs::info("history folded", {{"service", plan_.service}});
    if (all) fold_pool_.end();
    if (halted) said_folded_ = false;
    tell_standing(tick);
    // Once folded, a broker that is away does not make it unready, nor does a partition that is
    // folded again, which concerns its own realms; a halt does, and a log that is not read although
    // it is there, or not there to be written.
    const bool now_ready = !stopping_ && warming_ == 0 && !sources_->any_down() &&
                           missing_why_.empty() && clock_off().empty() &&
                           (all || (ready_ && !halted));
    if (now_ready == ready_) return;
    publish_status(tick);
    metrics_.ready.Set(now_ready ? 1 : 0);
    {
        const std::lock_guard guard(mutex_);
        ready_ = now_ready;
        ready_changed_.notify_all();
    }
    ready_listener_(now_ready);
}

// What keeps it from serving, other than a halt (raise_alarm()); each is logged once, and its end.
void LedgerProcess::tell_standing(Tick tick) {
    const std::string down = sources_->first_down().value_or("");
    // A clock's reason changes with each measurement, and is the same one.
    const bool clock_changed = clock_why_.empty() != clock_off().empty();
    const bool down_changed = down_why_.empty() != down.empty();
    forget_refused(tick);
    auto unwritten = refused_.first_needed(tick);
    if (const auto absent = first_missing())
        unwritten = {name_of(*absent), missing_text(log_name(*absent))};
    const std::string missing = unwritten ? unwritten->why : "";
    if (!unwritten) unwritten = refused_.first(tick);
    if (clock_why_ != clock_off() || down_why_ != down || missing_why_ != missing) {
        const std::lock_guard guard(mutex_);
        clock_why_ = clock_off();
        down_why_ = down;
        missing_why_ = missing;
    }
    if (clock_changed && !clock_why_.empty())
        logs::error("this instance does not decide",
                    {{"service", plan_.service}, {"why", clock_why_}});
    else if (clock_changed)
        logs::info("the clock is right again; deciding", {{"service", plan_.service}});
    if (down_changed && !down.empty())
        logs::warn("a log is not read", {{"service", plan_.service}, {"log", down}});
    else if (down_changed)
        logs::info("all logs are read again", {{"service", plan_.service}});
    tell_unwritten(unwritten);
    for (const auto& slot : slots_) tell_inputs(*slot);
    tell_age(tick);
}

// Each once until all are written: what the client of Kafka says of one changes from attempt to
// attempt, and so may which of several is the first.
void LedgerProcess::tell_unwritten(const std::optional<RefusedLog>& log) {
    if (log && unwritten_.insert(log->name.text()).second)
        logs::error("a log cannot be written", {{"service", plan_.service}, {"why", log->why}});
    if (!log && !std::exchange(unwritten_, {}).empty())
        logs::info("no log is known to be unwritable any more", {{"service", plan_.service}});
}

// What is read stays as it was while a log that it is made of is not read, or only by those who
// have another key.
void LedgerProcess::tell_age(Tick tick) {
    // One that is read again is as blind as it was until that is done.
    const auto is_blind = [&](const Partition& partition, int input) {
        if (partition.input_blind(input)) return true;
        const bool ledger =
            inputs_[static_cast<std::size_t>(input)].kind == InputSpec::Kind::ledger;
        return blind_since_ && ledger && !partition.input_ended(input);
    };
    bool blind = false;
    for (const auto& slot : slots_)
        for (int input = 0; input < static_cast<int>(inputs_.size()); ++input)
            blind = blind || is_blind(slot->partition, input);
    if (!blind) blind_since_.reset();
    if (blind && !blind_since_) blind_since_ = tick;
    const Tick since =
        std::min(sources_->down_since().value_or(Tick::max()), blind_since_.value_or(Tick::max()));
    unread_since_ = since == Tick::max() ? 0 : since.time_since_epoch().count();
}

// The rest of the partition goes on.
void LedgerProcess::tell_inputs(Slot& slot) const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        const std::string& why = slot.partition.input_halted(static_cast<int>(i));
        if (slot.inputs_alarm[i] == why) continue;
        slot.inputs_alarm[i] = why;
        if (why.empty())
            logs::info("an input goes on", {{"service", plan_.service},
                                            {"partition", slot.number},
                                            {"topic", inputs_[i].topic}});
        else
            logs::warn("an input stands still", {{"service", plan_.service},
                                                 {"partition", slot.number},
                                                 {"topic", inputs_[i].topic},
                                                 {"why", why}});
    }
}

// The offset before which everything of a log was passed; the log is a source's number.
std::int64_t LedgerProcess::passed(int log) const {
    const auto width = static_cast<int>(inputs_.size()) + 1;
    const Partition& partition = slots_[static_cast<std::size_t>(log / width)]->partition;
    const int input = input_of(log);
    return input < 0 ? partition.counted_offset() + 1 : partition.considered(input);
}

// Every partition measures one clock.
const std::string& LedgerProcess::clock_off() const {
    return slots_.front()->partition.clock_off();
}

std::string LedgerProcess::key_of(int partition) const {
    const std::lock_guard guard(mutex_);
    const std::string& key = slots_[static_cast<std::size_t>(partition)]->key_id;
    return key.empty() ? keys_.newest() : key;
}

void LedgerProcess::publish_status(Tick tick) {
    std::vector<Status> status;
    std::size_t in_flight = 0, remembered = 0;
    std::set<int> missing;
    {
        const std::lock_guard guard(mutex_);
        missing = missing_;
    }
    for (const auto& slot : slots_) {
        const Partition& partition = slot->partition;
        in_flight += partition.in_flight();
        remembered += partition.fold().remembered_count();
        std::vector<std::string> inputs_halted;
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            if (const auto& why = partition.input_halted(static_cast<int>(i)); !why.empty())
                inputs_halted.push_back(fmt::format("{}: {}", inputs_[i].topic, why));
        const std::size_t inputs_halted_count = inputs_halted.size();
        for (const int source : missing)
            if (slot_of(source).number == slot->number)
                inputs_halted.push_back(topic_of(source) + ": it does not exist in Kafka");
        const auto end = sources_->high(source_of(slot->number, -1));
        metrics_.update(slot->number,
                        {.position = partition.next_ledger_offset(),
                         .end = end.value_or(partition.next_ledger_offset()),
                         .undecided = partition.undecided(),
                         .halted = !slot->halted().empty(),
                         .inputs_halted = inputs_halted_count,
                         .leads = leads_[static_cast<std::size_t>(slot->number)],
                         .counters = partition.counters()},
                        tick);
        for (const RefusedLog& log : refused_.of_partition(slot->number, tick))
            inputs_halted.push_back(fmt::format("{}: {}", log.name.topic, log.why));
        status.push_back({slot->number, partition.next_ledger_offset(),
                          hex(partition.counted_head()), partition.fold().writer(), slot->halted(),
                          partition.counters(), partition.undecided(), partition.fold().last(),
                          std::move(inputs_halted), partition.clock_off(), partition.clock_offset(),
                          partition.key_id()});
    }
    metrics_.appends_in_flight.Set(static_cast<double>(in_flight));
    metrics_.requests_remembered.Set(static_cast<double>(remembered));
    metrics_.calls_waiting.Set(static_cast<double>(waiters_.size()));
    metrics_.reads_waiting.Set(static_cast<double>(reads_.size()));
    metrics_.dead_letters_waiting.Set(static_cast<double>(letters_->size()));
    metrics_.log_unwritable.Set(missing.empty() && !refused_.first(tick) ? 0 : 1);
    metrics_.reader_down.Set(sources_->any_down() ? 1 : 0);
    metrics_.update(sources_->restarts());
    metrics_.clock_off.Set(clock_off().empty() ? 0 : 1);
    metrics_.kafka_connected.Set(connected_ ? 1 : 0);
    metrics_.kafka_stale_seconds.Set(silent_seconds());
    next_status_ = tick + status_every;
    const std::lock_guard guard(mutex_);
    status_ = std::move(status);
}

bool LedgerProcess::readable() const {
    return std::ranges::all_of(readable_, [](const auto& one) { return one.load(); });
}

bool LedgerProcess::readable(const std::string& realm) const {
    return readable_[static_cast<std::size_t>(partition_of_realm(realm))];
}

bool LedgerProcess::leads(const std::string& realm) const {
    return leads_[static_cast<std::size_t>(partition_of_realm(realm))];
}

LedgerProcess::Standing LedgerProcess::standing(int partition) const {
    const auto index = static_cast<std::size_t>(partition);
    return {leads_[index], histories_[index]};
}

const Partition& LedgerProcess::partition(int number) const {
    return slots_[static_cast<std::size_t>(number)]->partition;
}

// The reason shows the caller whether another instance or an operator can help.
std::string LedgerProcess::why_not(const std::string& realm) const {
    static constexpr std::string_view folding = "history is still being folded";
    const auto halt = [](const std::string& why) {
        return fmt::format("an operator is needed (see GetStatus): {}", why);
    };
    if (stopping_) return "the service is shutting down";
    const auto number = static_cast<std::size_t>(partition_of_realm(realm));
    const std::lock_guard guard(mutex_);
    if (!halts_[number].empty()) return halt(halts_[number]);
    // One that is not opened yet may wait for its ledger to be written.
    if (!readable_[number] && missing_why_.empty()) return std::string(folding);
    if (!clock_why_.empty()) return clock_why_;
    for (const std::string& why : halts_)
        if (!why.empty()) return halt(why);
    if (!missing_why_.empty()) return missing_why_;
    if (!down_why_.empty()) return fmt::format("{} cannot be read at present", down_why_);
    return std::string(folding);
}

double LedgerProcess::stale_seconds() const {
    const std::int64_t since = unread_since_;
    if (since == 0) return silent_seconds();
    const Tick unread{std::chrono::nanoseconds{since}};
    return std::max(std::chrono::duration<double>(clock_.tick() - unread).count(),
                    silent_seconds());
}

double LedgerProcess::silent_seconds() const {
    if (connected_) return 0;
    const Tick last{std::chrono::nanoseconds{last_contact_}};
    return std::chrono::duration<double>(clock_.tick() - last).count();
}

std::vector<LedgerProcess::Status> LedgerProcess::status() const {
    const std::lock_guard guard(mutex_);
    return status_;
}

}  // namespace tocsin::runtime
