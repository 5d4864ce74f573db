// command.*: from a call to its durable, answered decision.
#include "bench/benchmarks.hpp"
#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/floor.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/view.hpp"

#include <fmt/format.h>

#include <csignal>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr int calls_a_round = 300;
static constexpr int in_flight = 256;
static constexpr std::chrono::milliseconds rate_time = 2000ms;
// Rounds before those that count: a broker that just started is compiling itself.
static constexpr int rate_warm_up = 4;

// A topic pair like a service's own, and hops of records as long as drafting's last ones.
struct Pair {
    explicit Pair(Stage& stage)
        : there(stage.kafka(), {runtime::commands_topic("live", "bench-floor"), 0},
                last_record(stage.kafka(), {runtime::commands_topic("live", "drafting"),
                                            runtime::partition_of(realm, Stage::partitions)})),
          back(stage.kafka(), {runtime::ledger_topic("live", "bench-floor"), 0},
               last_record(stage.kafka(), {runtime::ledger_topic("live", "drafting"),
                                           runtime::partition_of(realm, Stage::partitions)})) {}

    double ping_pong() {
        const auto start = Clock::now();
        there.pass();
        back.pass();
        return ms_since(start);
    }

    Hop there, back;
};

std::vector<Figure> command_latency(Stage& stage) {
    Running drafting = start_drafting(stage);
    drafting.await_serving("drafting");
    IncidentCaller caller(drafting.channel, author_token(stage));
    caller.call_until_allowed();
    stage.create_topics("live", "bench-floor");
    Pair floor(stage);
    const int calls = stage.dose(calls_a_round, 20);
    for (int i = 0; i < calls; ++i) caller.call(), floor.ping_pong();
    std::vector<double> p50, p99, floor_p50, floor_p99;
    for (int round = 0; round < stage.dose(rounds, 1); ++round) {
        std::vector<double> taken, bare;
        for (int i = 0; i < calls; ++i) taken.push_back(caller.call());
        for (int i = 0; i < calls; ++i) bare.push_back(floor.ping_pong());
        p50.push_back(median(taken));
        p99.push_back(percentile(taken, 0.99));
        floor_p50.push_back(median(bare));
        floor_p99.push_back(percentile(bare, 0.99));
        say(fmt::format("command round {}: p50 {:.3f} ms, p99 {:.3f} ms; ping-pong {:.3f}, {:.3f}",
                        round + 1, p50.back(), p99.back(), floor_p50.back(), floor_p99.back()));
    }
    const std::string against = "bare ping-pong of the same records over two topics like ours";
    return {less_is_better("command.p50", median(p50), median(floor_p50), "ms", against, 1.5),
            less_is_better("command.p99", median(p99), median(floor_p99), "ms", against, 2)};
}

std::vector<Figure> command_first(Stage& stage) {
    std::vector<double> first, usual;
    for (int round = 0; round < stage.dose(rounds, 2); ++round) {
        Running drafting = start_drafting(stage);
        drafting.await_serving("drafting");
        IncidentCaller caller(drafting.channel, author_token(stage));
        if (round == 0) caller.call_until_allowed();  // Whatever is wrong is not measured.
        if (round == 0) continue;
        first.push_back(caller.call());
        std::vector<double> later;
        for (int i = 0; i < stage.dose(calls_a_round, 20); ++i) later.push_back(caller.call());
        usual.push_back(median(later));
        drafting.program->end(SIGTERM);
        say(fmt::format("first call, round {}: {:.3f} ms; then p50 {:.3f} ms", round, first.back(),
                        usual.back()));
    }
    return {less_is_better("command.first", median(first), median(usual), "ms",
                           "p50 of the calls that follow in the same processes", 10)};
}

std::vector<Figure> command_rate(Stage& stage) {
    Running drafting = start_drafting(stage);
    drafting.await_serving("drafting");
    IncidentCaller caller(drafting.channel, author_token(stage));
    caller.call_until_allowed();
    Running echo = stage.start_echo();
    IncidentCaller echoed(echo.channel, author_token(stage));
    stage.create_topics("live", "bench-floor");
    Pair floor(stage);
    std::vector<double> decided, echoes, loops;
    const auto time = stage.dose(rate_time, 200ms);
    for (int round = 1 - stage.dose(rate_warm_up, 0); round <= stage.dose(rounds, 1); ++round) {
        const double ours = caller.rate(in_flight, time);
        const double echo_now = echoed.rate(in_flight, time / 2);
        const double loop_now = loop_rate(floor.there, floor.back, in_flight, time);
        say(fmt::format("rate, round {}: {:.0f}/s decided; echo {:.0f}/s, bare loop {:.0f}/s",
                        round, ours, echo_now, loop_now));
        if (round < 1) continue;
        decided.push_back(ours);
        echoes.push_back(echo_now);
        loops.push_back(loop_now);
    }
    const double echo_rate = median(echoes), loop = median(loops);
    return {more_is_better(
        "command.rate", median(decided), 1 / (1 / echo_rate + 1 / loop), "1/s",
        fmt::format("1/(1/e + 1/l): bare gRPC echo e {:.0f}/s, bare loop l {:.0f}/s, each at {} "
                    "in flight",
                    echo_rate, loop, in_flight),
        1.8)};
}

}  // namespace tocsin::bench
