// line.*: from a reading to its confirmed deliveries, with somebody standing by to approve.
//
// One record after another, from services/trigger to services/publishing: the readings, the
// crossing, the submitted message, the opened review, the approval asked and given, the release
// planned, a channel ready asked and armed; then, a set lead later, the outcome asked and decided.
// That is ten records, each produced and consumed once before the next can be. Around them are one
// HTTP request each to the gauge, to see the receiver ready, and to send; and two gRPC calls: what
// the watching approver is told, and the approval.
#include "bench/benchmarks.hpp"
#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/floor.hpp"
#include "bench/http.hpp"
#include "bench/line_setup.hpp"
#include "bench/river.hpp"
#include "bench/waiting.hpp"
#include "bench/watcher.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/view.hpp"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tocsin::bench {

static constexpr int line_rounds = 5;
static constexpr int lines_a_round = 20;
// The services' own default of publishing-arm-lead-ms.
static constexpr double lead_ms = 100;

namespace {

// The hops of a line, bare.
class BareLine {
public:
    BareLine(Stage& stage, const River& river, const Receiver& receiver)
        : river_(river),
          receiver_(receiver),
          command_(last_record(stage.kafka(), place("approval", false))),
          decision_(last_record(stage.kafka(), place("drafting", true))),
          readings_(stage.kafka(), {runtime::stream_topic("live", "bench-floor", "readings"), 0},
                    command_),
          commands_(stage.kafka(), {runtime::commands_topic("live", "bench-floor"), 0}, command_),
          ledger_(stage.kafka(), {runtime::ledger_topic("live", "bench-floor"), 0}, decision_),
          echo_(stage.start_echo()),
          caller_(echo_.channel, author_token(stage)) {}

    double run() {
        const auto start = Clock::now();
        http_.get(river_.url());
        readings_.pass();
        for (int i = 0; i < 3; ++i) ledger_.pass();  // crossing, message, review
        caller_.call();                              // the approver is told
        caller_.call();                              // and approves
        commands_.pass();
        for (int i = 0; i < 2; ++i) ledger_.pass();  // cleared, planned
        http_.get(receiver_.url());
        commands_.pass();  // ready; the time of release is now fixed
        http_.post(receiver_.url(), decision_);
        commands_.pass();
        ledger_.pass();
        return ms_since(start) + lead_ms;
    }

private:
    static Place place(const std::string& service, bool ledger) {
        return {ledger ? runtime::ledger_topic("live", service)
                       : runtime::commands_topic("live", service),
                runtime::partition_of(realm, Stage::partitions)};
    }

    const River& river_;
    const Receiver& receiver_;
    std::string command_, decision_;
    Hop readings_, commands_, ledger_;
    Running echo_;
    IncidentCaller caller_;
    Http http_;
};

// Drafting may know of the release before publishing itself has read it back.
void check_confirmed(const Stage& stage, const Running& all, const std::string& message_id) {
    publishing::v1::GetReleaseRequest request;
    request.set_message_id(message_id);
    publishing::v1::Release release;
    const auto stub = publishing::v1::PublishingService::NewStub(all.channel);
    const auto confirmed = [&] {
        publishing::v1::GetReleaseResponse response;
        grpc::ClientContext context;
        prepare(context, "Bearer " + author_token(stage));
        expect_ok(stub->GetRelease(&context, request, &response), "GetRelease");
        release = response.release();
        return release.deliveries_size() == 2 &&
               std::ranges::all_of(release.deliveries(), [](const auto& delivery) {
                   return delivery.state() == publishing::v1::DELIVERY_STATE_CONFIRMED;
               });
    };
    if (!wait_until(std::chrono::seconds(5), confirmed))
        throw std::runtime_error("a delivery is not confirmed: " + release.ShortDebugString());
}

double run_line(const Stage& stage, Running& all, River& river, Watcher& watcher) {
    const auto start = river.rise();
    if (!start) throw std::runtime_error("nobody polls the gauge");
    const auto released = watcher.await_released();
    if (!released) throw std::runtime_error("no message was released");
    check_confirmed(stage, all, released->message_id);
    return std::chrono::duration<double, std::milli>(released->at - *start).count();
}

}  // namespace

std::vector<Figure> line(Stage& stage) {
    River river;
    Receiver receiver;
    Running all = start_line(stage, river, receiver);
    Watcher watcher(stage, all.channel);
    run_line(stage, all, river, watcher);
    stage.create_topics("live", "bench-floor", {"readings"});
    BareLine bare(stage, river, receiver);
    bare.run();
    run_line(stage, all, river, watcher);
    std::vector<double> p50, p99, floor_p50, floor_p99;
    for (int round = 0; round < stage.dose(line_rounds, 1); ++round) {
        std::vector<double> lines, floors;
        for (int i = 0; i < stage.dose(lines_a_round, 2); ++i) {
            lines.push_back(run_line(stage, all, river, watcher));
            floors.push_back(bare.run());
        }
        p50.push_back(median(lines));
        p99.push_back(percentile(lines, 0.99));
        floor_p50.push_back(median(floors));
        floor_p99.push_back(percentile(floors, 0.99));
        say(fmt::format("line, round {}: p50 {:.0f} ms, p99 {:.0f} ms; hops {:.0f}, {:.0f}",
                        round + 1, p50.back(), p99.back(), floor_p50.back(), floor_p99.back()));
    }
    const std::string against = fmt::format(
        "its hops in turn, bare: 10 records over like topics, 3 HTTP requests, 2 gRPC calls, and "
        "the {:.0f} ms between arming and release",
        lead_ms);
    return {less_is_better("line.p50", median(p50), median(floor_p50), "ms", against, 0),
            less_is_better("line.p99", median(p99), median(floor_p99), "ms", against, 0)};
}

}  // namespace tocsin::bench
