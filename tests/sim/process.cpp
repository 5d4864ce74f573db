#include "sim/process.hpp"

#include "runtime/record.hpp"

#include <algorithm>

namespace tocsin::sim {

using runtime::InputSpec;

bool Surroundings::chance(double probability) {
    return static_cast<double>(random()() >> 11) * 0x1.0p-53 < probability;
}

int Surroundings::below(int bound) {
    return static_cast<int>(random()() % static_cast<std::uint64_t>(bound));
}

runtime::Tick Process::tick() const {
    return runtime::Tick{std::chrono::milliseconds{1'000'000 + around_.tick() * tick_ms}};
}

Topic& Process::commands() {
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i)
        if (plan_.inputs[i].kind == InputSpec::Kind::commands)
            return around_.topic(static_cast<int>(i));
    throw std::logic_error("a service without commands");
}

void Process::start() {
    incarnation_ = around_.next_incarnation();
    runtime::PartitionOptions options;
    options.service = plan_.service;
    options.ledger_topic = around_.topic(-1).name;
    options.writer = name_;
    options.inputs = plan_.inputs;
    options.incarnation = incarnation_;
    options.pipeline_max = 5;
    options.record_bytes_max = plan_.record_bytes_max;
    options.takeover = std::chrono::milliseconds(25 * tick_ms);
    options.append_timeout = std::chrono::milliseconds(40 * tick_ms);
    options.resend_pause = std::chrono::milliseconds(2 * tick_ms);
    options.timer_again = std::chrono::milliseconds(20 * tick_ms);
    options.pass_after = std::chrono::milliseconds(30 * tick_ms);
    options.short_patience = std::chrono::milliseconds(15 * tick_ms);
    options.clock_tolerance = clock_tolerance;
    options.jitter_seed = around_.random()();
    frozen_ = 0;
    trouble_ = false;
    dying_ = false;
    skew_ = std::chrono::seconds(around_.below(41) - 20);
    ledger_next_ = 0;
    input_next_.assign(plan_.inputs.size(), -1);
    input_paused_.assign(plan_.inputs.size(), false);
    inputs_started_ = false;
    forget_told();
    partition_ = std::make_unique<runtime::Partition>(options, around_.instance_keys(),
                                                      plan_.rules(), *this);
}

void Process::crash() {
    if (!partition_) return;
    around_.count_end(partition_->counters());
    partition_.reset();
    for (Parcel& parcel : wire_) around_.to_limbo(std::move(parcel));
    wire_.clear();
    reports_.clear();
    letters_.clear();
    waiting_.clear();
    forget_told();
}

void Process::forget_told() {
    told_.clear();
    told_upstream_.assign(plan_.inputs.size(), 0);
}

bool Process::dies(double probability) {
    dying_ = dying_ || (!around_.calm() && around_.crashes() && chance(probability));
    return dying_;
}

void Process::step() {
    if (!partition_) return;
    if (frozen_ > 0) {
        --frozen_;
        return;
    }
    if (std::exchange(trouble_, false)) partition_->on_broker_trouble();
    take_reports();
    read_some();
    if (around_.calm() || chance(.8)) obey(partition_->step(now(), tick()));
    if (partition_->caught_up() && !inputs_started_) start_inputs();
    store_letters();
    if (partition_->caught_up() && partition_->halted().empty() && !dying_) act();
    if (dying_) crash();
}

void Process::start_inputs() {
    for (int input = 0; input < static_cast<int>(input_next_.size()); ++input) {
        const Topic& topic = around_.topic(input);
        partition_->on_input_range(input, topic.low, topic.end());
        input_next_[static_cast<std::size_t>(input)] = partition_->input_start(input);
        input_paused_[static_cast<std::size_t>(input)] = false;
    }
    inputs_started_ = true;
}

void Process::store_letters() {
    for (std::size_t i = 0; i < letters_.size();) {
        if (!chance(.5)) {
            ++i;
            continue;
        }
        around_.keep_dead_letter(letters_[i].input, letters_[i].offset);
        partition_->on_dead_letter_stored(letters_[i].input, letters_[i].offset);
        letters_.erase(letters_.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

// Topics are interleaved at random; each is in its own order.
void Process::read_some() {
    const int inputs = static_cast<int>(input_next_.size());
    for (int i = 0; i < (around_.calm() ? 6 : 3); ++i) {
        const int input = around_.below(inputs + 2) - 2;
        for (int records = 1 + around_.below(around_.calm() ? 20 : 5); records > 0; --records) {
            if (input < 0)
                read_ledger();
            else
                read_input(input);
        }
    }
}

void Process::read_ledger() {
    const Topic& ledger = around_.topic(-1);
    if (ledger_next_ > ledger.end()) {
        partition_->on_ledger_out_of_range();
        obey(partition_->step(now(), tick()));
        return;
    }
    if (ledger_next_ == ledger.end()) {
        partition_->on_ledger_end(ledger_next_);
        return;
    }
    const std::int64_t offset = ledger_next_++;
    partition_->on_ledger_record(offset, ledger.at(offset).value, tick());
}

void Process::read_input(int input) {
    if (!inputs_started_ || input_paused_[static_cast<std::size_t>(input)]) return;
    const Topic& topic = around_.topic(input);
    std::int64_t& next = input_next_[static_cast<std::size_t>(input)];
    if (next < topic.low || next > topic.end()) {
        partition_->on_input_out_of_range(input);
        obey(partition_->step(now(), tick()));
        return;
    }
    if (next == topic.end()) {
        partition_->on_input_end(input, next);
        return;
    }
    const std::int64_t offset = next++;
    partition_->on_input_record(input, offset, topic.at(offset).value, topic.at(offset).stored_at,
                                tick());
}

// An answer of the broker, which may take a while and then tells less.
void Process::probe_clock() {
    const auto took = std::chrono::seconds(around_.calm() ? 0 : around_.below(4));
    partition_->on_clock(now() - took, now(), around_.now() - took / 2, tick());
}

void Process::obey(runtime::Orders orders) {
    if (orders.read_ledger_from) ledger_next_ = *orders.read_ledger_from;
    if (orders.read_inputs_again) inputs_started_ = false;
    for (const int input : orders.pause_inputs)
        input_paused_[static_cast<std::size_t>(input)] = true;
    for (const auto& [input, from] : orders.read_input_from) {
        input_next_[static_cast<std::size_t>(input)] = from;
        input_paused_[static_cast<std::size_t>(input)] = false;
    }
    if (orders.probe_clock && (around_.calm() || chance(.3))) probe_clock();
    for (auto& order : orders.append) {
        if (dies(.002)) return;
        if (!around_.calm() && chance(.01)) {  // The producer's queue is full.
            partition_->on_append_failed(order.digest);
            break;
        }
        wire_.push_back({&around_.topic(-1), std::move(order.record), std::move(order.digest),
                         around_.tick() + around_.slowness()});
    }
    for (auto& letter : orders.dead_letters) letters_.push_back(std::move(letter));
    for (const auto& order : orders.fire) send(commands(), command_of(order));
}

std::string Process::command_of(const runtime::Orders::Fire& fire) {
    runtime::Submission submission;
    submission.asking = {fire.realm, "service:" + plan_.service, "", {"service"}, fire.request_id};
    submission.expires_at = fire.expires_at;
    submission.sent_at = now();
    submission.body = fire.body;
    return runtime::command_bytes(submission,
                                  {around_.keys(), commands().name, runtime::RecordKind::command},
                                  around_.keys().newest());
}

void Process::take_reports() {
    for (std::size_t i = 0; i < reports_.size();) {
        if (reports_[i].due > around_.tick()) {
            ++i;
            continue;
        }
        const Report taken = reports_[i];
        reports_.erase(reports_.begin() + static_cast<std::ptrdiff_t>(i));
        if (taken.offset >= 0) {
            partition_->on_append_stored(taken.digest, taken.offset);
        } else {
            partition_->on_append_failed(taken.digest);
            if (chance(.5)) partition_->on_broker_trouble();
        }
    }
}

void Process::report(const std::string& digest, bool landed, std::int64_t offset) {
    if (digest.empty()) return;
    const bool lies = !around_.calm() && chance(.05);
    if (!around_.calm() && chance(landed ? .1 : .5)) return;  // It never comes.
    const std::int64_t due = around_.tick() + (chance(.7) ? 1 : around_.below(60));
    reports_.push_back({due, digest, landed && !lies ? offset : -1});
}

void Process::deliver() {
    if (wire_.empty() || (!around_.calm() && !chance(.6))) return;
    if (around_.slowness() > 0) {  // Slow, and nothing else.
        if (wire_.front().leaves > around_.tick()) return;
        report(wire_.front().digest, true, around_.land(wire_.front()));
        return wire_.pop_front();
    }
    const double draw = std::uniform_real_distribution<>(0, 1)(around_.random());
    const double trouble = around_.storm() ? 2 : 1;
    const auto which =
        around_.calm() || chance(.9) ? 0 : around_.below(static_cast<int>(wire_.size()));
    Parcel parcel = std::move(wire_[static_cast<std::size_t>(which)]);
    wire_.erase(wire_.begin() + which);
    if (around_.calm() || draw > .15 * trouble) {
        const std::int64_t offset = around_.land(parcel);
        report(parcel.digest, true, offset);
    } else if (draw > .1 * trouble) {
        around_.land(parcel);
        const std::int64_t offset = around_.land(parcel);
        report(parcel.digest, true, offset);
    } else {
        report(parcel.digest, false, -1);
        if (draw < .06 * trouble) around_.to_limbo(std::move(parcel));
    }
}

void Process::submit(const std::string& request, Topic& to, const std::string& value) {
    if (!partition_->caught_up() || !partition_->opened()) return;
    waiting_.insert(request);
    wire_.push_back({&to, value, {}});
}

// A stream is read again by its source; nobody waits for its end.
bool Process::at_rest() const {
    if (!partition_->caught_up() || partition_->in_flight() > 0 || !wire_.empty() ||
        ledger_next_ != around_.topic(-1).end() || !inputs_started_)
        return false;
    for (std::size_t i = 0; i < input_next_.size(); ++i)
        if (plan_.inputs[i].kind != InputSpec::Kind::stream &&
            input_next_[i] != around_.topic(static_cast<int>(i)).end())
            return false;
    return true;
}

void Process::check_fold() {
    const Oracle& oracle = around_.oracle();
    if (!partition_->halted().empty()) throw Violation("halted: " + partition_->halted());
    if (partition_->fold().head() != oracle.head() || partition_->counted_head() != oracle.head())
        throw Violation("folds differ in their head");
    const bool same =
        std::ranges::equal(told_, oracle.chain(),
                           [](const auto& mine, const auto& one) { return mine == one.second; });
    if (!same) throw Violation("views were not told each decision once and in order");
}

void Process::counted(int input, std::int64_t offset, const ledger::v1::Decision& decision,
                      const std::string& digest) {
    if (input >= 0) {
        const auto& topic = plan_.inputs[static_cast<std::size_t>(input)].topic;
        const Chain& chain = around_.oracle().upstream_chain(topic);
        const std::size_t told = told_upstream_[static_cast<std::size_t>(input)]++;
        if (told >= chain.size() || chain[told].second != digest)
            throw Violation("a view was told an upstream decision that is void, or out of order");
        return;
    }
    if (offset >= 0) {
        const Chain& chain = around_.oracle().chain();
        told_.push_back(digest);
        if (!around_.history_lost() &&
            (told_.size() > chain.size() || chain[told_.size() - 1].second != digest))
            throw Violation("a view was told what does not count, or twice, or out of order");
    }
    follow(decision);
}

void Process::history_changed() {
    if (!around_.history_lost() && !around_.upstream_lost())
        throw Violation("history is said to have changed, but it has not");
    forget_told();
}

void Process::answered(const std::string& key, const std::string& body_digest,
                       const runtime::Remembered& answer) {
    const std::string request = key + body_digest;
    if (waiting_.erase(request) > 0) around_.answer(request, answer);
}

}  // namespace tocsin::sim
