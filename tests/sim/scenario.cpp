#include "sim/scenario.hpp"

namespace tocsin::sim {

struct List {
    List() { all.reserve(32); }  // What add() returned stays where it is.
    Scenario& add(const char* name) { return all.emplace_back(Scenario{name}); }
    // Nothing goes wrong but the one thing.
    Scenario& alone(const char* name) {
        Scenario& one = add(name);
        one.lone_fault = one.clean = true;
        // All open a partition at once; trouble before that begins their folds anew.
        one.voids = {8, .1};
        one.folds = {3, .02};
        one.expired = {20, .1};
        return one;
    }
    std::vector<Scenario> all;
};

static void add_losses(List& list) {
    using Inputs = Scenario::Inputs;
    list.add("plain");
    Scenario& alone = list.add("alone");
    alone.calm_all = false;
    alone.expired = {25, .3};
    Scenario& clocks = list.add("clocks");
    clocks.clock_steps = true;
    clocks.expired = {20, .3};
    clocks.voids = {30, .2};
    list.add("realms").two_realms = true;
    Scenario& storm = list.add("storm");
    storm.storm = storm.two_realms = true;
    storm.expired = {30, .4};
    storm.folds = {8, .06};
    storm.voids = {28, .3};
    // What follows a lost record was decided and is decided once more, by a fold in each instance.
    Scenario& tail_lost = list.add("tail_lost");
    tail_lost.tail_lost = true;
    tail_lost.expired = {28, .2};
    tail_lost.folds = {36, .1};
    tail_lost.voids = {40, .2};
    Scenario& inputs_cut = list.add("inputs_cut");
    inputs_cut.inputs_cut = true;
    // Whoever asks waits for the log to be looked at again.
    inputs_cut.expired = {30, .4};
    inputs_cut.folds = {12, .05};
    Scenario& input_gone = list.add("input_gone");
    input_gone.inputs = Inputs::gone;
    input_gone.expired = {26, .3};
    // What was decided in the ledger that is gone is asked again, too late.
    Scenario& ledger_lost = list.add("ledger_lost");
    ledger_lost.inputs = Inputs::ledger_lost;
    ledger_lost.expired = {30, .8};
    ledger_lost.folds = {25, .3};
    ledger_lost.voids = {30, 1};
    list.add("release").release = true;
}

static void add_others(List& list) {
    Scenario& broker_wrong = list.add("broker_wrong");
    broker_wrong.broker_wrong = true;
    broker_wrong.expired = {25, .3};
    // Everybody stands by for a third of the time.
    Scenario& broker_off = list.alone("broker_off");
    broker_off.broker_off = true;
    broker_off.expired = {12, .2};
    broker_off.voids = {12, .2};
    Scenario& versions = list.add("versions");
    versions.versions = versions.lone_fault = true;
    versions.longer = 2;
    versions.requests = .3;
    versions.expired = {20, .6};
    // Whoever is slow is overtaken, by each of the others, and loses races but never its state.
    Scenario& slow = list.alone("slow");
    slow.slow = true;
    slow.voids = {20, 1.6};
    slow.folds = {5, .02};
    list.alone("away").away = true;
    Scenario& stalls = list.alone("stalls");
    stalls.stalls = true;
    stalls.voids = {12, .1};
    // What lies behind an input that cannot be put aside waits for up to 40 s.
    Scenario& letters = list.alone("letters");
    letters.letters = true;
    letters.expired = {30, .2};
    Scenario& namesakes = list.add("namesakes");
    namesakes.namesakes = namesakes.lone_fault = true;
    namesakes.longer = 2;
    namesakes.requests = .12;
    namesakes.expired = {20, .6};
    // Every instance is restarted, most of them more than once.
    Scenario& keys = list.add("keys");
    keys.keys = true;
    keys.longer = 3;
    keys.expired = {30, .3};
    list.add("quiet_week").quiet = true;
    Scenario& both = list.add("tails_lost");
    both.inputs_cut = both.tail_lost = true;
    both.expired = {28, .2};
    both.folds = {40, .1};
    // More than is read again to verify a head.
    Scenario& lasting = list.add("long");
    lasting.inputs_cut = true;
    lasting.longer = 6;
    lasting.requests = .6;
    lasting.at_least = 1'001;
    lasting.folds = {20, .05};
    // Whoever leads is down at times, and many wait.
    lasting.expired = {30, .7};
}

static std::vector<Scenario> all_scenarios() {
    List list;
    add_losses(list);
    add_others(list);
    return std::move(list.all);
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
