#include "sim/scenario.hpp"

namespace tocsin::sim {

static std::vector<Scenario> all_scenarios() {
    using Inputs = Scenario::Inputs;
    std::vector<Scenario> list;
    list.reserve(32);  // What add() returned stays where it is.
    const auto add = [&](const char* name) -> Scenario& {
        return list.emplace_back(Scenario{name});
    };
    // Nothing goes wrong but the one thing.
    const auto alone = [&](const char* name) -> Scenario& {
        Scenario& one = add(name);
        one.lone_fault = one.clean = true;
        // All open a partition at once; trouble before that begins their folds anew.
        one.voids = {8, .15};
        one.folds = {8, .02};
        one.expired = {20, .15};
        return one;
    };
    add("plain");
    add("alone").calm_all = false;
    Scenario& clocks = add("clocks");
    clocks.clock_steps = true;
    clocks.expired = {40, .6};
    add("realms").two_realms = true;
    Scenario& storm = add("storm");
    storm.storm = storm.two_realms = true;
    storm.expired = {30, .5};
    storm.folds = {8, .06};
    storm.voids = {25, .6};
    // What follows a lost record was decided and is decided once more.
    const Scenario::Bound expired_again{30, .9};
    Scenario& tail_lost = add("tail_lost");
    tail_lost.tail_lost = true;
    tail_lost.expired = expired_again;
    tail_lost.folds = {30, .4};
    Scenario& inputs_cut = add("inputs_cut");
    inputs_cut.inputs_cut = true;
    inputs_cut.folds = {14, .1};
    add("input_gone").inputs = Inputs::gone;
    // What was decided in the ledger that is gone is asked again, too late.
    Scenario& ledger_lost = add("ledger_lost");
    ledger_lost.inputs = Inputs::ledger_lost;
    ledger_lost.expired = {30, .8};
    ledger_lost.folds = {20, .4};
    ledger_lost.voids = {30, 1};
    add("release").release = true;
    Scenario& broker_wrong = add("broker_wrong");
    broker_wrong.broker_wrong = true;
    broker_wrong.expired = {40, .7};
    // Everybody stands by for a third of the time.
    Scenario& broker_off = alone("broker_off");
    broker_off.broker_off = true;
    broker_off.expired = {20, .3};
    broker_off.voids = {12, .2};
    Scenario& versions = add("versions");
    versions.versions = versions.lone_fault = true;
    versions.longer = 2;
    // Whoever is slow is overtaken, by each of the others, and loses races but never its state.
    Scenario& slow = alone("slow");
    slow.slow = true;
    slow.voids = {20, 1.6};
    alone("away").away = true;
    alone("stalls").stalls = true;
    alone("letters").letters = true;
    Scenario& namesakes = add("namesakes");
    namesakes.namesakes = namesakes.lone_fault = true;
    namesakes.longer = 2;
    namesakes.expired = {20, .6};
    // Every instance is restarted, most of them more than once.
    Scenario& keys = add("keys");
    keys.keys = true;
    keys.longer = 3;
    add("quiet_week").quiet = true;
    Scenario& both = add("tails_lost");
    both.inputs_cut = both.tail_lost = true;
    both.expired = expired_again;
    both.folds = {34, .45};
    Scenario& lasting = add("long");
    lasting.inputs_cut = true;
    lasting.longer = 12;
    return list;
}

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = all_scenarios();
    return all;
}

void Totals::add(const Totals& other) {
    seeds += other.seeds;
    violations += other.violations;
    decisions += other.decisions;
    void_records += other.void_records;
    folds += other.folds;
    answers += other.answers;
    effects += other.effects;
    expired += other.expired;
    rewound += other.rewound;
    races_lost += other.races_lost;
    dead_letters += other.dead_letters;
    takeovers += other.takeovers;
    ticks += other.ticks;
}

}  // namespace tocsin::sim
