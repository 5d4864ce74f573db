// fold.beside: what the fold of one partition costs the callers of another in the same process.
//
// Not measured at a start: a partition serves there as soon as it is folded, but whatever else a
// start does would be in the figures. What makes a serving instance fold again is a decision of
// another instance that counts in the place of its own. So a rival decides the commands of the long
// partition's realm as well, straight from the topics, until it was faster once: the instance has
// applied a decision that cannot count any more and folds the whole partition again. The command of
// that race is answered from the new fold, which is how its end is seen. Meanwhile somebody asks in
// the realm of another partition without pause.
#include "bench/benchmarks.hpp"
#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/history.hpp"
#include "bench/http.hpp"
#include "bench/rival.hpp"
#include "bench/waiting.hpp"
#include "runtime/ledger/view.hpp"

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <future>
#include <sstream>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr int races_max = 200;
static constexpr std::size_t calls_least = 100;

namespace {

struct Call {
    Clock::time_point begun;
    double ms = 0;
};

// A realm that lives in another partition than the usual one.
std::string realm_elsewhere() {
    const int usual = runtime::partition_of(realm, Stage::partitions);
    for (const std::string& other : many_realms())
        if (runtime::partition_of(other, Stage::partitions) != usual) return other;
    throw std::runtime_error("all realms live in one partition");
}

class Beside {
public:
    Beside(Stage& stage, const Running& drafting, const std::string& elsewhere)
        : metrics_(fmt::format("http://127.0.0.1:{}/metrics", drafting.ports.at("metrics"))),
          caller_(drafting.channel, author_token(stage)),
          other_(stage.connect(drafting.ports.at("grpc")), author_token(stage, elsewhere)),
          rival_(stage, elsewhere) {
        caller_.call_until_allowed();
        other_.call_until_allowed();
    }

    // Milliseconds of the calls of a while without a fold.
    std::vector<double> quiet(std::chrono::milliseconds duration) {
        std::vector<double> taken;
        const auto until = Clock::now() + duration;
        while (Clock::now() < until || taken.size() < calls_least)
            taken.push_back(caller_.call_until_answered());
        return taken;
    }

    struct During {
        std::vector<double> calls;  // that a fold met, in milliseconds
        double fold_ms = 0;
    };
    During fold() {
        for (int race = 0; race < races_max; ++race)
            if (auto met = this->race()) return std::move(*met);
        throw std::runtime_error("the leader was never overtaken");
    }

private:
    std::optional<During> race() {
        other_.call_until_answered();  // From now on this instance leads there.
        rival_.catch_up();
        const double folds = folds_again();
        std::atomic<bool> over{false};
        auto answered = std::async(std::launch::async, [&] {
            other_.call_until_answered();
            over = true;
            return Clock::now();
        });
        auto decided = std::async(std::launch::async, [&] { return rival_.decide_next(); });
        std::vector<Call> calls;
        while (!over) {
            const auto begun = Clock::now();
            calls.push_back({begun, caller_.call_until_answered()});
        }
        const auto end = answered.get();
        const auto begin = decided.get();
        if (!begin || !wait_until(2s, [&] { return folds_again() > folds; })) return std::nullopt;
        During met{{}, std::chrono::duration<double, std::milli>(end - *begin).count()};
        for (const Call& call : calls) {
            const auto done = call.begun + std::chrono::duration_cast<Clock::duration>(
                                               std::chrono::duration<double, std::milli>(call.ms));
            if (done >= *begin && call.begun <= end) met.calls.push_back(call.ms);
        }
        if (met.calls.empty()) return std::nullopt;
        return met;
    }

    double folds_again() {
        std::istringstream text(http_.get(metrics_));
        double sum = 0;
        for (std::string line; std::getline(text, line);)
            if (line.starts_with("tocsin_folds_again_total"))
                sum += std::stod(line.substr(line.rfind(' ') + 1));
        return sum;
    }

    std::string metrics_;
    Http http_;
    IncidentCaller caller_, other_;
    Rival rival_;
};

}  // namespace

std::vector<Figure> fold_beside(Stage& stage) {
    const auto decisions = stage.dose<std::int64_t>(1'000'000, 2'000);
    const std::string elsewhere = realm_elsewhere();
    stage.clear();
    Running opening = start_drafting(stage, {realm, elsewhere});
    opening.await_serving("drafting");
    opening.program->end(SIGTERM);
    say(fmt::format("writing {} decisions into one partition", decisions));
    write_history(stage, "live", decisions, {elsewhere});
    Running drafting = stage.start("drafting", "live", "drafting-1");
    drafting.await_serving("drafting");
    Beside beside(stage, drafting, elsewhere);
    beside.quiet(stage.dose(2000ms, 10ms));
    std::vector<double> with, without, folds;
    for (int round = 0; round < stage.dose(5, 1); ++round) {
        without.push_back(percentile(beside.quiet(stage.dose(3000ms, 100ms)), 0.99));
        const auto met = beside.fold();
        with.push_back(percentile(met.calls, 0.99));
        folds.push_back(met.fold_ms);
        say(
            fmt::format("fold.beside, round {}: p99 {:.3f} ms of {} calls during a fold of {:.0f} "
                        "ms, the slowest {:.0f} ms; {:.3f} ms without",
                        round + 1, with.back(), met.calls.size(), folds.back(),
                        percentile(met.calls, 1.0), without.back()));
    }
    return {less_is_better("fold.beside", median(with), median(without), "ms",
                           fmt::format("the same calls without a fold; a fold of {} decisions "
                                       "takes {:.0f} ms",
                                       decisions, median(folds)),
                           2)};
}

}  // namespace tocsin::bench
