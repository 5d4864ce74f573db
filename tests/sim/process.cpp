#include "sim/process.hpp"

#include "runtime/ledger/topics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

Process::Process(Surroundings& around, ProcessPlan plan, std::string name)
    : around_(around), plan_(std::move(plan)), config_(around.config()), clock_(around.clock()) {
    config_.instance = std::move(name);
}

void Process::start() {
    incarnation_ = fmt::format("{}#{}", name(), around_.next_life());
    frozen_until_ = {};
    awake_at_ = {};
    clock_.skew = std::chrono::seconds(around_.below(41) - 20);
    keys_ = &around_.instance_keys();
    forget_told();
    auto connection = around_.kafka().connect();
    connection_ = connection.get();
    driver_ =
        std::make_unique<runtime::LedgerProcess>(plan_.ledger, config_, std::move(connection),
                                                 clock_, *keys_, plan_.rules(), around_.metrics());
    for (runtime::View* view : begin()) driver_->add_view(view);
    driver_->add_view(this);
    driver_->open();
}

void Process::crash() {
    if (!driver_) return;
    for (int i = 0; i < partitions(); ++i) around_.count_end(partition(i).counters());
    crashing_ = true;
    driver_.reset();
    crashing_ = false;
    connection_ = nullptr;
    end();
    for (const auto& [until, call] : calls_)
        if (call->ends != 1) around_.broken("a call has no end although its process is gone");
    calls_.clear();
}

void Process::forget_told() {
    told_.assign(static_cast<std::size_t>(partitions()), {});
    told_upstream_.clear();
}

Tick Process::due() const {
    if (!driver_) return Tick::max();
    const Tick due = connection_->woken() ? Tick{} : std::min(awake_at_, also_due());
    return std::max(due, frozen_until_);
}

void Process::turn() {
    const Tick tick = around_.tick();
    connection_->take_woken();
    awake_at_ = tick + std::max(driver_->turn(), milliseconds(1));
    if (connection_->dead()) return crash();
    check_calls(tick);
    after_turn();
}

// --- callers ---

void Process::submit(runtime::Submission submission, milliseconds wait, Heard heard) {
    const Tick until = around_.tick() + wait;
    auto call = std::make_shared<Call>();
    calls_.emplace(until, call);
    driver_->submit(std::move(submission), wait,
                    [this, call, until, heard = std::move(heard)](runtime::Answer answer) mutable {
                        ended(*call, answer.kind == runtime::Answer::Kind::unavailable, until);
                        heard(answer);
                    });
    call->within = false;
}

// Nobody is turned away before the deadline but at once, or by the end of the process.
void Process::ended(Call& call, bool given_up, Tick until) {
    if (++call.ends > 1) around_.broken("a call ended twice");
    if (given_up && !call.within && !crashing_ && around_.tick() < until)
        around_.broken("a call was given up before its deadline");
}

// Those whose time was over when the turn began have ended in it.
void Process::check_calls(Tick tick) {
    for (; !calls_.empty() && calls_.begin()->first <= tick; calls_.erase(calls_.begin()))
        if (calls_.begin()->second->ends != 1) around_.broken("a call did not end by its deadline");
}

void Process::await(const std::string& realm, const runtime::Position& position,
                    milliseconds wait) {
    using Awaited = runtime::Ledger::Awaited;
    const Tick until = around_.tick() + wait;
    auto call = std::make_shared<Call>();
    calls_.emplace(until, call);
    driver_->await(realm, {position}, wait, [this, call, until, position](Awaited how) {
        ended(*call, how != Awaited::reached, until);
        if (how == Awaited::reached) reached(position.service, position.partition, position.offset);
    });
    call->within = false;
}

// What was read with a token that is reached shows what the token stands for.
void Process::reached(const std::string& service, int partition, std::int64_t offset) {
    if (around_.history_lost(partition) || around_.upstream_lost()) return;
    const auto& told = told_[static_cast<std::size_t>(partition)];
    const auto& ledger = plan_.ledger;
    if (service == ledger.service) {
        if (told.empty() || told.back().offset < offset)
            around_.broken("a token is reached before the views are there");
        return;
    }
    const Chain& chain = around_.chain_of(service, partition);
    const auto behind =
        std::ranges::count_if(chain, [&](const Link& link) { return link.offset <= offset; });
    const std::pair key{service, partition};
    if (told_upstream_[key] < static_cast<std::size_t>(behind))
        around_.broken("a token of another service is reached before the views are there");
    const bool decides = std::ranges::find(ledger.upstreams, service) != ledger.upstreams.end();
    if (decides && !around_.oracle(partition).considered_before(
                       runtime::ledger_topic(config_.world, service), offset + 1))
        around_.broken("a token of another service is reached before it was decided on");
}

// Of each input that is decided on, in each partition.
void Process::check_positions() {
    const auto& ledger = plan_.ledger;
    const auto views_only = static_cast<int>(ledger.followed.size());
    const auto upstreams = static_cast<int>(ledger.upstreams.size());
    for (int number = 0; number < partitions(); ++number) {
        const runtime::Partition& one = partition(number);
        const auto& inputs = one.options().inputs;
        for (int input = 0; input < static_cast<int>(inputs.size()); ++input) {
            const auto& spec = inputs[static_cast<std::size_t>(input)];
            if (spec.kind == runtime::InputSpec::Kind::stream ||
                (input >= upstreams && input < upstreams + views_only))
                continue;
            const std::int64_t considered = one.considered(input);
            if (considered > around_.kafka().log(spec.topic, number).end() ||
                !around_.oracle(number).considered_before(spec.topic, considered))
                throw Violation("a position counts as reached before its time: " + spec.topic);
        }
    }
}

// --- views ---

void Process::apply(const runtime::Counted& counted) {
    if (counted.service != plan_.ledger.service) {
        const std::string service(counted.service);
        const std::size_t place = told_upstream_[{service, counted.partition}]++;
        return check_told(counted, around_.chain_of(service, counted.partition), place);
    }
    if (counted.offset >= 0) {
        auto& told = told_[static_cast<std::size_t>(counted.partition)];
        told.push_back(
            {counted.offset, std::hash<std::string>{}(counted.decision.SerializeAsString())});
        if (!around_.history_lost(counted.partition))
            check_told(counted, around_.oracle(counted.partition).chain(), told.size() - 1);
    }
    follow(counted);
}

void Process::check_told(const runtime::Counted& counted, const Chain& chain, std::size_t place) {
    if (place < chain.size() && chain[place].offset == counted.offset &&
        chain[place].body == std::hash<std::string>{}(counted.decision.SerializeAsString()))
        return;
    around_.broken(fmt::format("a view was told what does not count, or twice, or out of order: {}",
                               counted.service));
}

void Process::reset(int partition) {
    if (!around_.history_lost(partition) && !around_.upstream_lost() &&
        !around_.upstream_behind(partition))
        around_.broken("history is said to have changed, but it has not");
    told_[static_cast<std::size_t>(partition)].clear();
    std::erase_if(told_upstream_,
                  [&](const auto& entry) { return entry.first.second == partition; });
    forget(partition);
}

void Process::folded(int partition) {
    if (told_[static_cast<std::size_t>(partition)].empty())
        around_.broken("history is said to be folded, but nothing was told");
}

// --- the end ---

std::string Process::halted(int number) const {
    if (const auto& why = partition(number).halted(); !why.empty()) return why;
    const auto status = driver_->status();
    return status.empty() ? "" : status[static_cast<std::size_t>(number)].halted;
}

std::string Process::halted() const {
    for (int i = 0; i < partitions(); ++i)
        if (std::string why = halted(i); !why.empty()) return why;
    return {};
}

// A stream is read again by its source; nobody waits for its end.
bool Process::at_rest() const {
    if (!ready() || !halted().empty() || around_.kafka().anything_on_its_way()) return false;
    for (int number = 0; number < partitions(); ++number) {
        const runtime::Partition& one = partition(number);
        const auto& options = one.options();
        const auto end_of = [&](const std::string& topic) {
            return around_.kafka().log(topic, number).end();
        };
        if (!one.caught_up() || one.in_flight() > 0 ||
            one.next_ledger_offset() != end_of(options.ledger_topic))
            return false;
        for (int input = 0; input < static_cast<int>(options.inputs.size()); ++input) {
            const auto& spec = options.inputs[static_cast<std::size_t>(input)];
            if (spec.kind != runtime::InputSpec::Kind::stream &&
                one.considered(input) != end_of(spec.topic))
                return false;
        }
    }
    return true;
}

void Process::check_folds() {
    if (const std::string why = halted(); !why.empty()) throw Violation("halted: " + why);
    for (int number = 0; number < partitions(); ++number) {
        const Oracle& oracle = around_.oracle(number);
        const runtime::Partition& one = partition(number);
        if (one.fold().head() != oracle.head() || one.counted_head() != oracle.head())
            throw Violation("folds differ in their head");
        // What was lost and sent again may lie elsewhere now, and is not told once more.
        const bool moved = around_.history_lost(number);
        const bool same = std::ranges::equal(
            told_[static_cast<std::size_t>(number)], oracle.chain(),
            [moved](const Told& mine, const Link& link) {
                return mine.body == link.body && (moved || mine.offset == link.offset);
            });
        if (!same) throw Violation("views were not told each decision once and in order");
    }
}

}  // namespace tocsin::sim
