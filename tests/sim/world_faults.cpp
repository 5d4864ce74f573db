// What goes wrong, and what must be noticed of it.
#include "runtime/ledger/topics.hpp"
#include "sim/world.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

using std::chrono::seconds;
using Word = runtime::LedgerProcess::Word;

void World::start() {
    if (!scenario_.clean) kafka_.faults = usual_faults(scenario_.storm ? 2 : 1);
    if (!scenario_.lone_fault) kafka_.faults.deadly = .002;
    // For longer than others wait; at times for longer than they wait after a lost race.
    if (scenario_.slow)
        kafka_.slow_topics[part(0).ledger.name] = milliseconds(chance(.5) ? 500 : 1'500);
    instances_[0]->start();
    if (!scenario_.namesakes) instances_[1]->start();
    if (scenario_.lone_fault && !scenario_.namesakes) instances_[2]->start();
}

// What happens at a certain step.
void World::play(int at) {
    const int third = steps_ / 3;
    if (scenario_.broker_wrong && at == third) clock_.skew = std::chrono::hours(24 * 30);
    if (scenario_.broker_wrong && at == third + 60) clock_.skew = {};
    if (scenario_.broker_off && at == third) kafka_.clock_skew = seconds(chance(.5) ? -600 : 600);
    if (scenario_.broker_off && at == 2 * third) kafka_.clock_skew = {};
    if (scenario_.namesakes && at == steps_ / 4) instances_[1]->start();
    if (scenario_.keys && at == third) keys_changed_ = true;
}

void World::faults() {
    callers();
    check_tokens();
    faults_of_kafka();
    if (scenario_.lone_fault) return check_progress();
    faults_of_processes();
    operators();
}

void World::faults_of_processes() {
    const double more = scenario_.storm ? 3 : 1;
    Instance& one = any();
    if (!one.alive() && chance(.03)) one.start();
    if (scenario_.keys && keys_changed_ && chance(.02)) one.crash();  // To be started with both.
    if (chance(.003 * more)) one.crash();
    if (one.alive() && chance(.004 * more)) one.freeze(seconds(1 + below(30)));
    if (one.alive() && chance(.004 * more)) one.broker_trouble();
    if (scenario_.clock_steps && chance(.004)) {
        static constexpr int month = 30 * 24 * 3600;
        static constexpr int off[] = {-month, -3600, -600, -60, 60, 600, 3600, month};
        one.set_clock(seconds(off[below(8)]));
    }
}

void World::faults_of_kafka() {
    const double some = scenario_.lone_fault ? 0 : scenario_.storm ? 3 : 1;
    if (chance(scenario_.away ? .01 : .002 * some) && !kafka_.away()) {
        kafka_.go_away();
        away_until_ = tick() + milliseconds(10 + below(chance(.8) ? 3'000 : 30'000));
    }
    if (kafka_.away() && tick() >= away_until_) kafka_.come_back();
    if (chance(scenario_.stalls ? .01 : .001 * some)) {
        Part& there = any_part();
        Topic* const logs[] = {&there.ledger, &there.commands, &there.upstream, &there.stream};
        logs[below(4)]->stall(chance(.5));
    }
    if (chance(scenario_.stalls ? .01 : .002 * some)) kafka_.failing_starts = below(4);
    if (chance(scenario_.letters ? .01 : .002 * some)) {
        kafka_.refused_topics.insert(runtime::dead_letters_topic("live"));
        letters_refused_until_ = tick() + seconds(1 + below(40));
    }
    if (tick() >= letters_refused_until_) kafka_.refused_topics.clear();
    if (chance(.004 * some)) take_readings();
    if (scenario_.tail_lost && chance(.003)) cut_tail();
    if (scenario_.inputs_cut && chance(.005)) cut_input();
    if (scenario_.inputs_cut && chance(.005)) name_end_behind();
}

// An operator's word where somebody stands still for that reason.
bool World::speak(int partition, Word word, const std::string& halt) {
    Instance* one = any_alive();
    if (one == nullptr || !one->partition(partition).halted().starts_with(halt)) return false;
    one->driver().operate(partition, word, "operator", seconds(5), [this, halt](auto obeyed) {
        if (obeyed.kind == runtime::LedgerProcess::Obeyed::Kind::not_repairable)
            broken(fmt::format("an operator's word is refused although {}: {}", halt, obeyed.why));
    });
    return true;
}

// Where a month's error of every clock stopped a ledger, somebody overrides it.
void World::operators() {
    if (!scenario_.broker_wrong || clock_.skew.count() > 0 || !chance(.02)) return;
    speak(below(static_cast<int>(parts_.size())), Word::override_clock, "ledger_ahead");
}

// No position counts as reached before what lies there was decided.
void World::check_tokens() {
    Instance* one = any_alive();
    if (one == nullptr || scenario_.inputs_cut || scenario_.tail_lost || history_lost(0) ||
        history_lost(1))
        return;
    // Commands under a key that it lacks are not its; it halts where the ledger names that key.
    if (one->keys() != &instance_keys()) return;
    one->check_positions();
}

// Where something waits that an older version cannot read.
const World::Part* World::pressed() const {
    for (const Part& part : parts_)
        if (part.newer_at >= 0 && part.oracle->position(part.upstream.name) <= part.newer_at)
            return &part;
    return nullptr;
}

// An instance of an older version must not keep the lead from those that can go on, be there always
// something that it can decide.
void World::check_progress() {
    // Nobody decides before the ledger is opened, for which Kafka may be away too long.
    for (Part& part : parts_)
        if (!part.oracle->opened()) part.newer_since = tick();
    const Part* part = pressed();
    // An append that is lost on its way is sent again after 11 s.
    if (part != nullptr && tick() - part->newer_since > seconds(15))
        throw Violation("who cannot read an input keeps it from who can");
}

// What cannot go on must have stopped by now, and nothing else.
void World::check_fault_was_noticed() {
    if (scenario_.namesakes) {
        if (!instances_[1]->halted().starts_with("name_taken"))
            throw Violation("two processes of one name go on deciding");
        if (!instances_[0]->halted().empty()) throw Violation("halted: " + instances_[0]->halted());
        instances_[1]->crash();
    }
    if (!scenario_.versions) return;
    for (const Part& part : parts_)
        if (part.newer_at >= 0 && part.oracle->position(part.upstream.name) > part.newer_at &&
            tick() - part.newer_since > seconds(100) &&
            !instances_[0]->halted(part.ledger.number).starts_with("unknown_event"))
            throw Violation("an unknown event of its own ledger does not stop a process");
    instances_[0]->crash();
}

// --- logs that lose what they held ---

// A stream keeps little; what was decided on may go at any time.
void World::take_readings() {
    Part& there = any_part();
    const std::int64_t position =
        std::min(there.oracle->position(there.stream.name), there.stream.end());
    if (position <= there.stream.low()) return;
    there.oracle->taken(there.stream, position);
    there.stream.drop_before(position);
}

void World::lose(Part& part, std::int64_t keep) {
    part.lost = true;
    part.ledger.lose_tail(part.ledger.size() - keep);
    part.oracle->start_over();
    for (std::int64_t at = part.ledger.low(); at < part.ledger.end(); ++at)
        part.oracle->appended(at);
}

// But never what opened it.
void World::cut_tail() {
    Part& there = any_part();
    if (there.oracle->chain().size() <= 5) return;
    const std::int64_t keep =
        std::max(there.oracle->chain().front().offset + 1, there.ledger.size() - 1 - below(6));
    if (keep >= there.ledger.size()) return;
    lose(there, keep);
    for (auto& instance : instances_)
        if (instance->alive() && chance(.3)) instance->broker_trouble();
}

// With the broker's trouble, of which each instance hears; or without a word, so that they find out
// by what they read and store, or in the end.
void World::cut_input() {
    Part& there = any_part();
    if (!there.oracle->opened()) return;
    Topic* const logs[] = {&there.upstream, &there.stream, &there.commands};
    Topic& log = *logs[below(3)];
    if (log.size() < 6) return;
    const std::int64_t lost = 1 + below(5);
    there.oracle->tail_lost(log, log.end() - lost);
    log.lose_tail(lost);
    if (&log == &there.upstream) {
        upstream_lost_ = true;
        const auto& chain = there.oracle->upstream_chain(log.name);
        there.upstream_head =
            chain.empty() ? runtime::genesis_digest(log.name, log.number) : chain.back().digest;
    }
    if (chance(.5)) return;
    for (auto& instance : instances_)
        if (instance->alive()) instance->broker_trouble();
}

// For less than what is waited before a log is believed to have lost its tail, step by step:
// nothing comes of it but that the views may start over.
void World::name_end_behind() {
    Part& there = any_part();
    Topic* const logs[] = {&there.upstream, &there.stream, &there.commands};
    Topic& log = *logs[below(3)];
    if (log.size() < 2) return;
    const int count = 1 + below(static_cast<int>(std::min<std::int64_t>(log.size(), 6)));
    const bool upstream = &log == &there.upstream;
    const int steps = upstream ? count : std::min(count, 2);
    const milliseconds each((100 + below(1'400)) / (upstream ? 1 : steps));
    log.fall_behind(count, steps, each);
    if (upstream) behind_until_[log.number] = tick() + steps * each + seconds(30);
    for (auto& instance : instances_)
        if (instance->alive() && chance(.5)) instance->broker_trouble();
}

// Everybody is down; then an input, or the ledger, of one partition or of all turns out not to be
// what it was.
void World::damage_inputs() {
    for (auto& instance : instances_) instance->crash();
    if (kafka_.away()) kafka_.come_back();
    kafka_.hurry();
    steps(1);
    const int one = below(static_cast<int>(parts_.size()) + 1);
    for (Part& part : parts_) {
        if (one < static_cast<int>(parts_.size()) && part.ledger.number != one) continue;
        damaged_.push_back(part.ledger.number);
        Topic& commands = part.commands;
        if (scenario_.inputs == Scenario::Inputs::gone) {
            const std::int64_t position = part.oracle->position(commands.name);
            while (commands.end() < position + 2) commands.put("lost");
            commands.drop_before(position + 1 + below(2));
            part.lost = true;
        } else {
            lose(part, 0);
            if (commands.end() == 0) commands.put("lost");
        }
    }
}

void World::check_halted_and_restart() {
    const std::string why =
        scenario_.inputs == Scenario::Inputs::gone ? "input_gone" : "ledger_lost";
    std::map<int, std::int64_t> before;
    for (const int number : damaged_) before[number] = part(number).ledger.end();
    for (auto& instance : instances_) instance->start();
    for (int i = 0; i < 150; ++i) {  // Long enough to read everything twice.
        faults_of_kafka();
        step();
    }
    for (const int number : damaged_) {
        if (part(number).ledger.end() != before[number]) throw Violation("decided although " + why);
        for (auto& instance : instances_)
            if (instance->alive() && !instance->halted(number).starts_with(why))
                throw Violation("no alarm although " + why);
    }
    for (int i = 0; i < 3000; ++i) {
        const int number =
            damaged_[static_cast<std::size_t>(below(static_cast<int>(damaged_.size())))];
        if (chance(.05)) speak(number, Word::restart_inputs, why);
        faults_of_kafka();
        step();
        bool halted = false;
        for (auto& instance : instances_) {
            if (!instance->alive()) instance->start();
            halted |= !instance->halted().empty();
        }
        if (!halted) return;
    }
    for (auto& instance : instances_)
        if (!instance->halted().empty())
            throw Violation("still halted after the operator's word: " + instance->halted());
}

}  // namespace tocsin::sim
