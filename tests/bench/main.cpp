#include "bench/benchmarks.hpp"
#include "runtime/host/logs.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

namespace tocsin::bench {
namespace {

struct Benchmark {
    std::vector<std::string> figures;
    std::vector<Figure> (*run)(Stage&);
    // Needs what is not installed otherwise: only when named in full.
    bool on_request = false;
};

// Help and CONTRIBUTING.md list them too.
const std::vector<Benchmark> benchmarks{
    {{"command.p50", "command.p99"}, command_latency},
    {{"command.first"}, command_first},
    {{"command.rate"}, command_rate},
    {{"line.p50", "line.p99"}, line},
    {{"takeover"}, takeover},
    {{"replay"}, replay},
    {{"fold.beside"}, fold_beside},
    {{"reads.beside"}, reads_beside},
    {{"release.beside"}, release_beside},
    {{"fire.10", "fire.100", "fire.1000", "skew.1000"}, fire},
    {{"correct.p50"}, correct},
    {{"lane.overtake"}, lane},
    {{"deliveries.cpu", "deliveries.memory"}, deliveries},
    {{"edge.hostile"}, edge_hostile},
    {{"readings.rate"}, readings_rate},
    {{"memory.message"}, memory},
    {{"command.restate"}, command_restate, true},
    {{"fire.1000.apprise"}, fire_apprise, true},
    {{"fire.1.alertmanager", "fire.1.cleared"}, fire_alertmanager, true},
    {{"feed.full.nginx", "feed.304.nginx"}, feed_nginx, true},
};

constexpr const char* help = R"(usage: tocsin-bench [NAME...] [--json FILE] [--smoke]

Measures the built programs on a real Kafka and compares each with what bounds it, measured in turns
in the same run. A NAME is a figure or the part of it before a dot; none means all but the last six,
which must be named in full, as they compare with programs that are not installed otherwise. Prints
a table on standard error and writes [{"name","value","unit","against","reference","ratio","aim"}]
to FILE, or to standard output. The ratio says how many times worse than the reference: 1 is equal,
below 1 better. Nothing here passes or fails by the clock; the exit status is 1 when something could
not be measured and 2 for a wrong argument. --smoke: so few of everything that the figures mean
nothing; for the test that it works.

  name            what                                    reference                        aim
  command.p50/99  a call to its durable, answered         bare librdkafka ping-pong over   1.5
                  decision through gRPC, one at a time    two topics, same records,       (p99 2)
                                                          settings and durability
  command.first   first call after a start                p50 of the calls after it         10
  command.rate    decisions per second, 256 in flight     1/(1/e + 1/l): bare gRPC echo e  1.8
                                                          and bare four-step Kafka loop l
  line.p50/99     reading to confirmed delivery, with     its hops one after another, bare
                  somebody standing by to approve         (see tests/bench/line.cpp)
  takeover        longest wait for an answer after        250 ms, the time set for it        4
                  kill -9 of the leader, under load
  replay          from start to ready with 1 M            bare consumption of the same       4
                  decisions, less the start of an         topic
                  empty ledger
  fold.beside     p99 of calls in one partition while     the same without the fold          2
                  the instance folds another, of 1 M
                  decisions, again
  reads.beside    p99 of calls while 16 clients read      the same without the readers       2
                  the feed and one the lists
  release.beside  T0 to the last delivery written while   the same without the gauges      1.5
                  three heavy gauges are polled
  fire.10/100/    T0 to the last of so many deliveries    bare libcurl-multi with the      1.5
  1000            at its receiver                         bytes in memory
  skew.1000       first to last of 1,000 at receivers     the same                         1.5
  correct.p50     call to the last of 100 retractions     the message itself, from the       2
                  at its receiver                         call that clears it
  lane.overtake   clearing an Extreme message to its      the same alone                     2
                  last receiver, beside 10,800
                  deliveries under way
  deliveries.cpu/ processor time, memory of each of       bare libcurl-multi's time; the
  memory          10,000 deliveries                       bytes of one request
  edge.hostile    p99 of calls through the gateway in     the same without the attackers     2
                  the worst of twelve attacks
  readings.rate   readings a second that 1,000 rules      reading the same topic alone       5
                  are held against
  memory.message  resident bytes of tocsin-all for each   bytes of one content               6
                  of 100,000 released messages
  command.restate p50 of a call to its durable decision   p50 of a state change in         0.5
                                                          Restate, also flushed to disk
  fire.1000.      T0 to the last of 1,000 deliveries      apprise, from notify()            0.05
    apprise
  fire.1.         T0 to the receiver                      Alertmanager with group_wait 0s,   1
    alertmanager                                          from the call
  fire.1.cleared  clearing a message to its receiver      the same
  feed.full.nginx feed pages a second to 8 readers        nginx with the same file           2
  feed.304.nginx  the same to readers that have it        the same                           2

environment:
  TOCSIN_KAFKA_BOOTSTRAP  a Kafka on which Tocsin does not live; ./dev bench starts one
  TOCSIN_BIN              folder of the programs; by default where this one lies
  TOCSIN_RESTATE          node_modules with Restate's server and SDK, for command.restate, and
  TOCSIN_BENCH_DISK       a folder on the disk of Kafka's logs; ./dev bench sets these
  TOCSIN_APPRISE          a Python with apprise, for fire.1000.apprise; ./dev bench sets it
)";

struct Arguments {
    std::vector<std::string> names;
    std::string json;
    Stage::Dose dose = Stage::Dose::full;
};

bool names_figure(const std::string& name, const std::string& figure) {
    return figure == name || figure.starts_with(name + ".");
}

bool is_wanted(const Arguments& arguments, const Benchmark& benchmark, const std::string& figure) {
    if (benchmark.on_request)
        return std::ranges::find(arguments.names, figure) != arguments.names.end();
    return arguments.names.empty() ||
           std::ranges::any_of(arguments.names,
                               [&](const std::string& name) { return names_figure(name, figure); });
}

// The exit status when there is nothing to run.
std::optional<int> parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--help" || word == "-h") {
            std::cout << help;
            return 0;
        }
        if (word == "--json" && i + 1 < argc) {
            arguments.json = argv[++i];
            continue;
        }
        if (word == "--smoke") {
            arguments.dose = Stage::Dose::smoke;
            continue;
        }
        const bool known = std::ranges::any_of(benchmarks, [&](const Benchmark& benchmark) {
            return std::ranges::any_of(benchmark.figures, [&](const std::string& figure) {
                return names_figure(word, figure);
            });
        });
        if (!known) {
            std::cerr << "tocsin-bench: " << word
                      << ": no such benchmark or option; see tocsin-bench --help\n";
            return 2;
        }
        arguments.names.push_back(word);
    }
    return std::nullopt;
}

std::string folder_of_programs() {
    if (const char* given = std::getenv("TOCSIN_BIN"); given != nullptr && *given != '\0')
        return given;
    return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

// False when something could not be measured; what and why is on standard error.
bool measure(const Arguments& arguments, const std::string& bootstrap,
             std::vector<Figure>& figures) {
    std::string now = "start", tails;
    try {
        Stage stage(folder_of_programs(), bootstrap, arguments.dose);
        for (const Benchmark& benchmark : benchmarks) {
            const auto wanted = [&](const std::string& figure) {
                return is_wanted(arguments, benchmark, figure);
            };
            if (std::ranges::none_of(benchmark.figures, wanted)) continue;
            now = benchmark.figures.front();
            try {
                for (Figure& figure : benchmark.run(stage))
                    if (wanted(figure.name)) figures.push_back(std::move(figure));
            } catch (...) {
                tails = stage.tails();
                throw;
            }
        }
    } catch (const std::exception& error) {
        std::cerr << "tocsin-bench: " << now << ": " << error.what() << "\n" << tails;
        return false;
    }
    return true;
}

int run(const Arguments& arguments) {
    const char* bootstrap = std::getenv("TOCSIN_KAFKA_BOOTSTRAP");
    if (bootstrap == nullptr) {
        std::cerr << "tocsin-bench: TOCSIN_KAFKA_BOOTSTRAP names no Kafka; use ./dev bench\n";
        return 2;
    }
    runtime::logs::start("bench", "error");
    std::vector<Figure> figures;
    if (!measure(arguments, bootstrap, figures)) return 1;
    std::cerr << table(figures);
    if (arguments.json.empty()) {
        std::cout << json(figures);
        return 0;
    }
    std::ofstream file(arguments.json);
    file << json(figures);
    file.close();
    if (file) return 0;
    std::cerr << "tocsin-bench: " << arguments.json << ": cannot be written\n";
    return 1;
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    tocsin::bench::Arguments arguments;
    if (const auto code = tocsin::bench::parse(argc, argv, arguments)) return *code;
    return tocsin::bench::run(arguments);
}
