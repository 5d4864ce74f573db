// Calls of other threads to a LedgerProcess.
#include "runtime/base/planted.hpp"
#include "runtime/base/traceparent.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/ledger/ledger_process.hpp"
#include "runtime/ledger/ledger_slot.hpp"
#include "runtime/ledger/topics.hpp"

#include <fmt/format.h>

namespace tocsin::runtime {

using std::chrono::milliseconds;

static constexpr std::string_view stopping_text =
    "the service is shutting down; ask again with the same request_id";

static Answer too_large(std::size_t bytes, std::int64_t most) {
    Answer answer;
    answer.kind = Answer::Kind::rejected;
    answer.rejection = {
        Because::invalid_argument, "command_too_large",
        fmt::format("it has {} bytes and may have {}; leave something out", bytes, most), ""};
    return answer;
}

int LedgerProcess::partition_of_realm(const std::string& realm) const {
    return partition_of(realm, static_cast<int>(config_.kafka_partitions));
}

// A copy of the command in another partition is refused there, and that is no answer to the caller
// who waits for this one.
std::string LedgerProcess::awaited_key(int partition, const std::string& request) {
    if (planted(Bug::other_partition)) partition = 0;
    return std::to_string(partition) + "/" + request;
}

// Why no command is accepted now; empty when one is.
std::string LedgerProcess::refusal(const std::string& realm) const {
    if (stopping_) return std::string(stopping_text);
    // Folded at start before others are, a partition serves; what else keeps the process from being
    // ready concerns all of them.
    const auto only_others_fold = [&] {
        const std::lock_guard guard(mutex_);
        return readable_[static_cast<std::size_t>(partition_of_realm(realm))] &&
               clock_why_.empty() && down_why_.empty() && missing_why_.empty() &&
               std::ranges::all_of(halts_, &std::string::empty);
    };
    if (!ready_ && !only_others_fold())
        return fmt::format("{}; nothing was changed, ask again with the same request_id",
                           why_not(realm));
    if (!connected_)
        return "Kafka is away; nothing was changed, ask again with the same request_id";
    return {};
}

void LedgerProcess::submit(Submission submission, milliseconds wait, Done done) {
    const Tick started = clock_.tick();
    Done timed = [this, started, done = std::move(done)](Answer answer) mutable {
        if (answer.kind == Answer::Kind::unavailable)
            metrics_.unavailable.Increment();
        else
            metrics_.command_seconds.Observe(
                std::chrono::duration<double>(clock_.tick() - started).count());
        done(std::move(answer));
    };
    const Asking& asking = submission.asking;
    if (const auto why = refusal(asking.realm); !why.empty()) return timed(unavailable(why));
    const int partition = partition_of_realm(asking.realm);
    const std::string record = command_bytes(submission, commands_seal_, key_of(partition));
    if (record.size() > static_cast<std::size_t>(config_.command_bytes_max))
        return timed(too_large(record.size(), config_.command_bytes_max));
    auto slot = call_slots_.take(asking.realm, asking.actor, record.size());
    if (!slot)
        return timed(unavailable("too many calls are waiting; ask again with the same request_id"));
    // Registered before it is sent: the answer may be there before append() returns.
    const auto handle = waiters_.add(
        awaited_key(partition, request_key(asking.realm, asking.actor, asking.request_id)),
        body_digest(submission.asking.agency, submission.body, submission.expires_at),
        started + wait, slot, timed);
    if (!handle) return timed(unavailable(stopping_text));
    const int source = source_of(partition, input_named(commands_topic_));
    const std::int64_t read_before = read_[static_cast<std::size_t>(source)];
    // The slot is held until the record left as well: who gives up early must not fill the queue.
    const Queued queued = command_writer_->append(
        commands_topic_, partition, asking.realm, record, {},
        [this, partition, slot, handle = *handle, read_before](const Stored& stored) {
            command_stored(partition, handle, stored, read_before);
        });
    if (queued == Queued::queued) return;
    // One that is too large is its caller's matter.
    if (queued != Queued::too_large) note_not_queued(source, queued);
    Done back = waiters_.take_back(*handle);
    slot.reset();
    if (!back) return;
    if (queued == Queued::too_large)
        back(too_large(record.size(), config_.command_bytes_max));
    else
        back(unavailable(not_queued_text(log_name(source), queued) +
                         "; ask again with the same request_id"));
}

// Where the broker's limit is below ours, the answer is as final.
void LedgerProcess::command_stored(int partition, Waiters::Handle handle, const Stored& stored,
                                   std::int64_t read_before) {
    const int source = source_of(partition, input_named(commands_topic_));
    if (stored.ok()) sources_->stored(source, stored.offset);
    compare_place(source, read_before, stored);
    const bool missing = stored.kind == Stored::Kind::missing;
    const bool large = stored.kind == Stored::Kind::too_large;
    if (!large) note_refused(source, stored);
    if (!missing && !large) return;
    Answer answer =
        missing
            ? unavailable(missing_text(log_name(source)) + "; ask again with the same request_id")
            : too_large(0, 0);
    if (!missing) answer.rejection.text = "it is larger than the log accepts; leave something out";
    if (Done back = waiters_.take_back(handle)) back(std::move(answer));
}

// A record that lies before what had been read when it was sent: the log lost its tail and grew
// again, and what lies there was never read. A change of the partition's leader does that, and no
// broker needs to have been away for it.
void LedgerProcess::compare_place(int source, std::int64_t read_before, const Stored& stored) {
    if (!stored.ok() || stored.offset < 0 || stored.offset >= read_before) return;
    // It was started anew meanwhile, and comes to it by itself.
    auto& read = read_[static_cast<std::size_t>(source)];
    if (stored.offset >= read) return;
    // Once: with repeated reports it would never come to reading anew.
    read = -1;
    Slot& slot = slot_of(source);
    logs::warn("a log took a record where it held others; comparing it with what was read",
               {{"service", plan_.service},
                {"partition", slot.number},
                {"topic", inputs_[static_cast<std::size_t>(input_of(source))].topic},
                {"offset", stored.offset},
                {"read", read_before}});
    slot.guard([&] { slot.partition.on_broker_trouble(); });
}

void LedgerProcess::append_stream(std::string_view stream, const std::string& realm,
                                  std::string body, std::move_only_function<void(bool)> done) {
    const auto seal = stream_seals_.find(stream);
    if (!refusal(realm).empty() || seal == stream_seals_.end()) return done(false);
    Submission submission;
    submission.asking.realm = realm;
    submission.asking.actor = "service:" + plan_.service;
    submission.body = std::move(body);
    // A trace begins with what came in.
    submission.traceparent = new_traceparent();
    auto shared = std::make_shared<std::move_only_function<void(bool)>>(std::move(done));
    const int partition = partition_of_realm(realm);
    const std::string topic = stream_topic(config_.world, plan_.service, stream);
    const int source = source_of(partition, input_named(topic));
    const std::int64_t read_before = read_[static_cast<std::size_t>(source)];
    const Queued queued = command_writer_->append(
        topic, partition, realm, command_bytes(submission, seal->second, key_of(partition)), {},
        [this, shared, source, read_before](const Stored& stored) {
            compare_place(source, read_before, stored);
            note_refused(source, stored);
            (*shared)(stored.ok());
        });
    if (queued == Queued::queued) return;
    note_not_queued(source, queued);
    (*shared)(false);
}

std::uint64_t LedgerProcess::await(const Reader& reader, std::vector<Position> positions,
                                   milliseconds wait, std::move_only_function<void(Awaited)> done) {
    const auto ends = [&](Awaited how) {
        done(how);
        return PositionWaits::nobody;
    };
    const Tick until = clock_.tick() + wait;
    std::vector<PositionWaits::Place> places;
    for (const Position& position : positions) {
        const auto log = log_of(position);
        if (!log) return ends(Awaited::not_yet);
        places.emplace_back(*log, position.offset);
    }
    auto slot = read_slots_.take(reader.realm, reader.actor, reader.bytes);
    if (!slot) return ends(Awaited::too_many);
    const std::uint64_t read = reads_.add(places, until, std::move(slot), std::move(done));
    log_->wake();
    return read;
}

// By the number of its source.
std::optional<int> LedgerProcess::log_of(const Position& position) const {
    if (position.partition < 0 || position.partition >= config_.kafka_partitions)
        return std::nullopt;
    if (position.service == plan_.service) return source_of(position.partition, -1);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
        if (inputs_[i].kind == InputSpec::Kind::ledger && inputs_[i].service == position.service)
            return source_of(position.partition, static_cast<int>(i));
    return std::nullopt;
}

bool LedgerProcess::follows(const Position& position) const { return log_of(position).has_value(); }

// False: the ledger thread has ended, and the task is dropped.
bool LedgerProcess::take_post(std::move_only_function<void()> task) {
    {
        const std::lock_guard guard(mutex_);
        if (posts_closed_) return false;
        posted_.push_back(std::move(task));
    }
    log_->wake();
    return true;
}

// What was taken is run; nothing is taken from then on.
void LedgerProcess::close_posts() {
    {
        const std::lock_guard guard(mutex_);
        posts_closed_ = true;
    }
    run_posted();
}

void LedgerProcess::run_posted() {
    std::vector<std::move_only_function<void()>> tasks;
    {
        const std::lock_guard guard(mutex_);
        tasks.swap(posted_);
    }
    for (auto& task : tasks) {
        try {
            task();
        } catch (const std::exception& error) {
            logs::error("a task of the ledger thread failed",
                        {{"service", plan_.service}, {"why", error.what()}});
        }
    }
}

void LedgerProcess::operate(int partition, Word word, std::string reason, milliseconds wait,
                            std::move_only_function<void(Obeyed)> done) {
    if (!running_ || stopping_) return done({Obeyed::Kind::not_yet, {}, -1});
    auto shared = std::make_shared<std::move_only_function<void(Obeyed)>>(std::move(done));
    const Tick until = clock_.tick() + wait;
    const bool posted = take_post([this, partition, word, reason = std::move(reason), until,
                                   shared] {
        Slot& slot = *slots_.at(static_cast<std::size_t>(partition));
        if (slot.halted().empty()) return (*shared)({});
        // What the driver stopped is whole again after a start only.
        if (!slot.broken.empty())
            return (*shared)(
                {Obeyed::Kind::not_repairable,
                 fmt::format("restart this instance; it stopped because of {}", slot.broken), -1});
        const auto taken = word == Word::restart_inputs ? slot.partition.restart_inputs(reason)
                                                        : slot.partition.override_clock(reason);
        if (!taken) return (*shared)({Obeyed::Kind::not_repairable, taken.error(), -1});
        slot.words.push_back({word, until, std::move(*shared)});
    });
    if (!posted) (*shared)({Obeyed::Kind::not_yet, {}, -1});
}

bool LedgerProcess::await_ready(milliseconds wait) {
    std::unique_lock lock(mutex_);
    ready_changed_.wait_for(lock, wait, [this] { return ready_.load(); });
    return ready_;
}

void LedgerProcess::end_calls(milliseconds most) {
    stopping_ = true;
    reads_.close();
    if (thread_.joinable()) waiters_.wait_until_none(most);
    waiters_.close(stopping_text);
}

void LedgerProcess::stop(milliseconds drain) {
    stopping_ = true;
    const bool took_turns = running_;
    if (thread_.joinable()) {
        // Each waiting call ends by its answer or its deadline; the ledger thread goes on
        // meanwhile.
        waiters_.wait_until_none(drain);
        running_ = false;
        log_->wake();
        thread_.join();
    } else if (took_turns) {
        running_ = false;
        finish(milliseconds(0));
    }
    waiters_.close(stopping_text);
    reads_.close();
    for (const auto& slot : slots_) slot->give_up_words(Tick::max());
}

}  // namespace tocsin::runtime
