#include "publishing/executor.hpp"

#include "publishing/limits.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/host/retired_gauge.hpp"
#include "runtime/ledger/view_events.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {

using namespace std::chrono_literals;
using runtime::from_proto;

// Asking an account about a post in doubt ends some time; by then a person has looked.
static constexpr Duration doubt_lifetime = std::chrono::hours{24};

// A leader that died leaves its work lying: nobody takes its place before something is asked. After
// this long whoever sees it does it; what it asks for then makes it the leader.
static constexpr Duration leader_patience = std::chrono::seconds{3};

static Time due_since(const Release& release, const Item& item) {
    if (item.is("armed")) return item.retry_at.value_or(from_proto(item.fixed().fire_at()));
    if (item.is("unknown")) return from_proto(item.delivery.give_up_at()) + claim_margin;
    return from_proto(release.head.clear_time());
}

static bool needs_work(const Release& release, Time now) {
    if (!release.at_rest()) return true;
    return publishing::needs_work(release) &&
           std::ranges::any_of(release.items, [&](const Item& item) {
               return (item.is("unknown") || item.is("claimed")) &&
                      now < from_proto(item.fixed().fire_at()) + doubt_lifetime;
           });
}

Executor::Executor(ExecutorParts parts)
    : parts_(std::move(parts)),
      wire_{.http = parts_.http,
            .credentials = parts_.credentials,
            .world = parts_.world,
            .allow_private_addresses = parts_.allow_private_addresses,
            .now = parts_.now,
            .steady_now = parts_.steady_now,
            .on_feed =
                [this](const std::string& realm, const std::string& identifier) {
                    const auto alert = parts_.view.snapshot(realm)->alert(identifier, parts_.now());
                    return alert ? alert->body : nullptr;
                },
            .aside = parts_.aside,
            .account_ids = {}} {
    introduce_metrics();
}

void Executor::apply(const runtime::Counted& counted) {
    if (!started_ || counted.service != "publishing" || !counted.decision.has_accepted()) return;
    // In the order in which they were planned; an empty name stands for all deliveries.
    std::map<Key, std::vector<std::string>> touched;
    runtime::each_event<v1::Event>(counted, [&](const v1::Event& event) {
        if (event.has_channel_removed() && counted.live)
            forget_channel(counted.decision.realm(), event.channel_removed().channel_id());
        const std::string_view id = release_of(event);
        if (id.empty()) return;
        auto& which = touched[{counted.decision.realm(), std::string{id}}];
        auto named = deliveries_of(event);
        if (named.empty()) named.emplace_back();
        std::ranges::move(named, std::back_inserter(which));
    });
    if (touched.empty()) return;
    parts_.post([this, touched = std::move(touched)] {
        for (const auto& [key, deliveries] : touched) {
            open_.insert(key);
            for (const std::string& delivery : deliveries) look(key, delivery);
        }
    });
}

static bool in_use(const Realm& realm, const std::string& channel) {
    const NumberedChannel* known = realm.channels().find(channel);
    return known && known->channel.active();
}

// On the event loop, behind what may be shown of it there. It may have been put anew by then.
void Executor::forget_channel(const std::string& realm, const std::string& channel) {
    parts_.post([this, realm, channel] {
        if (in_use(*parts_.view.snapshot(realm), channel)) return;
        runtime::retire_gauge(parts_.metrics, "tocsin_channel_ready",
                              {{"realm", realm}, {"channel", channel}});
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
            if (needs_work(*realm.release(id), now)) open_.emplace(name, id);
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
        co_await pause(1s);
    }
}

bool Executor::acts(const Key& key, const Release& release, const Item& item) const {
    if (stopping_) return false;
    return parts_.ledger.leads(key.first) ||
           parts_.now() > due_since(release, item) + leader_patience;
}

void Executor::look(const Key& key, const std::string& delivery_id) {
    const auto release = current(key);
    if (release && !delivery_id.empty()) {
        const Item* item = release->find(delivery_id);
        if (item) look_at(key, *release, *item);
        // It may have waited for this.
        const Item* back = item && !item->retracts() ? release->retraction_of(item->id()) : nullptr;
        if (back) look_at(key, *release, *back);
        return;
    }
    if (release) {
        for (const Item& item : release->items) look_at(key, *release, item);
        if (needs_work(*release, parts_.now())) return;
    }
    open_.erase(key);
}

void Executor::look_at(const Key& key, const Release& release, const Item& item) {
    const v1::Delivery& delivery = item.delivery;
    if (item.settled()) return;
    const bool preparing = release.is("preparing") || release.is("waiting");
    const std::string name =
        fmt::format("{}/{}/{}/{}", key.first, key.second, item.id(), delivery.attempts());
    if (item.is("claimed") && delivery.executor() == parts_.incarnation) {
        // Whoever holds the claim fires, leading or not; once in its life.
        if (fired_.use(name) != nullptr) return;
        fired_.keep(name, {});
        runtime::spawn(fire(key, make_job(key, release, item),
                            steady(from_proto(item.fixed().fire_at())),
                            steady(from_proto(delivery.give_up_at()))));
    } else if (!acts(key, release, item)) {
        return;
    } else if (preparing && (item.is("planned") || item.is("not_ready"))) {
        if (begin("prepare/" + name))
            runtime::spawn(prepare(key, make_job(key, release, item), "prepare/" + name));
    } else if (release.claimable(item, item.retry_at.value_or(parts_.now()))) {
        const Time when =
            item.retry_at.value_or(from_proto(item.fixed().fire_at()) - parts_.claim_lead);
        const std::string claim_name =
            fmt::format("claim/{}/{}/{}/{}", key.first, key.second,
                        static_cast<int>(delivery.purpose()), when.time_since_epoch().count());
        if (begin(claim_name)) runtime::spawn(claim(key, delivery.purpose(), when, claim_name));
    } else if (item.is("unknown") && begin("resolve/" + name)) {
        runtime::spawn(resolve(key, make_job(key, release, item), "resolve/" + name));
    }
}

// Not of one that was removed meanwhile: nobody would end that.
void Executor::show_ready(const std::string& realm, const std::string& channel, bool ready) {
    if (!in_use(*parts_.view.snapshot(realm), channel)) return;
    parts_.metrics
        .gauge("tocsin_channel_ready", "1 while a channel was ready when last prepared",
               {{"realm", realm}, {"channel", channel}})
        .Set(ready ? 1 : 0);
}

Task<void> Executor::prepare(Key key, Job job, std::string name) {
    std::optional<Prepared> told;
    Duration wait = 1s;
    while (true) {
        const auto release = current(key);
        const Item* item = release ? release->find(job.delivery.delivery_id()) : nullptr;
        if (!item || (!item->is("planned") && !item->is("not_ready"))) break;
        if (!release->is("preparing") && !release->is("waiting")) break;
        if (!acts(key, *release, *item)) break;
        const Prepared prepared = co_await try_prepare(job);
        show_ready(key.first, job.delivery.channel_id(), prepared.ready);
        const bool news = !told || told->ready != prepared.ready ||
                          told->reason != prepared.reason || told->text_max != prepared.text_max;
        if (news) {
            v1::Command command;
            v1::RecordPrepared& result = *command.mutable_record_prepared();
            result.set_release_id(key.second);
            result.set_delivery_id(job.delivery.delivery_id());
            result.set_ready(prepared.ready);
            result.set_reason(reportable(prepared.reason));
            result.set_text_max(prepared.text_max);
            const std::string id = fmt::format("{}:{}", parts_.incarnation, ++commands_);
            const auto answer = co_await tell(key.first, std::move(command), id, true);
            if (answer.kind != runtime::Answer::Kind::unavailable) told = prepared;
        }
        co_await pause(wait);
        wait = std::min<Duration>(wait * 2, 30s);
    }
    busy_.erase(name);
}

Task<void> Executor::claim(Key key, v1::Purpose purpose, Time when, std::string name) {
    co_await parts_.http.sleep_until(steady(when));
    const auto release = current(key);
    const Time now = parts_.now();
    const bool due = release && std::ranges::any_of(release->items, [&](const Item& item) {
                         return item.delivery.purpose() == purpose &&
                                release->claimable(item, now) && acts(key, *release, item);
                     });
    if (due) {
        v1::Command command;
        v1::ClaimRelease& asked = *command.mutable_claim_release();
        asked.set_release_id(key.second);
        asked.set_executor(parts_.incarnation);
        asked.set_purpose(purpose);
        const std::string id = fmt::format("{}:{}", parts_.incarnation, ++commands_);
        const auto answer = co_await tell(key.first, std::move(command), id, true);
        if (answer.kind == runtime::Answer::Kind::rejected)
            runtime::logs::info("claim refused",
                                {{"release", key.second}, {"code", answer.rejection.code}});
    }
    // Kept a little, so that a refusal is not followed by the same question at once.
    co_await pause(250ms);
    busy_.erase(name);
}

// Whatever was wrong with the words, what became of the delivery must not be lost with them.
static bool not_taken(const runtime::Answer& answer) {
    static constexpr std::string_view codes[] = {"unreadable", "decision_too_large",
                                                 "decider_failed"};
    return answer.kind == runtime::Answer::Kind::rejected &&
           std::ranges::find(codes, answer.rejection.code) != std::end(codes);
}

// Leaves out what a server chose. False: nothing is left to leave out.
static bool make_plain(Outcome& outcome) {
    constexpr std::string_view plain = "The channel's answer cannot be shown.";
    if (outcome.reason == plain) return false;
    outcome.reason = plain;
    outcome.url.clear();
    outcome.receipt.clear();
    return true;
}

Task<runtime::Answer> Executor::tell_outcome(const Key& key, const Job& job, Outcome& outcome,
                                             bool once) {
    runtime::Answer answer;
    do {
        const std::string id = fmt::format("{}:{}", parts_.incarnation, ++commands_);
        answer =
            co_await tell(key.first, outcome_command(key, job, outcome), id, once, job.traceparent);
    } while (not_taken(answer) && make_plain(outcome));
    co_return answer;
}

Task<void> Executor::fire(Key key, Job job, Steady start, Steady give_up) {
    {
        const std::lock_guard guard(firing_mutex_);
        ++firing_;
    }
    // By the monotonic clock, and by what was read: nothing may start later, or after it was taken
    // away. Only this incarnation may do what it claimed.
    job.veto = [this, key, give_up, id = job.delivery.delivery_id(),
                attempt = job.delivery.attempts()]() -> std::string {
        if (parts_.steady_now() >= give_up) return "It was too late to start this attempt.";
        const auto release = current(key);
        const Item* item = release ? release->find(id) : nullptr;
        const bool mine = item && item->is("claimed") && item->delivery.attempts() == attempt &&
                          item->delivery.executor() == parts_.incarnation;
        if (!mine) return "The claim was taken away before it was started.";
        // A feed shows it from T0 on all the same: asking tells so.
        if (release->retract_at && !item->retracts() && !item->traits().public_from_claim)
            return "The message was retracted before this attempt was started.";
        return {};
    };
    // Hashed and parsed before T0, and once for all that share them.
    if (job.approved && job.body) {
        job.approved->parsed();
        job.approved->intact();
        job.body->intact();
    }
    co_await parts_.http.sleep_until(start);
    Outcome outcome = co_await try_fire(job);
    measure(job, outcome);
    note(key, job, outcome);
    co_await tell_outcome(key, job, outcome, false);
    {
        const std::lock_guard guard(firing_mutex_);
        --firing_;
    }
    firing_changed_.notify_all();
}

Task<void> Executor::resolve(Key key, Job job, std::string name) {
    const ChannelWire* wire = find_wire(job.delivery.kind());
    const int absences_needed = wire ? wire->absences_needed : 1;
    int absences = 0;
    Duration wait = 1s;
    // Until then the executor of the claim may still be about to start, or to tell.
    if (job.delivery.executor() != parts_.incarnation)
        co_await parts_.http.sleep_until(
            steady(from_proto(job.delivery.give_up_at()) + claim_margin + Duration{100ms}));
    while (true) {
        const auto release = current(key);
        const Item* item = release ? release->find(job.delivery.delivery_id()) : nullptr;
        if (!item || !item->is("unknown") || !needs_work(*release, parts_.now())) break;
        if (!acts(key, *release, *item)) break;
        const Found found = co_await try_find(job);
        Outcome outcome{.reason = found.reason, .url = found.url, .receipt = found.receipt};
        if (found.kind == Found::Kind::found) {
            outcome.kind = "confirmed";
            outcome.confirmed_at = parts_.now();
            if (item->delivery.has_written_at())
                outcome.written_at = from_proto(item->delivery.written_at());
        } else if (found.kind == Found::Kind::absent && ++absences == absences_needed) {
            outcome.kind = "absent";
        } else if (found.kind == Found::Kind::cannot_tell && !item->asked) {
            // Once: a retraction waits for it.
            outcome.kind = "cannot_tell";
            if (outcome.reason.empty()) outcome.reason = item->delivery.reason();
        }
        if (!outcome.kind.empty()) {
            measure(job, outcome);
            const auto answer = co_await tell_outcome(key, job, outcome, true);
            // Too early by the leader's clock, for one: it is looked for, and told, again.
            if (answer.kind != runtime::Answer::Kind::accepted) absences = 0;
        }
        co_await pause(wait);
        wait = std::min<Duration>(wait * 2, 60s);
    }
    busy_.erase(name);
}

}  // namespace tocsin::publishing
