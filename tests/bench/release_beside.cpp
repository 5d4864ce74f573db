// release.beside: what gauges that take much cost a release, in one process that polls and sends.
#include "bench/benchmarks.hpp"
#include "bench/city.hpp"
#include "bench/line_setup.hpp"
#include "bench/setup.hpp"
#include "bench/watcher.hpp"
#include "runtime/base/time.hpp"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"
#include "tocsin/trigger/v1/trigger_service.grpc.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tocsin::bench {

using publishing::v1::PublishingService;
using trigger::v1::TriggerService;

static constexpr int release_rounds = 5;
static constexpr int releases_a_round = 4;
static constexpr int gauges = 3;

namespace {

// Gauges of one server, whose answers are valid and take long to read: 2,000 sensors of one name.
class HeavyGauges {
public:
    HeavyGauges(const Stage& stage, const Running& all)
        : body_(body()),
          server_([this](const std::string&, int socket) {
              ++served_;
              runtime::LocalServer::write(socket, runtime::LocalServer::answer("200 OK", body_));
              return true;
          }),
          author_(author_token(stage)),
          stub_(TriggerService::NewStub(all.channel)) {}

    void begin() {
        for (int i = 0; i < gauges; ++i) {
            trigger::v1::PutSourceRequest source;
            source.set_source_id(id(i));
            source.set_format("usgs-json");
            source.set_url(server_.url("/" + id(i)));
            source.set_poll_seconds(0.05);
            change(*stub_, &TriggerService::Stub::PutSource, author_, source);
        }
        const int before = served_;
        if (!wait_until(std::chrono::seconds(10), [&] { return served_ >= before + gauges; }))
            throw std::runtime_error("nobody polls the heavy gauges");
    }
    void end() {
        for (int i = 0; i < gauges; ++i) {
            trigger::v1::RemoveSourceRequest source;
            source.set_source_id(id(i));
            change(*stub_, &TriggerService::Stub::RemoveSource, author_, source);
        }
    }
    int served() const { return served_; }

private:
    static std::string id(int number) { return fmt::format("heavy-{}", number); }
    static std::string body() {
        std::string sensors;
        for (int i = 0; i < 2000; ++i)
            sensors += fmt::format("{}{{\"method\":[{{\"methodID\":{}}}],\"value\":[]}}",
                                   i == 0 ? "" : ",", i);
        return R"({"value":{"timeSeries":[{"sourceInfo":{"siteCode":[{"value":"1"}]},"variable":)"
               R"({"variableCode":[{"value":"2"}],"unit":{"unitCode":"m"}},"values":[)" +
               sensors + "]}]}}";
    }

    const std::string body_;
    std::atomic<int> served_{0};
    runtime::LocalServer server_;
    std::string author_;
    std::unique_ptr<TriggerService::Stub> stub_;
};

// Milliseconds from T0 until the last delivery was written, of the next release.
double t0_to_write(const Stage& stage, Running& all, River& river, Watcher& watcher) {
    if (!river.rise()) throw std::runtime_error("nobody polls the gauge");
    const auto released = watcher.await_released();
    if (!released) throw std::runtime_error("no message was released");
    publishing::v1::GetReleaseRequest request;
    request.set_message_id(released->message_id);
    publishing::v1::Release release;
    const auto stub = PublishingService::NewStub(all.channel);
    const auto written = [&] {
        publishing::v1::GetReleaseResponse response;
        grpc::ClientContext context;
        prepare(context, "Bearer " + author_token(stage));
        expect_ok(stub->GetRelease(&context, request, &response), "GetRelease");
        release = response.release();
        return release.deliveries_size() == 2 &&
               std::ranges::all_of(release.deliveries(),
                                   [](const auto& one) { return one.has_written_at(); });
    };
    if (!wait_until(std::chrono::seconds(20), written))
        throw std::runtime_error("a delivery is not written: " + release.ShortDebugString());
    double longest = 0;
    for (const auto& one : release.deliveries()) {
        const auto took =
            runtime::from_proto(one.written_at()) - runtime::from_proto(release.fire_at());
        longest = std::max(longest, std::chrono::duration<double, std::milli>(took).count());
    }
    return longest;
}

}  // namespace

std::vector<Figure> release_beside(Stage& stage) {
    stage.clear();
    River river;
    Receiver receiver;
    Running all = start_line(stage, river, receiver);
    Watcher watcher(stage, all.channel);
    HeavyGauges heavy(stage, all);
    const auto releases = [&] {
        std::vector<double> taken;
        for (int i = 0; i < stage.dose(releases_a_round, 1); ++i)
            taken.push_back(t0_to_write(stage, all, river, watcher));
        return median(taken);
    };
    releases();
    std::vector<double> with, without;
    for (int round = 0; round < stage.dose(release_rounds, 1); ++round) {
        without.push_back(releases());
        heavy.begin();
        with.push_back(releases());
        heavy.end();
        say(
            fmt::format("release.beside, round {}: T0 to write {:.2f} ms beside heavy gauges, "
                        "polled {} times so far; {:.2f} ms without",
                        round + 1, with.back(), heavy.served(), without.back()));
    }
    return {less_is_better("release.beside", median(with), median(without), "ms",
                           fmt::format("the same releases without {} gauges of 2,000 sensors each, "
                                       "polled every 50 ms",
                                       gauges),
                           1.5)};
}

}  // namespace tocsin::bench
