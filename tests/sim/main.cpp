// tocsin-sim: the ledger protocol under faults, one seed at a time. See services/README.md.
#include "runtime/base/planted.hpp"
#include "runtime/host/logs.hpp"
#include "sim/line_world.hpp"
#include "sim/release_world.hpp"
#include "sim/world.hpp"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

namespace tocsin::sim {

struct Wanted {
    std::uint64_t from = 0;
    std::uint64_t seeds = 1000;
    int steps = 500;
    int jobs = 1;
    bool verbose = false;
    bool expect_violation = false;
    std::string bug = "none";
    std::string scenario;
};

static const std::vector<std::pair<std::string, runtime::Bug>>& bugs() {
    using runtime::Bug;
    static const std::vector<std::pair<std::string, Bug>> all{
        {"none", Bug::none},
        {"no_chain", Bug::no_chain},
        {"no_memory", Bug::no_memory},
        {"short_memory", Bug::short_memory},
        {"no_expiry", Bug::no_expiry},
        {"no_fold_again", Bug::no_fold_again},
        {"position_off_by_one", Bug::position_off_by_one},
        {"early_answer", Bug::early_answer},
        {"skip_head_check", Bug::skip_head_check},
        {"clock_runs_back", Bug::clock_runs_back},
        {"lost_reactor", Bug::lost_reactor},
        {"effect_early", Bug::effect_early},
        {"no_input_check", Bug::no_input_check},
        {"no_clock_check", Bug::no_clock_check},
        {"override_forgets", Bug::override_forgets},
        {"apply_early", Bug::apply_early},
        {"fold_after_failure", Bug::fold_after_failure},
        {"no_pass", Bug::no_pass},
        {"reluctant_leads", Bug::reluctant_leads},
        {"token_early", Bug::token_early},
        {"restart_to_end", Bug::restart_to_end},
        {"letter_unstored", Bug::letter_unstored},
        {"names_collide", Bug::names_collide},
        {"calls_linger", Bug::calls_linger},
        {"other_body", Bug::other_body},
        {"other_partition", Bug::other_partition},
        {"cancel_refused", Bug::cancel_refused},
        {"retracts_one", Bug::retracts_one},
        {"resolved_early", Bug::resolved_early},
        {"retried_in_doubt", Bug::retried_in_doubt},
        {"straggler_waits", Bug::straggler_waits},
        {"straggler_lost", Bug::straggler_lost},
        {"removal_ignored", Bug::removal_ignored},
        {"update_first", Bug::update_first},
        {"earlier_goes_on", Bug::earlier_goes_on},
        {"budget_ignored", Bug::budget_ignored},
        {"hold_ignored", Bug::hold_ignored},
        {"lifted_alone", Bug::lifted_alone},
        {"led_elsewhere", Bug::led_elsewhere},
        {"retraction_first", Bug::retraction_first},
        {"checked_early", Bug::checked_early},
        {"old_key_counts", Bug::old_key_counts},
        {"age_ignored", Bug::age_ignored},
        {"gap_ignored", Bug::gap_ignored},
        {"for_ignored", Bug::for_ignored},
        {"unsorted", Bug::unsorted},
        {"hysteresis_ignored", Bug::hysteresis_ignored},
        {"wave_crossed_twice", Bug::wave_crossed_twice},
        {"revision_untold", Bug::revision_untold},
        {"crossings_lost", Bug::crossings_lost},
        {"never_crosses", Bug::never_crosses},
        {"cooldown_forgets", Bug::cooldown_forgets},
        {"edit_forgets", Bug::edit_forgets}};
    return all;
}

static std::optional<runtime::Bug> bug_named(const std::string& name) {
    for (const auto& [known, bug] : bugs())
        if (known == name) return bug;
    return std::nullopt;
}

// Played by name only: where it is not named, a seed goes on to mean the scenario that it meant.
static const Scenario& line_scenario() {
    static const Scenario line = [] {
        Scenario scenario{"line"};
        scenario.line = true;
        return scenario;
    }();
    return line;
}

static std::optional<Scenario> scenario_for(std::uint64_t seed, const std::string& name) {
    const auto& all = scenarios();
    if (name.empty()) return all[seed % all.size()];
    if (name == line_scenario().name) return line_scenario();
    for (const Scenario& scenario : all)
        if (scenario.name == name) return scenario;
    return std::nullopt;
}

struct Played {
    Totals totals;
    std::string trace, broken;
};

template <class AnyWorld>
static Played run_world(AnyWorld& world) {
    Played played;
    try {
        world.run();
    } catch (const std::exception& error) {
        played.broken = error.what();
    }
    played.totals = world.totals();
    played.trace = world.trace();
    return played;
}

static Played play_one(std::uint64_t seed, const Wanted& wanted) {
    const Scenario scenario = *scenario_for(seed, wanted.scenario);
    if (scenario.release) {
        ReleaseWorld world(seed, wanted.steps);
        return run_world(world);
    }
    if (scenario.line) {
        LineWorld world(seed, wanted.steps);
        return run_world(world);
    }
    World world(seed, scenario, wanted.steps);
    return run_world(world);
}

static Totals play(std::uint64_t seed, const Wanted& wanted, std::mutex& out) {
    Played played = play_one(seed, wanted);
    Totals& totals = played.totals;
    totals.seeds = 1;
    if (played.broken.empty() && !wanted.verbose) return totals;
    const std::lock_guard lock(out);
    if (!played.broken.empty()) {
        totals.violations = 1;
        const std::string bug = wanted.bug == "none" ? "" : " --bug " + wanted.bug;
        const std::string scenario =
            wanted.scenario.empty() ? "" : " --scenario " + wanted.scenario;
        fmt::print("seed {}: {} ({})\n  ./dev sim --from {} --seeds 1 --steps {}{}{}\n", seed,
                   played.broken, played.trace, seed, wanted.steps, scenario, bug);
    } else {
        fmt::print("seed {}: ok ({})\n", seed, played.trace);
    }
    return totals;
}

static Totals play_all(const Wanted& wanted) {
    std::vector<Totals> parts(static_cast<std::size_t>(wanted.jobs));
    std::vector<std::thread> threads;
    std::mutex out;
    std::atomic<bool> enough = false;  // The violation that was expected is found.
    for (int job = 0; job < wanted.jobs; ++job)
        threads.emplace_back([&, job] {
            Totals sum;
            for (auto i = static_cast<std::uint64_t>(job); i < wanted.seeds && !enough;
                 i += static_cast<std::uint64_t>(wanted.jobs)) {
                sum.add(play(wanted.from + i, wanted, out));
                if (wanted.expect_violation && sum.violations > 0) enough = true;
            }
            parts[static_cast<std::size_t>(job)] = sum;
        });
    for (std::thread& thread : threads) thread.join();
    Totals sum;
    for (const Totals& part : parts) sum.add(part);
    return sum;
}

static bool take_number(const char* text, auto& into) {
    const auto [end, error] = std::from_chars(text, text + std::strlen(text), into);
    return error == std::errc{} && *end == '\0';
}

static bool parse(int count, char** arguments, Wanted& wanted) {
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        if (name == "--verbose") {
            wanted.verbose = true;
            continue;
        }
        if (name == "--expect-violation") {
            wanted.expect_violation = true;
            continue;
        }
        if (++i == count) return false;
        const char* value = arguments[i];
        bool good = true;
        if (name == "--seeds")
            good = take_number(value, wanted.seeds);
        else if (name == "--from")
            good = take_number(value, wanted.from);
        else if (name == "--steps")
            good = take_number(value, wanted.steps);
        else if (name == "--jobs")
            good = take_number(value, wanted.jobs) && wanted.jobs > 0;
        else if (name == "--bug")
            wanted.bug = value;
        else if (name == "--scenario")
            wanted.scenario = value;
        else
            return false;
        if (!good) return false;
    }
    return bug_named(wanted.bug) && scenario_for(0, wanted.scenario);
}

static int usage() {
    fmt::print(stderr,
               "tocsin-sim [--seeds N] [--from S] [--steps N] [--jobs N] [--bug NAME]\n"
               "           [--scenario NAME] [--expect-violation] [--verbose]\nbugs:");
    for (const auto& [name, bug] : bugs()) fmt::print(stderr, " {}", name);
    fmt::print(stderr, "\nscenarios:");
    for (const Scenario& scenario : scenarios()) fmt::print(stderr, " {}", scenario.name);
    fmt::print(stderr, " {}\n", line_scenario().name);
    return 2;
}

// TOCSIN_DOSE=full is what `./dev test --full` sets: twice as many seeds, and others in each run,
// since every run of CI plays the same ones.
static void explore_on(Wanted& wanted) {
    const char* dose = std::getenv("TOCSIN_DOSE");
    if (dose == nullptr || std::string_view(dose) != "full") return;
    wanted.seeds *= 2;
    wanted.from = static_cast<std::uint64_t>(std::time(nullptr));
    fmt::print("seeds from {}\n", wanted.from);
}

static int run(int count, char** arguments) {
    Wanted wanted;
    if (!parse(count, arguments, wanted)) return usage();
    if (!wanted.expect_violation) explore_on(wanted);
    // Faults are what this is about; what they lead to is checked, not read.
    runtime::logs::start("tocsin-sim", "off");
    runtime::planted_bug = *bug_named(wanted.bug);
    const Totals sum = play_all(wanted);
    fmt::print(
        "{} seeds: {} violations; {} decisions, {} void records, {} folds; {} answers, "
        "{} effects, {} dead letters, {} takeovers, {} ticks; {} expired, {} races lost, "
        "{} inputs set back\n",
        sum.seeds, sum.violations, sum.decisions, sum.void_records, sum.folds, sum.answers,
        sum.effects, sum.dead_letters, sum.takeovers, sum.ticks, sum.expired, sum.races_lost,
        sum.rewound);
    return (sum.violations > 0) == wanted.expect_violation ? 0 : 1;
}

}  // namespace tocsin::sim

int main(int count, char** arguments) { return tocsin::sim::run(count, arguments); }
