#include "publishing/executor.hpp"

#include "publishing/leads.hpp"
#include "publishing/superseding.hpp"
#include "runtime/base/invariant.hpp"
#include "runtime/host/retired_gauge.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {

using namespace std::chrono_literals;
using runtime::from_proto;

// Asking an account about a post in doubt ends some time; by then a person has looked.
static constexpr Duration doubt_lifetime = std::chrono::hours{24};

// A leader that died leaves work undone, as no instance takes its place before a command is sent.
// After this long each instance that sees the work does it, and its command makes it the leader.
static constexpr Duration leader_patience = std::chrono::seconds{3};

static Time due_since(const Release& release, const Delivery& delivery) {
    if (delivery.is(v1::DELIVERY_STATE_ARMED))
        return delivery.retry_at.value_or(from_proto(delivery.fixed().fire_at()));
    if (delivery.is(v1::DELIVERY_STATE_UNKNOWN)) return delivery.claim_over();
    return from_proto(release.head.clear_time());
}

bool Executor::has_work(const Release& release, Time now) {
    if (!release.at_rest()) return true;
    return needs_work(release) &&
           std::ranges::any_of(release.deliveries, [&](const Delivery& delivery) {
               return (delivery.is(v1::DELIVERY_STATE_UNKNOWN) ||
                       delivery.is(v1::DELIVERY_STATE_CLAIMED)) &&
                      now < from_proto(delivery.fixed().fire_at()) + doubt_lifetime;
           });
}

Executor::Executor(ExecutorParts parts)
    : parts_(std::move(parts)),
      wire_{.http = parts_.http,
            .credentials = parts_.credentials,
            .world = parts_.world,
            .allow_private_addresses = parts_.allow_private_addresses,
            .off_limits = parts_.off_limits,
            .now = parts_.now,
            .steady_now = parts_.steady_now,
            .on_feed =
                [this](const std::string& realm, const std::string& identifier) {
                    const auto alert = parts_.view.snapshot(realm)->alert(identifier, parts_.now());
                    return alert ? alert->body : nullptr;
                },
            .aside = parts_.aside,
            .account_ids = {}},
      bulk_(parts_.places, parts_.post) {
    introduce_metrics();
}

void Executor::apply(const runtime::Counted& counted) {
    if (!started_ || counted.service != "publishing" || !counted.decision.has_accepted()) return;
    // In the order in which they were planned; an empty name stands for all deliveries.
    std::map<Key, std::vector<std::string>> touched;
    counted.each<v1::Event>([&](const v1::Event& event) {
        if (event.has_channel_removed() && counted.live)
            forget_channel(counted.decision.realm(), event.channel_removed().channel_id());
        if (event.release_id().empty()) return;
        auto& which = touched[{counted.decision.realm(), event.release_id()}];
        const auto& named = event.delivery_ids();
        which.insert(which.end(), named.begin(), named.end());
        if (named.empty()) which.emplace_back();
    });
    if (touched.empty()) return;
    parts_.post([this, touched = std::move(touched)] {
        for (const auto& [key, deliveries] : touched) {
            open_.insert(key);
            for (const std::string& delivery : deliveries) look(key, delivery);
        }
    });
}

bool Executor::in_use(const std::string& realm, const std::string& channel) const {
    const auto snapshot = parts_.view.snapshot(realm);
    const NumberedChannel* known = snapshot->channels().find(channel);
    return known && known->channel.active();
}

// On the event loop, behind what is still to be shown of it there. It may be in use again by then.
void Executor::forget_channel(const std::string& realm, const std::string& channel) {
    parts_.post([this, realm, channel] {
        if (in_use(realm, channel)) return;
        for (const char* gauge : {"tocsin_channel_ready", "tocsin_channel_posts_left"})
            runtime::retire_gauge(parts_.metrics, gauge, {{"realm", realm}, {"channel", channel}});
    });
}

// What history says of a channel is true only at its end.
void Executor::forget_channels() {
    parts_.view.each([&](const std::string& name, const Realm& realm) {
        realm.channels().ascend(nullptr, [&](const std::string& id, const NumberedChannel& known) {
            if (!known.channel.active()) forget_channel(name, id);
            return true;
        });
    });
}

void Executor::find_open() {
    const Time now = parts_.now();
    parts_.view.each([&](const std::string& name, const Realm& realm) {
        realm.open().ascend(nullptr, [&](const std::string& id, char) {
            const Release* release = realm.release(id);
            runtime::invariant(release != nullptr, "a release that is open has not faded");
            if (has_work(*release, now)) open_.emplace(name, id);
            return true;
        });
    });
}

void Executor::start() {
    if (started_.exchange(true)) return;
    parts_.post([this] {
        find_open();
        runtime::spawn(keep_looking());
    });
}

void Executor::folded(int) {
    if (!started_) return;
    parts_.post([this] {
        find_open();
        forget_channels();
    });
}

void Executor::stop() {
    stopping_ = true;
    std::unique_lock lock(firing_mutex_);
    firing_changed_.wait_for(lock, parts_.drain, [this] { return firing_ == 0; });
}

Task<void> Executor::keep_looking() {
    while (!stopping_) {
        const std::set<Key> open = open_;
        for (const Key& key : open) look(key);
        show_budgets();
        co_await pause(1s);
    }
}

bool Executor::acts(const Key& key, const Release& release, const Delivery& delivery) const {
    if (stopping_) return false;
    return parts_.ledger.leads(key.first) ||
           parts_.now() > due_since(release, delivery) + leader_patience;
}

void Executor::look(const Key& key, const std::string& delivery_id) {
    const auto release = current(key);
    const auto taken = release ? channels_taken(key, *release) : std::set<std::string>{};
    if (release && !delivery_id.empty()) {
        const Delivery* delivery = release->find(delivery_id);
        if (delivery) look_at(key, *release, *delivery, taken);
        // It may have waited for this.
        const Delivery* back =
            delivery && !delivery->retracts() ? release->retraction_of(delivery->id()) : nullptr;
        if (back) look_at(key, *release, *back, taken);
        return;
    }
    if (release) {
        for (const Delivery& delivery : release->deliveries)
            look_at(key, *release, delivery, taken);
        if (has_work(*release, parts_.now())) return;
    }
    open_.erase(key);
}

void Executor::look_at(const Key& key, const Release& release, const Delivery& delivery,
                       const std::set<std::string>& taken) {
    const v1::Delivery& head = delivery.head;
    if (delivery.settled()) return;
    const std::string name =
        fmt::format("{}/{}/{}/{}", key.first, key.second, delivery.id(), head.attempts());
    if (delivery.is(v1::DELIVERY_STATE_CLAIMED) && head.executor() == parts_.incarnation) {
        // The holder of the claim fires, leading or not; once in its life.
        if (fired_.use(name) != nullptr) return;
        fired_.keep(name, {});
        runtime::spawn(fire(key, make_job(key, release, delivery),
                            steady(from_proto(delivery.fixed().fire_at())), give_up(delivery)));
    } else if (!acts(key, release, delivery)) {
        return;
    } else if (release.to_prepare(delivery)) {
        if (begin("prepare/" + name))
            runtime::spawn(prepare(key, make_job(key, release, delivery), "prepare/" + name));
    } else if (release.to_sign(delivery)) {
        if (begin("sign/" + name)) {
            Job job = make_job(key, release, delivery);
            job.body = release.rendered(delivery);
            runtime::spawn(sign(key, std::move(job), "sign/" + name));
        }
    } else if (may_claim(key, release, delivery, delivery.retry_at.value_or(parts_.now()), taken)) {
        const Time when =
            delivery.retry_at.value_or(from_proto(delivery.fixed().fire_at()) -
                                       lead(parts_.claim_lead, release.count(head.purpose())));
        const std::string claim_name =
            fmt::format("claim/{}/{}/{}/{}", key.first, key.second,
                        static_cast<int>(head.purpose()), when.time_since_epoch().count());
        if (begin(claim_name)) runtime::spawn(claim(key, head.purpose(), when, claim_name));
    } else if (delivery.is(v1::DELIVERY_STATE_UNKNOWN) && begin("resolve/" + name)) {
        runtime::spawn(resolve(key, make_job(key, release, delivery), "resolve/" + name));
    }
}

std::set<std::string> Executor::channels_taken(const Key& key, const Release& release) const {
    if (release.head.supersedes().empty()) return {};
    const auto realm = parts_.view.snapshot(key.first);
    const auto release_of = [&](const std::string& id) { return realm->release(id); };
    return publishing::channels_taken(release, release_of, parts_.now());
}

bool Executor::may_claim(const Key& key, const Release& release, const Delivery& delivery,
                         Time when, const std::set<std::string>& taken) const {
    if (!release.claimable(delivery, when)) return false;
    if (!delivery.retracts() && taken.contains(delivery.head.channel_id())) return false;
    const auto realm = parts_.view.snapshot(key.first);
    // Its time may be over for long: there is room or not by now.
    return !realm->holds().on(delivery.head) &&
           !Spending{realm->budgets(), std::max(when, parts_.now())}.full_until(release, delivery);
}

std::shared_ptr<const Release> Executor::current(const Key& key) const {
    auto realm = parts_.view.snapshot(key.first);
    const Release* release = realm->release(key.second);
    if (!release) return nullptr;
    return {std::move(realm), release};
}

Job Executor::make_job(const Key& key, const Release& release, const Delivery& delivery) const {
    Job job;
    job.realm = key.first;
    job.delivery = delivery.head;
    if (delivery.channel) *job.delivery.mutable_channel() = *delivery.channel;
    if (delivery.armed) {
        *job.delivery.mutable_fixed() = delivery.armed->fixed;
        *job.delivery.mutable_rendition() = delivery.armed->rendition;
    }
    job.approved = release.content;
    job.body = release.body(delivery);
    job.doubted = delivery.doubted();
    job.traceparent = parts_.view.snapshot(key.first)->trace(key.second);
    return job;
}

// Read once when something is decided to happen at a time; from then on only the monotonic clock
// counts, so that a step of the wall clock neither hastens nor delays it.
Executor::Steady Executor::steady(Time when) const {
    return parts_.steady_now() + (when - parts_.now());
}

// It may be behind the clock of the leader that gave the claim; the time since it was asked for
// cannot be.
Executor::Steady Executor::give_up(const Delivery& delivery) const {
    const Steady by_wall = steady(from_proto(delivery.head.give_up_at()));
    const Steady asked{std::chrono::nanoseconds{delivery.claim_asked_ns}};
    return std::min(by_wall, asked + delivery.claim_length);
}

// In steps: the clock may be set, or the machine stand still, on the way.
Task<void> Executor::wait_until(Time when) {
    while (!stopping_ && parts_.now() < when)
        co_await pause(std::min<Duration>(when - parts_.now(), 1s));
}

bool Executor::begin(const std::string& name) { return busy_.insert(name).second; }

Task<void> Executor::pause(Duration duration) {
    co_await parts_.http.sleep_until(parts_.steady_now() + duration);
}

}  // namespace tocsin::publishing
