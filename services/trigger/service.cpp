#include "trigger/service.hpp"

#include "runtime/host/clock.hpp"
#include "runtime/host/reading_thread.hpp"
#include "trigger/listening_rules.hpp"
#include "trigger/poller.hpp"
#include "trigger/rpc.hpp"
#include "trigger/rule_watch.hpp"

#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <thread>

namespace tocsin::trigger {
namespace {

struct TriggerConfig {
    bool allow_private_addresses = false;
};

std::optional<std::string> problem_of(const TriggerConfig& config,
                                      const runtime::RuntimeConfig& runtime) {
    if (!runtime.production || !config.allow_private_addresses) return std::nullopt;
    return "trigger-allow-private-addresses: it is for tests only; refused with --production";
}

PollerLinks links_of(runtime::Surroundings& surroundings, Heard& heard,
                     runtime::ReadingThread& reading) {
    runtime::HttpClient& http = surroundings.http;
    const auto post = [&http](std::move_only_function<void()> task) { http.post(std::move(task)); };
    return {surroundings.ledger,
            http,
            post,
            runtime::system_now,
            [] { return std::chrono::steady_clock::now(); },
            heard,
            runtime::aside_on(reading, post)};
}

class TriggerService final : public runtime::Service {
public:
    TriggerService(runtime::Surroundings& surroundings, const TriggerConfig& config, Heard& heard)
        : http_(surroundings.http),
          view_(static_cast<int>(surroundings.config.kafka_partitions)),
          health_(surroundings.metrics),
          rpc_(surroundings.rpc, view_, health_, heard,
               poll_seconds_least(config.allow_private_addresses)),
          rule_watch_(surroundings.metrics, view_, heard),
          poller_(links_of(surroundings, heard, reading_), health_, config.allow_private_addresses),
          ledger_(surroundings.ledger),
          tails_(surroundings.tails),
          heard_(heard) {
        view_.show_size(runtime::view_gauges(surroundings.metrics, "trigger"));
        view_.on_change([this] {
            if (started_) refresh_soon();
        });
    }

    std::vector<grpc::Service*> endpoints() override { return {&rpc_}; }
    std::vector<runtime::View*> views() override { return {&view_}; }
    void start() override {
        // How the series stood before this process began, so that a source that shows but its
        // latest value is not judged by that alone.
        recalling_ = std::jthread([this](const std::stop_token& stop) {
            recall(stop);
            started_ = true;
            refresh_soon();
            http_.post([this] { runtime::spawn(watch_rules()); });
        });
    }
    void stop() override {
        stopped_ = true;
        recalling_.request_stop();
        poller_.stop();
    }

private:
    // Of each partition; each has the time before that its rules need.
    static constexpr std::int64_t recalled_max = 2'000;
    // Where the record of a series that a rule reads is none of those: others come more often.
    static constexpr std::int64_t recalled_further_max = 20'000;
    static constexpr std::chrono::seconds recall_time{10};

    void recall(const std::stop_token& stop) {
        const auto until = std::chrono::steady_clock::now() + recall_time;
        tails_.read("trigger", "readings", recalled_max, recall_time, stop,
                    [this](const runtime::Foreign& record) { heard_.recall(record); });
        const std::set<Heard::SeriesKey> missing = unknown();
        const auto left =
            std::chrono::floor<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (missing.empty() || left.count() <= 0) return;
        tails_.read("trigger", "readings", recalled_further_max, left, stop,
                    [&](const runtime::Foreign& record) { heard_.recall(record, &missing); });
    }

    // Series that rules read and of which no record was met yet; without a name: the source's list.
    std::set<Heard::SeriesKey> unknown() const {
        std::set<Heard::SeriesKey> all;
        for (const Wanted& one : view_.wanted()) {
            const std::string& source_id = one.source.source_id();
            if (!heard_.listing(one.realm, source_id)) all.emplace(one.realm, source_id, "");
            for (const auto& [name, needed] : one.watched) {
                const auto heard = heard_.newest(one.realm, source_id, name);
                if (!heard || heard->readings.empty()) all.emplace(one.realm, source_id, name);
            }
        }
        return all;
    }

    runtime::Task<void> watch_rules() {
        while (!stopped_) {
            rule_watch_.look(ledger_.ready(), runtime::system_now());
            co_await http_.sleep_until(std::chrono::steady_clock::now() + std::chrono::seconds{2});
        }
    }

    // Many changes at once are one look at the view.
    void refresh_soon() {
        if (refresh_wanted_.exchange(true)) return;
        http_.post([this] {
            refresh_wanted_ = false;
            const Wants wants = view_.wants();
            poller_.refresh(wants.sources, wants.whole);
        });
    }

    runtime::HttpClient& http_;
    TriggerView view_;
    HealthBook health_;
    TriggerRpc rpc_;
    RuleWatch rule_watch_;
    Poller poller_;
    runtime::Ledger& ledger_;
    runtime::StreamTail tails_;
    Heard& heard_;
    std::atomic<bool> stopped_ = false;
    // After the poller, to end before it: what it reads belongs to that.
    runtime::ReadingThread reading_;
    std::atomic<bool> started_ = false;
    std::atomic<bool> refresh_wanted_ = false;
    std::jthread recalling_;  // last: it uses what is above
};

}  // namespace

runtime::ServiceDefinition service() {
    const auto config = std::make_shared<TriggerConfig>();
    const auto heard = std::make_shared<Heard>([] { return std::chrono::steady_clock::now(); });
    runtime::ServiceDefinition definition;
    definition.name = "trigger";
    definition.streams = {"readings"};
    // For what rules name, and what became of crossings.
    definition.followed = {"drafting"};
    definition.rules = [heard](const runtime::RuntimeConfig&) { return listening_rules(heard); };
    definition.declare = [config](runtime::Settings& settings) {
        settings.add("trigger-allow-private-addresses", config->allow_private_addresses,
                     "poll sources on loopback, private and other inner addresses; for tests only");
    };
    definition.problem = [config](const runtime::RuntimeConfig& runtime) {
        return problem_of(*config, runtime);
    };
    definition.make = [config, heard](runtime::Surroundings& surroundings) {
        return std::make_unique<TriggerService>(surroundings, *config, *heard);
    };
    return definition;
}

}  // namespace tocsin::trigger
