// How a run ends: nobody fails any more, and everything comes to rest and adds up.
#include "runtime/ledger/record.hpp"
#include "sim/world.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

using std::chrono::seconds;

void World::calm_down() {
    calm_ = true;
    kafka_.faults = {};
    kafka_.failing_starts = 0;
    kafka_.refused_topics.clear();
    kafka_.slow_topics.clear();
    if (kafka_.away()) kafka_.come_back();
    const auto lone = static_cast<std::size_t>(below(static_cast<int>(instances_.size())));
    for (std::size_t i = 0; i < instances_.size(); ++i) {
        Instance& instance = *instances_[i];
        if (scenario_.namesakes && i == 1) continue;
        if (scenario_.versions && i == 0) continue;
        instance.freeze({});
        if (scenario_.keys) instance.crash();
        if (scenario_.calm_all || i == lone) {
            if (!instance.alive()) instance.start();
        } else {
            instance.crash();
        }
        instance.set_clock({});
    }
    kafka_.hurry();
    step();
    // A tail is lost with a change of leader, of which every instance hears in the end. Where
    // nothing counted since, no record could show it.
    if (scenario_.tail_lost || scenario_.inputs_cut)
        for (auto& instance : instances_)
            if (instance->alive()) instance->broker_trouble();
    for (int i = 0; i < 3'000; ++i) {
        retry_unanswered();
        operators();
        step();
        if (i % 10 == 0 && settled_down()) return;
    }
    for (auto& instance : instances_)
        if (instance->alive() && !instance->halted().empty())
            throw Violation("halted: " + instance->halted());
    if (!requests_.all_answered()) throw Violation("a caller was never answered");
    for (const Part& part : parts_)
        if (!part.oracle->all_considered()) throw Violation("an input was lost");
    throw Violation("it never comes to rest");
}

void World::retry_unanswered() {
    for (auto& [name, request] : requests_.all())
        if (!request.answer && request.retry_at <= tick()) retry(request);
}

bool World::settled_down() {
    for (auto& instance : instances_)
        if (instance->alive() && !instance->at_rest()) return false;
    if (!requests_.all_answered()) return false;
    for (const Part& part : parts_) {
        if (!part.oracle->all_considered()) return false;
        for (const Topic* log : {&part.commands, &part.upstream, &part.stream})
            if (part.oracle->position(log->name) > log->end()) return false;
        for (const auto& [name, realm] : truth(part.ledger.number).realms()) {
            if (!realm.timers.empty()) return false;
            for (const auto& [id, delivery] : realm.deliveries)
                if (delivery.phase == Delivery::Phase::armed ||
                    delivery.phase == Delivery::Phase::claimed)
                    return false;
        }
    }
    return true;
}

// Everything was answered, and repeats came last. A week later retention has taken all commands,
// and every instance starts again: nothing was lost.
void World::quiet_week() {
    for (int i = 0; i < 3 && !requests_.empty(); ++i) {
        const Request& last = requests_.at(requests_.size() - 1);
        Part& there = part(last.partition);
        there.commands.put(value_of(last.submission, there,
                                    {keys_, there.commands.name, runtime::RecordKind::command}));
    }
    for (Part& part : parts_) part.commands.put("noise");
    // The rest of the service may be quiet as well, or always have something to decide.
    const bool busy = chance(.5);
    for (const Tick until = tick() + std::chrono::minutes(5); busy && tick() < until; steps(3))
        upstream_writes();
    steps(200);
    clock_.advance(std::chrono::hours(24 * 8));
    for (Part& part : parts_) part.commands.drop_before(part.commands.end());
    for (auto& instance : instances_) {
        instance->crash();
        instance->start();
        instance->set_clock({});
    }
    steps(100);
    for (auto& instance : instances_)
        if (!instance->halted().empty())
            throw Violation("halted after a quiet week: " + instance->halted());
}

void World::check_end() {
    for (auto& instance : instances_) {
        if (!instance->alive()) continue;
        instance->check_folds();
        for (int i = 0; i < instance->partitions(); ++i)
            if (static_cast<const Toy&>(instance->partition(i).fold().rules()).dump() !=
                truth(i).dump())
                throw Violation("folds differ in their state");
        for (int i = 0; scenario_.keys && i < instance->partitions(); ++i)
            if (instance->partition(i).key_id() != both_keys_.newest())
                throw Violation("the newest key does not sign");
    }
    for (const Part& part : parts_) {
        if (part.lost) continue;
        requests_.check(*part.oracle, part.ledger.number);
        check_effects(part.ledger.number);
    }
    for (auto& instance : instances_) instance->crash();
    breaches_.raise();
    check_bounds();
}

// What a fault may cost: refusals because it was too late, states that were thrown away, records
// that do not count.
void World::check_bounds() {
    std::int64_t decisions = 0, expired = 0, voids = 0;
    for (const Part& part : parts_) {
        if (part.oracle->chain().size() < scenario_.at_least)
            throw Violation("its history is not as long as the scenario promises");
        decisions += static_cast<std::int64_t>(part.oracle->chain().size());
        expired += part.oracle->expired();
        voids += part.oracle->void_records();
        totals_.rewound += part.oracle->rewound();
        totals_.dead_letters += static_cast<std::int64_t>(part.oracle->letters().size());
    }
    totals_.expired += expired;
    totals_.decisions += decisions;
    totals_.void_records += voids;
    const auto check = [&](const char* what, const Scenario::Bound& bound, std::int64_t count) {
        if (!bound.holds(count, decisions))
            throw Violation(fmt::format("{} {} for {} decisions", count, what, decisions));
    };
    check("void records", scenario_.voids, voids);
    check("folds", scenario_.folds, folds_);
    check("expired answers", scenario_.expired, expired);
}

void World::check_effects(int partition) {
    for (const auto& [name, realm] : truth(partition).realms()) {
        for (const auto& [id, delivery] : realm.deliveries) {
            const auto found = journal_.find(id);
            const bool shown = found != journal_.end();
            if (shown != (delivery.phase == Delivery::Phase::delivered))
                throw Violation("the ledger and the channel differ about " + id);
            if (shown && found->second.content != delivery.content)
                throw Violation("delivered what was not approved: " + id);
        }
    }
}

}  // namespace tocsin::sim
