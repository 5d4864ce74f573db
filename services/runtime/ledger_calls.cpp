// What other threads ask of a LedgerProcess.
#include "runtime/ledger_process.hpp"
#include "runtime/ledger_slot.hpp"
#include "runtime/logs.hpp"
#include "runtime/topics.hpp"
#include "runtime/traceparent.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace tocsin::runtime {

using std::chrono::milliseconds;

static Tick now_tick() { return std::chrono::steady_clock::now(); }

static Answer unavailable(std::string why) {
    Answer answer;
    answer.rejection.text = std::move(why);
    return answer;
}

void LedgerProcess::submit(Submission submission, milliseconds wait, Done done) {
    if (!ready_) {
        metrics_.unavailable.Increment();
        return done(unavailable("history is still being folded; ask again shortly"));
    }
    if (!connected_) {
        metrics_.unavailable.Increment();
        return done(
            unavailable("Kafka is away; nothing was changed, ask again with the same "
                        "request_id"));
    }
    const auto started = now_tick();
    const auto key = request_key(submission.asking.actor, submission.asking.request_id);
    const auto digest = body_digest(submission.body, submission.expires_at);
    Done timed = [this, started, done = std::move(done)](Answer answer) mutable {
        if (answer.kind == Answer::Kind::unavailable)
            metrics_.unavailable.Increment();
        else
            metrics_.command_seconds.Observe(
                std::chrono::duration<double>(now_tick() - started).count());
        done(std::move(answer));
    };
    // Registered before it is sent: the answer may be there before append() returns.
    if (!waiters_.add(key, digest, started + wait, timed))
        return timed(unavailable("too many calls are waiting; ask again with the same request_id"));
    const int partition =
        partition_of(submission.asking.realm, static_cast<int>(config_.kafka_partitions));
    const bool sent =
        asking_->append(commands_topic_, partition, submission.asking.realm,
                        command_bytes(submission, mac_), {}, [](bool, std::int64_t) {});
    if (sent) return;
    if (Done back = waiters_.take_back(key))
        back(unavailable("the queue to Kafka is full; ask again with the same request_id"));
}

void LedgerProcess::append_stream(std::string_view stream, const std::string& realm,
                                  std::string body, std::move_only_function<void(bool)> done) {
    Submission submission;
    submission.asking.realm = realm;
    submission.asking.actor = "service:" + plan_.service;
    submission.body = std::move(body);
    // A trace begins with what came in.
    submission.traceparent = new_traceparent();
    const int partition = partition_of(realm, static_cast<int>(config_.kafka_partitions));
    auto shared = std::make_shared<std::move_only_function<void(bool)>>(std::move(done));
    const bool sent = ready_ && connected_ &&
                      asking_->append(stream_topic(config_.world, plan_.service, stream), partition,
                                      realm, command_bytes(submission, mac_), {},
                                      [shared](bool ok, std::int64_t) { (*shared)(ok); });
    if (!sent) post([shared] { (*shared)(false); });
}

void LedgerProcess::await(std::vector<Position> positions, milliseconds wait,
                          std::move_only_function<void(bool)> done) {
    auto shared =
        std::make_shared<Await>(Await{std::move(positions), now_tick() + wait, std::move(done)});
    post([this, shared] { awaits_.push_back(std::move(*shared)); });
}

void LedgerProcess::check_awaits(Tick tick) {
    for (std::size_t i = 0; i < awaits_.size();) {
        Await& await = awaits_[i];
        const bool here = std::all_of(await.positions.begin(), await.positions.end(),
                                      [&](const Position& position) { return reached(position); });
        if (!here && tick < await.until) {
            ++i;
            continue;
        }
        auto done = std::move(await.done);
        awaits_.erase(awaits_.begin() + static_cast<std::ptrdiff_t>(i));
        done(here);
    }
}

bool LedgerProcess::follows(const Position& position) const {
    if (position.partition >= config_.kafka_partitions) return false;
    return position.service == plan_.service ||
           std::ranges::any_of(inputs_, [&](const InputSpec& input) {
               return input.kind == InputSpec::Kind::ledger && input.service == position.service;
           });
}

bool LedgerProcess::reached(const Position& position) const {
    if (!follows(position)) return false;
    const Partition& partition = slots_[static_cast<std::size_t>(position.partition)]->partition;
    if (position.service == plan_.service) return partition.counted_offset() >= position.offset;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
        if (inputs_[i].kind == InputSpec::Kind::ledger && inputs_[i].service == position.service)
            return partition.considered(static_cast<int>(i)) > position.offset;
    return false;
}

bool LedgerProcess::leads(const std::string& realm) const {
    const int partition = partition_of(realm, static_cast<int>(config_.kafka_partitions));
    return leads_[static_cast<std::size_t>(partition)];
}

LedgerProcess::Standing LedgerProcess::standing(int partition) const {
    const auto index = static_cast<std::size_t>(partition);
    return {leads_[index], histories_[index]};
}

double LedgerProcess::stale_seconds() const {
    if (connected_) return 0;
    const Tick last{std::chrono::nanoseconds{last_contact_}};
    return std::chrono::duration<double>(now_tick() - last).count();
}

void LedgerProcess::post(std::move_only_function<void()> task) {
    {
        const std::lock_guard guard(mutex_);
        posted_.push_back(std::move(task));
    }
    wake();
}

void LedgerProcess::wake() {
    const std::uint64_t one = 1;
    if (event_fd_ >= 0 && ::write(event_fd_, &one, sizeof one) < 0) return;
}

void LedgerProcess::run_posted() {
    std::vector<std::move_only_function<void()>> tasks;
    {
        const std::lock_guard guard(mutex_);
        tasks.swap(posted_);
    }
    for (auto& task : tasks) task();
}

std::vector<LedgerProcess::Status> LedgerProcess::status() const {
    const std::lock_guard guard(mutex_);
    return status_;
}

void LedgerProcess::restart_inputs(int partition, std::string reason, milliseconds wait,
                                   std::move_only_function<void(Restarted)> done) {
    if (!running_) return done({true, std::nullopt});
    auto shared = std::make_shared<std::move_only_function<void(Restarted)>>(std::move(done));
    post([this, partition, reason = std::move(reason), until = now_tick() + wait, shared] {
        const bool known = partition >= 0 && partition < static_cast<int>(slots_.size());
        if (!known) return (*shared)({});
        Slot& slot = *slots_[static_cast<std::size_t>(partition)];
        if (slot.partition.halted().empty()) return (*shared)({});
        slot.partition.restart_inputs(reason);
        slot.restarts.push_back({until, std::move(*shared)});
    });
}

bool LedgerProcess::await_ready(milliseconds wait) {
    std::unique_lock lock(mutex_);
    ready_changed_.wait_for(lock, wait, [this] { return ready_.load(); });
    return ready_;
}

void LedgerProcess::stop(milliseconds drain) {
    if (!running_) return;
    const Tick until = now_tick() + drain;
    ready_ = false;
    // Each waiting call ends by its answer or its deadline; the ledger thread goes on meanwhile.
    waiters_.wait_until_none(until);
    running_ = false;
    wake();
    if (thread_.joinable()) thread_.join();
    if (prober_.joinable()) prober_.join();
    waiters_.end_all("the service is shutting down; ask again with the same request_id");
    for (const auto& slot : slots_) slot->end_restarts(std::nullopt, Tick::max());
    for (auto& await : awaits_) await.done(false);
    awaits_.clear();
}

}  // namespace tocsin::runtime
