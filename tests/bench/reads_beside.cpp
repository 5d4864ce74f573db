// reads.beside: what readers cost those who decide, in one process that does both.
#include "bench/benchmarks.hpp"
#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/copies.hpp"
#include "bench/floor.hpp"
#include "bench/readers.hpp"
#include "bench/setup.hpp"

#include <fmt/format.h>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr std::int64_t in_force = 200;
static constexpr int reads_rounds = 5;
static constexpr int reads_a_round = 300;
// Until the broker has compiled itself.
static constexpr int calls_before = 3000;

static double p99(IncidentCaller& caller, int calls) {
    std::vector<double> taken;
    for (int i = 0; i < calls; ++i) taken.push_back(caller.call_until_answered());
    return percentile(taken, 0.99);
}

std::vector<Figure> reads_beside(Stage& stage) {
    stage.clear();
    Running model = start_all(stage);
    set_up(stage, model);
    const Specimen specimen = publish_specimen(stage, model);
    stage.clear();
    write_copies(stage, specimen, in_force, 10s);
    Running all = start_all(stage);
    IncidentCaller caller(all.channel, author_token(stage));
    caller.call_until_allowed();
    const int calls = stage.dose(reads_a_round, 20);
    p99(caller, stage.dose(calls_before, 20));
    std::vector<double> with, without, reads;
    for (int round = 0; round < stage.dose(reads_rounds, 1); ++round) {
        without.push_back(p99(caller, calls));
        Readers readers(stage, all);
        const auto begin = Clock::now();
        with.push_back(p99(caller, calls));
        const double seconds = seconds_since(begin);
        reads.push_back(static_cast<double>(readers.stop()) / seconds);
        say(
            fmt::format("reads.beside, round {}: p99 {:.3f} ms beside {:.0f} reads/s; {:.3f} ms "
                        "without",
                        round + 1, with.back(), reads.back(), without.back()));
    }
    return {less_is_better("reads.beside", median(with), median(without), "ms",
                           fmt::format("the same calls without readers; {} clients of a feed with "
                                       "{} alerts and one of the lists, {:.0f} reads/s",
                                       Readers::feed_clients, in_force, median(reads)),
                           2)};
}

}  // namespace tocsin::bench
