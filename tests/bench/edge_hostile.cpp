// edge.hostile: what strangers and a neighbour at the gateway cost who calls it meanwhile.
#include "bench/attack.hpp"
#include "bench/benchmarks.hpp"
#include "bench/city.hpp"
#include "bench/floor.hpp"
#include "bench/http.hpp"
#include "bench/setup.hpp"
#include "runtime/base/ids.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace tocsin::bench {

static constexpr int hostile_rounds = 5;
// By time, so that a busy machine takes no longer.
static constexpr std::chrono::milliseconds turn{1'000}, before{5'000}, smoke_turn{200};

namespace {

// Somebody whose commands pass the gateway.
class Customer {
public:
    Customer(const Stage& stage, int port)
        : url_(fmt::format("http://127.0.0.1:{}/tocsin.drafting.v1.DraftingService/CreateIncident",
                           port)),
          bearer_("Bearer " + author_token(stage)) {}

    // One call after another; adds what each took, in milliseconds.
    void call(std::chrono::milliseconds length, std::vector<double>& taken) {
        for (const auto end = Clock::now() + length; Clock::now() < end;) {
            const nlohmann::json request{
                {"requestId", runtime::new_uuid_v7()}, {"kind", "flood"}, {"title", "Bow River"}};
            const auto begin = Clock::now();
            http_.post(url_, request.dump(), bearer_);
            taken.push_back(ms_since(begin));
        }
    }

private:
    std::string url_, bearer_;
    Http http_;
};

}  // namespace

std::vector<Figure> edge_hostile(Stage& stage) {
    stage.clear();
    Running all = start_all(stage);
    set_up(stage, all);
    open_incident(stage, all);
    const Target target{all.ports.at("gateway"), all.ports.at("grpc"), author_token(stage),
                        approver_token(stage)};
    Customer customer(stage, target.gateway);
    const auto length = stage.dose(turn, smoke_turn);
    std::vector<double> without;
    customer.call(stage.dose(before, smoke_turn), without);
    without.clear();
    std::map<std::string, std::vector<double>> with;
    for (int round = 0; round < stage.dose(hostile_rounds, 1); ++round) {
        for (const Attack& attack : attacks(target)) {
            customer.call(length, without);
            const Attackers attackers(attack);
            customer.call(length, with[attack.name]);
        }
    }
    const double reference = percentile(without, 0.99);
    std::string worst, all_of_them;
    double value = 0;
    for (const auto& [name, taken] : with) {
        const double p99 = percentile(taken, 0.99);
        all_of_them += fmt::format("{}{}: {:.1f}", all_of_them.empty() ? "" : ", ", name, p99);
        if (p99 > value) worst = name;
        value = std::max(value, p99);
    }
    say(fmt::format("edge.hostile, p99 in ms: {}; {:.1f} without", all_of_them, reference));
    return {less_is_better("edge.hostile", value, reference, "ms",
                           fmt::format("the same calls through the gateway without {} attackers; "
                                       "the worst of {} attacks is: {}",
                                       Attackers::number, with.size(), worst),
                           2)};
}

}  // namespace tocsin::bench
