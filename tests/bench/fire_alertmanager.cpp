// fire.1.*: one receiver, against an Alertmanager that waits for nothing (group_wait 0s), from the
// call that hands it an alert. From T0, as what comes before has no counterpart there: an approval,
// a channel that is seen to be ready, and what goes out fixed on disk. With all of that, from the
// call that clears the message, it is fire.1.cleared.
#include "bench/audience.hpp"
#include "bench/benchmarks.hpp"
#include "bench/http.hpp"
#include "bench/newsroom.hpp"
#include "bench/waiting.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/host/clock.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr int alerts_a_round = 5;
// Where Debian's package has it.
static constexpr const char* alertmanager_path = "/usr/bin/prometheus-alertmanager";

namespace {

class Alertmanager {
public:
    Alertmanager(Stage& stage, Audience& audience) : audience_(audience), port_(free_port()) {
        const std::string settings = fmt::format(
            R"(route:
  receiver: hook
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers: [{{name: hook, webhook_configs: [{{url: '{}', send_resolved: false}}]}}]
)",
            audience.url(group, 0));
        program_ = stage.start_other(
            alertmanager_path, "alertmanager",
            {"--config.file=" + stage.file("alertmanager.yml", settings),
             "--storage.path=" + stage.folder() + "/alertmanager",
             "--cluster.listen-address=", fmt::format("--web.listen-address=127.0.0.1:{}", port_)});
        const bool ready = wait_until(30s, [&] {
            if (!program_->running()) return true;
            try {
                http_.get(fmt::format("http://127.0.0.1:{}/-/ready", port_));
                return true;
            } catch (const std::runtime_error&) {
                return false;
            }
        });
        if (!ready || !program_->running()) throw std::runtime_error("Alertmanager does not serve");
    }

    double alert() {
        audience_.forget(group);
        const std::string alert =
            fmt::format(R"([{{"labels":{{"alertname":"flood","id":"{}"}},)"
                        R"("annotations":{{"summary":"Leave the banks of the Bow River now."}}}}])",
                        runtime::new_uuid_v7());
        const auto called = runtime::system_now();
        http_.post(fmt::format("http://127.0.0.1:{}/api/v2/alerts", port_), alert);
        return ms_between(called, audience_.await(group, 1, 30s).front());
    }

private:
    static constexpr const char* group = "alertmanager";

    Audience& audience_;
    int port_;
    std::unique_ptr<Program> program_;
    Http http_;
};

}  // namespace

std::vector<Figure> fire_alertmanager(Stage& stage) {
    stage.clear();
    Audience audience;
    Newsroom newsroom(stage, audience, {{"one", 1}});
    Alertmanager alertmanager(stage, audience);
    std::vector<double> fired, cleared, theirs;
    for (int round = 0; round <= stage.dose(rounds, 1); ++round) {
        std::vector<double> ours, whole, alerts;
        for (int i = 0; i < stage.dose(alerts_a_round, 1); ++i) {
            const Newsroom::Sent sent = newsroom.send({{"one"}});
            ours.push_back(ms_between(sent.fire_at, sent.arrivals.back()));
            whole.push_back(ms_between(sent.called, sent.arrivals.back()));
            alerts.push_back(alertmanager.alert());
        }
        say(
            fmt::format("fire.1, round {}: {:.2f} ms from T0, {:.1f} ms from clearing; "
                        "Alertmanager {:.2f} ms",
                        round, median(ours), median(whole), median(alerts)));
        if (round == 0) continue;  // warms up
        fired.push_back(median(ours));
        cleared.push_back(median(whole));
        theirs.push_back(median(alerts));
    }
    const std::string against = "Alertmanager with group_wait 0s, from the call to the receiver; ";
    return {less_is_better("fire.1.alertmanager", median(fired), median(theirs), "ms",
                           against + "ours is from T0", 1),
            less_is_better("fire.1.cleared", median(cleared), median(theirs), "ms",
                           against + "ours is from the call that clears the message", 0)};
}

}  // namespace tocsin::bench
