#include "sim/release_process.hpp"

#include "runtime/record.hpp"
#include "sim/release_world.hpp"
#include "support/cut_off.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

using runtime::InputSpec;
using std::chrono::milliseconds;

struct ReleaseProcess::Sleep {
    ReleaseProcess& process;
    Steady when;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) { process.sleeping_.emplace(when, handle); }
    void await_resume() const noexcept {}
};

struct ReleaseProcess::Exchange {
    ReleaseProcess& process;
    runtime::HttpRequest request;
    runtime::HttpResult result = std::unexpected(runtime::HttpError{});
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        const int number = process.exchanges_made_++;
        process.exchanges_[number] = {handle, &result};
        process.world_.send(process, number, std::move(request));
    }
    runtime::HttpResult await_resume() { return std::move(result); }
};

static std::vector<InputSpec> inputs() {
    std::vector<InputSpec> specs(2);
    specs[0] = {InputSpec::Kind::ledger, "tocsin.approval.ledger.v1", "approval"};
    specs[1] = {InputSpec::Kind::commands, "tocsin.publishing.commands.v1", "publishing"};
    return specs;
}

ReleaseProcess::ReleaseProcess(ReleaseWorld& world, std::string name, int life)
    : world_(world),
      name_(std::move(name)),
      life_(life),
      incarnation_(fmt::format("{}#{}", name_, life)) {
    runtime::PartitionOptions options;
    options.service = "publishing";
    options.ledger_topic = "tocsin.publishing.ledger.v1";
    options.writer = name_;
    options.inputs = inputs();
    options.pipeline_max = 5;
    options.append_timeout = milliseconds(40 * release_tick_ms);
    options.timer_again = milliseconds(1000);
    options.jitter_seed = world_.random()();
    options.incarnation = life_;
    input_next_.assign(options.inputs.size(), -1);
    skew_ = milliseconds(world_.below(4001) - 2000);
    partition_ = std::make_unique<runtime::Partition>(
        options, world_.keys(), std::make_unique<runtime::RulesOf<publishing::Decider>>(), *this);
    executor_ = std::make_unique<publishing::Executor>(parts());
}

publishing::ExecutorParts ReleaseProcess::parts() {
    return {.view = view_,
            .ledger = *this,
            .metrics = world_.metrics(),
            .http = *this,
            .post = [this](std::move_only_function<void()> task) { post(std::move(task)); },
            .incarnation = incarnation_,
            .world = "live",
            .credentials_dir = world_.credentials(),
            .drain = milliseconds{0},
            .now = [this] { return now(); },
            .steady_now = [this] { return steady(); }};
}

ReleaseProcess::~ReleaseProcess() {
    world_.count_end(*partition_);
    for (Parcel& parcel : wire_) world_.to_limbo(std::move(parcel));
    for (auto& [when, handle] : sleeping_) testing::keep_cut_off(handle);
    for (auto& [number, pending] : exchanges_) testing::keep_cut_off(pending.handle);
    for (auto& task : posted_) testing::keep_cut_off(std::move(task));
    for (auto& [key, waiter] : waiters_) testing::keep_cut_off(std::move(waiter.done));
}

Time ReleaseProcess::now() const { return world_.now() + skew_; }
ReleaseProcess::Steady ReleaseProcess::steady() const { return world_.steady(); }

void ReleaseProcess::step() {
    if (frozen_ > 0) {
        --frozen_;
        return;
    }
    take_reports();
    read_some();
    if (world_.calm() || world_.chance(.8)) obey(partition_->step(now(), steady()));
    if (partition_->caught_up() && !inputs_started_) {
        for (int input = 0; input < static_cast<int>(input_next_.size()); ++input) {
            const Topic& topic = world_.topic(input);
            partition_->on_input_range(input, topic.low, topic.end());
            input_next_[static_cast<std::size_t>(input)] = partition_->input_start(input);
        }
        inputs_started_ = true;
    }
    if (!ready_ && inputs_started_ && partition_->caught_up() && partition_->opened()) {
        ready_ = true;
        view_.folded(0);
        executor_->start();
    }
    expire_waiters();
    run_loop();
}

void ReleaseProcess::run_loop() {
    for (int turns = 0; turns < 10'000; ++turns) {
        if (!posted_.empty()) {
            auto task = std::move(posted_.front());
            posted_.pop_front();
            task();
        } else if (!sleeping_.empty() && sleeping_.begin()->first <= steady()) {
            const auto handle = sleeping_.begin()->second;
            sleeping_.erase(sleeping_.begin());
            handle.resume();
        } else {
            return;
        }
    }
    throw Violation("the executor never rests");
}

void ReleaseProcess::read_some() {
    for (int i = 0; i < (world_.calm() ? 6 : 3); ++i) {
        const int input = world_.below(4) - 2;
        for (int records = 1 + world_.below(world_.calm() ? 20 : 5); records > 0; --records) {
            if (input < 0)
                read_ledger();
            else
                read_input(input);
        }
    }
}

void ReleaseProcess::read_ledger() {
    const Topic& ledger = world_.topic(-1);
    if (ledger_next_ == ledger.end()) return partition_->on_ledger_end(ledger_next_);
    const std::int64_t offset = ledger_next_++;
    partition_->on_ledger_record(offset, ledger.at(offset).value, steady());
}

void ReleaseProcess::read_input(int input) {
    if (!inputs_started_) return;
    const Topic& topic = world_.topic(input);
    std::int64_t& next = input_next_[static_cast<std::size_t>(input)];
    if (next == topic.end()) return partition_->on_input_end(input, next);
    if (!topic.holds(next)) return;
    const std::int64_t offset = next++;
    partition_->on_input_record(input, offset, topic.at(offset).value, topic.at(offset).stored_at,
                                steady());
}

void ReleaseProcess::obey(runtime::Orders orders) {
    if (orders.read_ledger_from) ledger_next_ = *orders.read_ledger_from;
    if (orders.read_inputs_again) inputs_started_ = false;
    for (const auto& [input, from] : orders.read_input_from)
        input_next_[static_cast<std::size_t>(input)] = from;
    if (orders.probe_clock) partition_->on_clock(now(), now(), world_.now(), steady());
    for (auto& order : orders.append) {
        wire_.push_back({&world_.topic(-1), std::move(order.record), std::move(order.digest)});
    }
    for (const auto& letter : orders.dead_letters) throw Violation("dead letter: " + letter.reason);
    for (const auto& order : orders.fire) {
        runtime::Submission submission;
        submission.asking = {order.realm, "service:publishing", "", {"service"}, order.request_id};
        submission.expires_at = order.expires_at;
        submission.sent_at = now();
        submission.body = order.body;
        wire_.push_back({&world_.topic(1), world_.command_bytes(submission), {}});
    }
}

void ReleaseProcess::take_reports() {
    for (std::size_t i = 0; i < reports_.size();) {
        if (reports_[i].due > world_.tick()) {
            ++i;
            continue;
        }
        const Report taken = reports_[i];
        reports_.erase(reports_.begin() + static_cast<std::ptrdiff_t>(i));
        if (taken.offset >= 0) {
            partition_->on_append_stored(taken.digest, taken.offset);
        } else {
            partition_->on_append_failed(taken.digest);
            if (world_.chance(.5)) partition_->on_broker_trouble();
        }
    }
}

void ReleaseProcess::report(const std::string& digest, std::int64_t offset) {
    if (digest.empty()) return;
    const bool lies = !world_.calm() && world_.chance(.05);
    if (!world_.calm() && world_.chance(offset >= 0 ? .1 : .5)) return;  // It never comes.
    const std::int64_t due = world_.tick() + (world_.chance(.7) ? 1 : world_.below(60));
    reports_.push_back({due, digest, lies ? -1 : offset});
}

void ReleaseProcess::deliver() {
    if (wire_.empty() || (!world_.calm() && !world_.chance(.6))) return;
    const auto which =
        world_.calm() || world_.chance(.9) ? 0 : world_.below(static_cast<int>(wire_.size()));
    Parcel parcel = std::move(wire_[static_cast<std::size_t>(which)]);
    wire_.erase(wire_.begin() + which);
    const bool whole = world_.calm() || world_.chance(.92);
    if (whole || world_.chance(.3)) {
        if (!whole) world_.land(parcel);  // Twice.
        report(parcel.digest, world_.land(parcel));
    } else {
        report(parcel.digest, -1);
        if (world_.chance(.6)) world_.to_limbo(std::move(parcel));
    }
}

bool ReleaseProcess::at_rest() const {
    return partition_->caught_up() && partition_->in_flight() == 0 && wire_.empty() &&
           posted_.empty() && waiters_.empty() && ledger_next_ == world_.topic(-1).end() &&
           inputs_started_ && input_next_[0] == world_.topic(0).end() &&
           input_next_[1] == world_.topic(1).end();
}

void ReleaseProcess::counted(int input, std::int64_t offset, const ledger::v1::Decision& decision,
                             const std::string& digest) {
    if (input < 0 && offset >= 0) {
        told_.push_back(digest);
        const auto& chain = world_.chain();
        if (told_.size() > chain.size() || chain[told_.size() - 1] != digest)
            throw Violation("a view was told what does not count, or twice, or out of order");
    }
    const runtime::Counted what{input < 0 ? "publishing" : "approval",      0,        offset,
                                runtime::from_proto(decision.decided_at()), decision, ready_};
    if (input < 0) view_.apply(what);
    executor_->apply(what);
}

void ReleaseProcess::history_changed() { throw Violation("history is said to have changed"); }

void ReleaseProcess::answered(const std::string& key, const std::string& body_digest,
                              const runtime::Remembered& remembered) {
    runtime::Answer answer;
    answer.kind =
        remembered.rejection ? runtime::Answer::Kind::rejected : runtime::Answer::Kind::accepted;
    answer.subject = remembered.subject;
    if (remembered.rejection) answer.rejection = *remembered.rejection;
    answer.position = {"publishing", 0, remembered.offset};
    const auto [begin, end] = waiters_.equal_range(key);
    for (auto waiter = begin; waiter != end;) {
        if (waiter->second.digest != body_digest) {
            ++waiter;
            continue;
        }
        Done done = std::move(waiter->second.done);
        waiter = waiters_.erase(waiter);
        done(answer);
    }
}

void ReleaseProcess::submit(runtime::Submission submission, milliseconds wait, Done done) {
    if (!ready_) return done({});
    const auto& asking = submission.asking;
    waiters_.emplace(runtime::request_key(asking.realm, asking.actor, asking.request_id),
                     Waiter{runtime::body_digest(submission.body, submission.expires_at),
                            steady() + wait, std::move(done)});
    wire_.push_back({&world_.topic(1), world_.command_bytes(submission), {}});
}

void ReleaseProcess::expire_waiters() {
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        if (waiter->second.until > steady()) {
            ++waiter;
            continue;
        }
        Done done = std::move(waiter->second.done);
        waiter = waiters_.erase(waiter);
        done({});
    }
}

runtime::Task<runtime::HttpResult> ReleaseProcess::send(runtime::HttpRequest request) {
    Exchange exchange{*this, std::move(request)};
    co_return co_await exchange;
}

runtime::Task<void> ReleaseProcess::sleep_until(Steady when) {
    Sleep sleep{*this, when};
    co_await sleep;
}

void ReleaseProcess::complete(int number, runtime::HttpResult result) {
    const auto found = exchanges_.find(number);
    if (found == exchanges_.end()) return;
    const Pending pending = found->second;
    exchanges_.erase(found);
    *pending.result = std::move(result);
    const auto handle = pending.handle;
    post([handle] { handle.resume(); });
}

}  // namespace tocsin::sim
