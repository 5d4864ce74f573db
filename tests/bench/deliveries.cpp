// deliveries.*: what 10,000 deliveries cost a Tocsin that is one process, all of it: messages,
// approvals, decisions and requests.
#include "bench/audience.hpp"
#include "bench/bare_sender.hpp"
#include "bench/benchmarks.hpp"
#include "bench/newsroom.hpp"

#include <fmt/format.h>

namespace tocsin::bench {

static constexpr int ten_thousand_rounds = 5;
static constexpr int releases_of_1000 = 10;

std::vector<Figure> deliveries(Stage& stage) {
    stage.clear();
    Audience audience;
    Newsroom newsroom(
        stage, audience,
        stage.dose<AgencySizes>({{"north", 500}, {"south", 500}}, {{"north", 3}, {"south", 3}}));
    const Newsroom::Draft draft{{"north", "south"}};
    const int releases = stage.dose(releases_of_1000, 1);
    newsroom.send(draft);
    const std::string request = audience.last_request("north");
    BareSender bare(newsroom.urls(draft.agencies), request);
    const double each = static_cast<double>(newsroom.count(draft.agencies)) * releases;
    const Program& program = *newsroom.all().program;
    std::vector<double> cpu, bare_cpu, memory;
    for (int round = 0; round < stage.dose(ten_thousand_rounds, 1); ++round) {
        const double resident = program.calm_resident_bytes();
        const double busy = program.cpu_seconds();
        for (int i = 0; i < releases; ++i) newsroom.send(draft);
        cpu.push_back((program.cpu_seconds() - busy) / each * 1e6);
        memory.push_back((program.calm_resident_bytes() - resident) / each);
        double floor = 0;
        for (int i = 0; i < releases; ++i) floor += bare.send().cpu_seconds;
        bare_cpu.push_back(floor / each * 1e6);
        say(
            fmt::format("deliveries, round {}: {:.0f} us and {:.0f} B each, {:.0f} MB in all; bare "
                        "{:.0f} us",
                        round + 1, cpu.back(), memory.back(), program.calm_resident_bytes() / 1e6,
                        bare_cpu.back()));
    }
    return {
        less_is_better("deliveries.cpu", median(cpu), median(bare_cpu), "us",
                       "processor time of a bare libcurl-multi for each of the same requests", 0),
        less_is_better("deliveries.memory", median(memory), static_cast<double>(request.size()),
                       "B", "the bytes of one request", 0)};
}

}  // namespace tocsin::bench
