// command.restate: one durable command here against one state change in Restate, whose log is
// flushed to the same disk before it answers, as ours is.
#include "bench/benchmarks.hpp"
#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/floor.hpp"
#include "bench/http.hpp"
#include "bench/peers.hpp"
#include "bench/waiting.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr int restates_a_round = 300;
// As long as a decision of drafting.
static constexpr std::size_t record_bytes = 700;

namespace {

// A file on the disk of the logs to which records are appended, each flushed.
class Disk {
public:
    explicit Disk(const std::string& folder)
        : file_(
              open((folder + "/floor").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
        if (file_ < 0) throw std::runtime_error(folder + " cannot be written");
    }
    ~Disk() { close(file_); }
    Disk(const Disk&) = delete;

    double append_ms() const {
        static const std::string record(record_bytes, 'x');
        const auto start = Clock::now();
        if (write(file_, record.data(), record.size()) != static_cast<ssize_t>(record.size()) ||
            fdatasync(file_) != 0)
            throw std::runtime_error("the disk takes no records");
        return ms_since(start);
    }

private:
    int file_;
};

// One node with durable state, and a handler that it calls.
class Restate {
public:
    Restate(Stage& stage, const std::string& modules, const std::string& disk)
        : ingress_(free_port()), admin_(free_port()) {
        const int handler = free_port(), node = free_port();
        server_ = stage.start_other(
            modules + "/@restatedev/restate-server-linux-x64/bin/restate-server", "restate",
            {"--config-file", stage.file("restate.toml", settings(disk, node))});
        service_ = stage.start_other(
            "/usr/bin/env", "restate-service",
            {"RESTATE_LOGGING=ERROR", "node",
             std::filesystem::path(TOCSIN_SOURCE_DIR) / "tests/bench/restate/counter.mjs", modules,
             std::to_string(handler)});
        const std::string deployment = fmt::format(R"({{"uri":"http://127.0.0.1:{}"}})", handler);
        await([&] {
            http_.post(fmt::format("http://127.0.0.1:{}/deployments", admin_), deployment);
        });
        await([&] { call(); });
    }

    double call() {
        const auto start = Clock::now();
        http_.post(fmt::format("http://127.0.0.1:{}/counter/bench/add", ingress_),
                   R"({"kind":"flood","title":"Bow River at Calgary above its flood threshold"})");
        return ms_since(start);
    }

private:
    // Repeats it until it does not throw.
    template <class Attempt>
    void await(Attempt attempt) {
        std::string why = "its programs ended";
        const bool done = wait_until(60s, [&] {
            if (!server_->running() || !service_->running()) return true;
            try {
                attempt();
                return true;
            } catch (const std::runtime_error& error) {
                why = error.what();
                return false;
            }
        });
        if (!done || !server_->running() || !service_->running())
            throw std::runtime_error("Restate does not serve: " + why);
    }

    std::string settings(const std::string& disk, int node) const {
        return fmt::format(
            R"(roles = ["http-ingress", "admin", "worker", "log-server", "metadata-server"]
cluster-name = "bench"
node-name = "bench"
auto-provision = true
default-num-partitions = 8
bind-address = "127.0.0.1:{}"
advertised-address = "http://127.0.0.1:{}/"
base-dir = "{}/restate"
disable-telemetry = true
log-filter = "warn"
[admin]
bind-address = "127.0.0.1:{}"
[ingress]
bind-address = "127.0.0.1:{}"
[bifrost]
default-provider = "replicated"
[log-server]
rocksdb-disable-wal = false
rocksdb-disable-wal-fsync = false
)",
            node, node, disk, admin_, ingress_);
    }

    int ingress_, admin_;
    std::unique_ptr<Program> server_, service_;
    Http http_;
};

}  // namespace

std::vector<Figure> command_restate(Stage& stage) {
    constexpr const char* name = "command.restate";
    const std::string modules = needed("TOCSIN_RESTATE", "the folder of Restate's packages", name);
    const std::string folder =
        needed("TOCSIN_BENCH_DISK", "a folder on the disk of Kafka's logs", name);
    stage.clear();
    Running drafting = start_drafting(stage);
    drafting.await_serving("drafting");
    IncidentCaller caller(drafting.channel, author_token(stage));
    caller.call_until_allowed();
    Restate restate(stage, modules, folder);
    const Disk disk(folder);
    const int calls = stage.dose(restates_a_round, 20);
    for (int i = 0; i < calls; ++i) caller.call(), restate.call(), disk.append_ms();
    std::vector<double> ours, theirs, bare;
    for (int round = 0; round < stage.dose(rounds, 1); ++round) {
        std::vector<double> decided, changed, written;
        for (int i = 0; i < calls; ++i) decided.push_back(caller.call());
        for (int i = 0; i < calls; ++i) changed.push_back(restate.call());
        for (int i = 0; i < calls; ++i) written.push_back(disk.append_ms());
        ours.push_back(median(decided));
        theirs.push_back(median(changed));
        bare.push_back(median(written));
        say(
            fmt::format("command.restate, round {}: p50 {:.3f} ms; Restate {:.3f} ms, bare write "
                        "and fdatasync {:.3f} ms",
                        round + 1, ours.back(), theirs.back(), bare.back()));
    }
    return {less_is_better("command.restate", median(ours), median(theirs), "ms",
                           fmt::format("one state change of a virtual object in Restate, log "
                                       "flushed; a bare write and fdatasync takes {:.3f} ms",
                                       median(bare)),
                           0.5)};
}

}  // namespace tocsin::bench
