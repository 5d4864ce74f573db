#include "publishing/service.hpp"

#include "publishing/decider.hpp"
#include "publishing/executor.hpp"
#include "publishing/hold_metrics.hpp"
#include "publishing/host_list.hpp"
#include "publishing/release_metrics.hpp"
#include "publishing/rpc.hpp"
#include "runtime/host/reading_thread.hpp"
#include "runtime/host/retired_gauge.hpp"
#include "runtime/host/sealed_file.hpp"
#include "runtime/production.hpp"

#include <memory>

namespace tocsin::publishing {
namespace {

struct PublishingSettings {
    std::string credentials_file;
    std::string credentials_key_file;
    std::string hosts_file;
    std::string feed_base_url = "http://127.0.0.1:8080";
    int64_t arm_lead_ms = 100;
    int64_t claim_lead_ms = 60;
    bool allow_private_addresses = false;

    void declare(runtime::Settings& settings) {
        settings.add("publishing-credentials-file", credentials_file,
                     "the world's sealed file of the channels' credentials");
        settings.add("publishing-credentials-key-file", credentials_key_file,
                     "keys of that file, as of tocsin credential; left out, the systemd credential "
                     "tocsin-credentials-key");
        settings.add("publishing-hosts-file", hosts_file,
                     "in the live world: where the hosts of all channels are written, for the "
                     "exercise world to keep away from (live-hosts-file)");
        settings.add("publishing-feed-base-url", feed_base_url,
                     "where the public reaches the feed, without a slash at the end");
        settings.add("publishing-arm-lead-ms", arm_lead_ms,
                     "time between arming and T0; 0.4 ms more for each delivery", 50, 60'000);
        settings.add("publishing-claim-lead-ms", claim_lead_ms,
                     "how long before T0 deliveries are claimed, and 0.4 ms more for each; less "
                     "than the arm lead",
                     20, 1'000);
        settings.add("publishing-allow-private-addresses", allow_private_addresses,
                     "let channels reach loopback and private addresses; for tests only");
    }
    CredentialFiles credentials() const {
        return {credentials_file, credentials_key_file.empty()
                                      ? runtime::system_credential("tocsin-credentials-key")
                                      : credentials_key_file};
    }
    Constants constants(const std::string& world) const {
        Constants constants{world, feed_base_url, std::chrono::milliseconds{arm_lead_ms}};
        while (constants.feed_base_url.ends_with('/')) constants.feed_base_url.pop_back();
        return constants;
    }
};

std::optional<std::string> problem_of(const PublishingSettings& settings,
                                      const runtime::RuntimeConfig& config) {
    const std::string& url = settings.feed_base_url;
    if (!url.starts_with("https://") && !url.starts_with("http://"))
        return "publishing-feed-base-url: must begin with https:// or http://";
    if (settings.claim_lead_ms >= settings.arm_lead_ms)
        return "publishing-claim-lead-ms: must be less than publishing-arm-lead-ms";
    if (config.world == "exercise" && config.live_hosts_file.empty())
        return "live-hosts-file: is required in the exercise world, so that it reaches no live "
               "channel; a live publishing writes it (publishing-hosts-file)";
    if (config.world == "exercise" && !settings.hosts_file.empty())
        return "publishing-hosts-file: is for the live world";
    if (!config.production) return std::nullopt;
    const CredentialFiles files = settings.credentials();
    if (const auto why = runtime::secret_problem(files.sealed); !why.empty())
        return "publishing-credentials-file: " + why + "; refused with --production";
    if (const auto why = runtime::secret_problem(files.keys); !why.empty())
        return "publishing-credentials-key-file: " + why + "; refused with --production";
    if (settings.allow_private_addresses)
        return "publishing-allow-private-addresses: it is for tests only; refused with "
               "--production";
    // A feed that only this machine reaches has no public that could be misled.
    if (!url.starts_with("https://") && !runtime::is_loopback_url(url))
        return "publishing-feed-base-url: what the public reads in plain text can be changed on "
               "the way; use https; refused with --production";
    return std::nullopt;
}

CredentialRules credential_rules(const PublishingSettings& settings,
                                 const runtime::RuntimeConfig& config) {
    return {.world = config.world,
            .production = config.production,
            .allow_private_addresses = settings.allow_private_addresses};
}

// Null in the live world.
OffLimits off_limits(const runtime::Surroundings& surroundings) {
    if (surroundings.live_hosts == nullptr) return nullptr;
    return
        [hosts = surroundings.live_hosts](const std::string& url) { return hosts->refusal(url); };
}

ExecutorParts parts_of(const PublishingSettings& settings, runtime::Surroundings& surroundings,
                       const PublishingView& view, Credentials& credentials,
                       runtime::ReadingThread& reading) {
    const auto post = [&http = surroundings.http](std::move_only_function<void()> task) {
        http.post(std::move(task));
    };
    return {.view = view,
            .ledger = surroundings.ledger,
            .metrics = surroundings.metrics,
            .http = surroundings.http,
            .post = post,
            .incarnation = surroundings.incarnation,
            .off_limits = off_limits(surroundings),
            .credentials = credentials,
            .world = surroundings.config.world,
            .allow_private_addresses = settings.allow_private_addresses,
            .claim_lead = std::chrono::milliseconds{settings.claim_lead_ms},
            .aside = runtime::aside_on(reading, post),
            .drain = std::chrono::milliseconds{surroundings.config.drain_ms_max / 2}};
}

class PublishingService final : public runtime::Service {
public:
    PublishingService(const PublishingSettings& settings, runtime::Surroundings& surroundings)
        : view_(static_cast<int>(surroundings.config.kafka_partitions)),
          metrics_(surroundings.metrics, view_, surroundings.config.instance,
                   static_cast<int>(surroundings.config.kafka_partitions)),
          hold_metrics_(surroundings.metrics, view_,
                        static_cast<int>(surroundings.config.kafka_partitions)),
          credentials_(settings.credentials(), credential_rules(settings, surroundings.config)),
          rpc_(surroundings.rpc, view_, credentials_, off_limits(surroundings),
               settings.constants(surroundings.config.world).feed_base_url),
          executor_(parts_of(settings, surroundings, view_, credentials_, reading_)),
          host_list_(settings.hosts_file, view_),
          http_(surroundings.http),
          metrics_of_process_(surroundings.metrics),
          live_hosts_(surroundings.live_hosts),
          has_credentials_(!settings.credentials_file.empty()),
          unopened_(surroundings.metrics.gauge(
              "tocsin_credentials_unopened",
              "1 while the sealed file of credentials, as it is now, cannot be opened")) {
        if (live_hosts_)
            hosts_written_ = &surroundings.metrics.gauge(
                "tocsin_live_hosts_written_seconds",
                "In the exercise world: unix time at which the list of live hosts was written; 0 "
                "while there is none that can be read, and nothing is sent.");
    }

    std::vector<grpc::Service*> endpoints() override { return {&rpc_}; }
    // The others go by what the view has folded: it comes first.
    std::vector<runtime::View*> views() override {
        return {&view_, &metrics_, &hold_metrics_, &executor_};
    }
    void start() override {
        metrics_.show();
        hold_metrics_.show();
        executor_.start();
        host_list_.start();
        http_.post([this] { watch_files(); });
    }
    void stop() override {
        host_list_.stop();
        executor_.stop();
    }

private:
    // What is wrong with them is known before a release needs them.
    void watch_files() {
        if (has_credentials_) {
            unopened_.Set(credentials_.problem().empty() ? 0 : 1);
            show_certificates();
        }
        if (live_hosts_) hosts_written_->Set(static_cast<double>(live_hosts_->written_at()));
        http_.at(std::chrono::steady_clock::now() + std::chrono::seconds{5},
                 [this] { watch_files(); });
    }
    void show_certificates() {
        const auto labels = [](const auto& owner) {
            return prometheus::Labels{{"realm", owner.first}, {"agency", owner.second}};
        };
        auto ends = credentials_.certificates_end();
        for (const auto& [owner, until] : ends)
            metrics_of_process_
                .gauge(
                    "tocsin_certificate_expires_seconds",
                    "Unix time at which the first certificate that signs an agency's alerts runs "
                    "out.",
                    labels(owner))
                .Set(static_cast<double>(
                    std::chrono::floor<std::chrono::seconds>(until.time_since_epoch()).count()));
        for (const auto& [owner, until] : certificates_shown_)
            if (!ends.contains(owner))
                runtime::retire_gauge(metrics_of_process_, "tocsin_certificate_expires_seconds",
                                      labels(owner));
        certificates_shown_ = std::move(ends);
    }

    PublishingView view_;
    ReleaseMetrics metrics_;
    HoldMetrics hold_metrics_;
    Credentials credentials_;
    PublishingRpc rpc_;
    Executor executor_;
    // After the executor, to end before it: what it reads belongs to that.
    runtime::ReadingThread reading_;
    HostList host_list_;
    runtime::HttpClient& http_;
    runtime::Metrics& metrics_of_process_;
    std::map<std::pair<std::string, std::string>, Time> certificates_shown_;
    runtime::LiveHosts* live_hosts_;              // null in the live world
    prometheus::Gauge* hosts_written_ = nullptr;  // the same
    bool has_credentials_;
    prometheus::Gauge& unopened_;
};

}  // namespace

runtime::ServiceDefinition service() {
    runtime::ServiceDefinition definition;
    definition.name = "publishing";
    definition.upstreams = {"approval"};
    const auto chosen = std::make_shared<PublishingSettings>();
    definition.declare = [chosen](runtime::Settings& settings) { chosen->declare(settings); };
    definition.problem = [chosen](const runtime::RuntimeConfig& config) {
        return problem_of(*chosen, config);
    };
    definition.rules = [chosen](const runtime::RuntimeConfig& config) {
        State blank;
        blank.constants = chosen->constants(config.world);
        return std::make_unique<runtime::RulesOf<Decider>>(std::move(blank));
    };
    definition.make = [chosen](runtime::Surroundings& surroundings) {
        return std::make_unique<PublishingService>(*chosen, surroundings);
    };
    return definition;
}

}  // namespace tocsin::publishing
