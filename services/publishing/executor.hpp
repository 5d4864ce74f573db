// Does what the ledger decided: prepares, claims, fires, resolves; and sends each outcome as a
// command. It keeps no plan of its own. Whenever a decision counted it looks at the deliveries of
// that, and once a second at all that is open: it compares what the view shows with what is being
// done and starts what is missing; so a restart, a takeover or a lost answer leaves nothing without
// an owner. executor_tasks.cpp has what it starts, executor_steps.cpp the single steps of that.
//
// `apply` only posts. Everything else runs on the HTTP event loop.
#pragma once

#include "publishing/lanes.hpp"
#include "publishing/view.hpp"
#include "publishing/wire.hpp"
#include "runtime/base/generations.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/host/metrics.hpp"
#include "runtime/ledger/ledger.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <variant>

namespace tocsin::publishing {

struct ExecutorParts {
    const PublishingView& view;
    runtime::Ledger& ledger;
    runtime::Metrics& metrics;
    runtime::HttpTransport& http;
    // Runs a task on the event loop.
    std::function<void(std::move_only_function<void()>)> post;
    std::string incarnation;
    // See Wire.
    std::function<std::string(const std::string& url)> off_limits{};
    // Refuses a credential that is not the channel's own.
    Credentials& credentials;
    std::string world;
    bool allow_private_addresses = false;
    // See leads.hpp.
    std::chrono::milliseconds claim_lead{60};
    // Of what is not urgent, sent at a time.
    std::size_t places = bulk_places;
    // Reads the answers of channels.
    runtime::Aside aside = runtime::aside_here();
    // How long stop() waits for what is being sent.
    std::chrono::milliseconds drain{5000};
    // Tests have clocks of their own.
    std::function<Time()> now = runtime::system_now;
    std::function<std::chrono::steady_clock::time_point()> steady_now = [] {
        return std::chrono::steady_clock::now();
    };
};

class Executor final : public runtime::View {
public:
    explicit Executor(ExecutorParts parts);

    void apply(const runtime::Counted& counted) override;
    // The view forgets too.
    void reset(int) override {}
    // What was read again may have left something open that this instance did not know of.
    void folded(int partition) override;

    void start();
    // Claims nothing more, and waits for what is being sent.
    void stop();

private:
    using Steady = std::chrono::steady_clock::time_point;
    // A release by realm and id.
    using Key = std::pair<std::string, std::string>;
    struct Attempt;

    // There may be something to do for it, now or later; what is in doubt for long is a person's.
    static bool has_work(const Release& release, Time now);
    bool in_use(const std::string& realm, const std::string& channel) const;
    // Whether this instance has to do what no claim gives to another.
    bool acts(const Key& key, const Release& release, const Delivery& delivery) const;
    // As superseding.hpp has them, now.
    std::set<std::string> channels_taken(const Key& key, const Release& release) const;
    // Whether an armed delivery may be claimed at `when`, while these channels are taken.
    bool may_claim(const Key& key, const Release& release, const Delivery& delivery, Time when,
                   const std::set<std::string>& taken) const;
    // Returns at that time by the clock on the wall, which may be set meanwhile; or once it stops.
    Task<void> wait_until(Time when);
    // At one delivery where it is named, else at all of them.
    void look(const Key& key, const std::string& delivery_id = {});
    void look_at(const Key& key, const Release& release, const Delivery& delivery,
                 const std::set<std::string>& taken);
    void find_open();
    Task<void> keep_looking();

    // The delivery is still to be prepared, on that very channel.
    bool leads_to(const Key& key, const Job& job,
                  const std::shared_ptr<const v1::Channel>& channel) const;
    Task<void> prepare(Key key, Job job, std::string name);
    Task<void> sign(Key key, Job job, std::string name);
    Task<void> claim(Key key, v1::Purpose purpose, Time when, std::string name);
    Task<void> fire(Key key, Job job, Steady start, Steady give_up);
    Task<void> resolve(Key key, Job job, std::string name);

    void show_ready(const std::string& realm, const std::string& channel, bool ready);
    void forget_channel(const std::string& realm, const std::string& channel);
    void forget_channels();
    Task<Prepared> try_prepare(const Job& job);
    Task<Signed> try_sign(const Job& job);
    Task<Outcome> try_fire(const Job& job);
    // In plain words where those of the channel are refused.
    Task<runtime::Answer> tell_outcome(const Key& key, const Job& job, Outcome& outcome, bool once);
    Task<Found> try_find(const Job& job);
    // Sends a command until it is decided; what cannot be decided within an hour is unavailable.
    Task<runtime::Answer> tell(std::string realm, v1::Command command, std::string request_id,
                               bool only_while_running, std::string traceparent = {});
    void note(const Key& key, const Job& job, const Outcome& outcome) const;
    v1::Command outcome_command(const Key& key, const Job& job, const Outcome& outcome) const;
    prometheus::Counter& answers(const std::string& kind, v1::Outcome outcome);
    prometheus::Histogram& delivery_seconds(const std::string& kind);
    void introduce_metrics();
    void show_waiting();
    void show_budgets();
    void measure(const Job& job, const Outcome& outcome);

    // As it is now, shared with the view; null: there is none.
    std::shared_ptr<const Release> current(const Key& key) const;
    Job make_job(const Key& key, const Release& release, const Delivery& delivery) const;
    Steady steady(Time when) const;
    // When a claim of this incarnation is over.
    Steady give_up(const Delivery& delivery) const;
    bool begin(const std::string& name);
    Task<void> pause(Duration duration);

    ExecutorParts parts_;
    Wire wire_;
    std::atomic<bool> started_ = false;
    std::atomic<bool> stopping_ = false;

    // Event loop only.
    std::set<Key> open_;          // releases that may need something
    std::set<std::string> busy_;  // what is being done, by name
    // Attempts started by this incarnation, never again. One that is forgotten is long past the
    // time in which it might start.
    runtime::Generations<std::monostate> fired_{50'000};
    int64_t commands_ = 0;
    BulkLane bulk_;

    std::mutex firing_mutex_;
    std::condition_variable firing_changed_;
    int firing_ = 0;
};

}  // namespace tocsin::publishing
