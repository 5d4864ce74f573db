// replay: how long a service takes to fold a long history, beyond what a start takes anyway.
#include "bench/benchmarks.hpp"
#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/floor.hpp"
#include "bench/history.hpp"
#include "bench/waiting.hpp"
#include "runtime/ledger/topics.hpp"
#include "tocsin/ledger/v1/ledger_service.grpc.pb.h"

#include <fmt/format.h>

#include <csignal>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr int replay_rounds = 5;
// Not the world of those that fill ledgers of drafting.
static constexpr const char* world = "exercise";

namespace {

struct Folded {
    std::int64_t counted = 0, void_records = 0;
    bool operator==(const Folded&) const = default;
};

}  // namespace

static Folded folded(const Stage& stage, Running& drafting) {
    const auto stub = ledger::v1::LedgerService::NewStub(drafting.channel);
    grpc::ClientContext context;
    prepare(context, "Bearer " + operator_token(stage));
    ledger::v1::GetStatusRequest request;
    ledger::v1::GetStatusResponse response;
    request.set_service("drafting");
    expect_ok(stub->GetStatus(&context, request, &response), "GetStatus");
    Folded all;
    for (const auto& partition : response.partitions()) {
        all.counted += partition.decisions();
        all.void_records += partition.void_records();
    }
    return all;
}

// Whether all of it was folded, and nothing was void.
static void check_folded(const Stage& stage, Running& drafting, std::int64_t records) {
    Folded all;
    const bool whole = wait_until(10s, [&] {
        all = folded(stage, drafting);
        return all == Folded{records, 0};
    });
    if (!whole)
        throw std::runtime_error(fmt::format("{} of {} decisions were folded, {} were void",
                                             all.counted, records, all.void_records));
}

// Makes the topics, opens the partitions and lets it take in what another benchmark left in the
// ledgers that it reads; how many decisions that made.
static std::int64_t open_ledger(Stage& stage) {
    Running drafting = stage.start("drafting", world, "drafting-1");
    drafting.await_serving("drafting");
    Folded last;
    Clock::time_point since = Clock::now();
    const bool calm = wait_until(60s, [&] {
        const Folded now = folded(stage, drafting);
        if (now != last) since = Clock::now();
        last = now;
        return last.counted >= Stage::partitions && Clock::now() - since > 2s;
    });
    if (!calm) throw std::runtime_error("drafting goes on deciding though nobody asks");
    drafting.program->end(SIGKILL);
    return last.counted;
}

// Seconds from the start of the process until it serves.
static double start_seconds(Stage& stage, std::int64_t records) {
    Running drafting = stage.start("drafting", world, "drafting-1");
    drafting.await_serving("drafting");
    const double seconds = seconds_since(drafting.program->started());
    check_folded(stage, drafting, records);
    drafting.program->end(SIGKILL);
    return seconds;
}

std::vector<Figure> replay(Stage& stage) {
    const auto decisions = stage.dose<std::int64_t>(1'000'000, 5'000);
    std::vector<double> empty;
    const std::int64_t openings = open_ledger(stage);
    for (int round = 0; round < stage.dose(replay_rounds, 1); ++round)
        empty.push_back(start_seconds(stage, openings));
    say(fmt::format("start with {} decisions: {:.2f} s; writing {} more", openings, median(empty),
                    decisions));
    write_history(stage, world, decisions, many_realms());
    const std::string topic = runtime::ledger_topic(world, "drafting");
    const std::int64_t records = decisions + openings;
    consume_all(stage.kafka(), topic, Stage::partitions, records);
    std::vector<double> folded, bare;
    for (int round = 0; round < stage.dose(replay_rounds, 1); ++round) {
        folded.push_back(start_seconds(stage, records) - median(empty));
        bare.push_back(consume_all(stage.kafka(), topic, Stage::partitions, records));
        say(fmt::format("replay, round {}: {:.2f} s; bare consumption {:.2f} s", round + 1,
                        folded.back(), bare.back()));
    }
    return {less_is_better("replay", median(folded), median(bare), "s",
                           fmt::format("bare consumption of the same {} records; a start with {} "
                                       "of them, {:.2f} s, is taken off",
                                       records, openings, median(empty)),
                           4)};
}

}  // namespace tocsin::bench
