// Deciding: who may, on what, and what is appended. Reading is in partition.cpp.
#include "runtime/partition.hpp"
#include "runtime/view.hpp"

#include <fmt/format.h>

namespace tocsin::runtime {

bool Partition::anything_undecided() const {
    return std::any_of(inputs_.begin(), inputs_.end(), [](const Input& input) {
        return input.cursor < input.items.size() && input.halted.empty();
    });
}

// The writer of the last decision leads and decides at once. Another steps in only when something
// is undecided and nothing has counted for a while; by the age of a command alone they would flap.
bool Partition::may_lead(Tick tick) {
    if (fold_->writer() == options_.writer) return true;
    if (!waiting_to_lead_) {
        waiting_to_lead_ = true;
        jitter_ = jitter_ * 6364136223846793005ULL + 1442695040888963407ULL;
        const auto half = static_cast<std::uint64_t>(options_.takeover.count()) / 2 + 1;
        patience_ = options_.takeover + std::chrono::milliseconds((jitter_ >> 33) % half);
    }
    return tick - quiet_since_ >= patience_;
}

Orders Partition::step(Time now, Tick tick) {
    Orders orders;
    if (!flight_.empty() && tick - flight_.front().appended_at > options_.append_timeout &&
        options_.bug != Bug::no_fold_again)
        fold_again();  // Given up; it may still land later.
    orders.read_inputs_again = std::exchange(want_inputs_again_, false);
    orders.read_ledger_from = std::exchange(want_read_from_, std::nullopt);
    if (orders.read_ledger_from || !caught_up_) return orders;
    // Nothing is decided, and no timer adds a command, before the inputs are known to be whole.
    if (std::find(range_known_.begin(), range_known_.end(), false) != range_known_.end())
        return orders;
    if (restart_wanted_ || !fold_->opened()) {
        open(orders, now, tick);
        return orders;
    }
    if (!halted_.empty()) return orders;
    while (flight_.size() < options_.pipeline_max && decide_next(orders, now, tick)) {
    }
    fire_timers(orders, now, tick);
    return orders;
}

// The first decision of a partition says where its inputs begin, so that an empty ledger with
// commands waiting is never taken for a fresh one. An operator's restart is recorded the same way.
void Partition::open(Orders& orders, Time now, Tick tick) {
    if (!flight_.empty()) return;
    const bool fresh = !fold_->opened();
    if (fresh && !restart_wanted_) {
        if (!halted_.empty()) return;
        for (const Input& input : inputs_) {
            if (input.spec.kind != InputSpec::Kind::commands || input.high == 0) continue;
            halt("ledger_lost: the ledger is empty but commands are waiting; see RestartInput");
            return;
        }
    }
    ledger::v1::Decision decision;
    decision.set_previous_digest(fold_->head());
    decision.set_writer(options_.writer);
    *decision.mutable_decided_at() = to_proto(std::max(now, fold_->last()));
    auto& restarted = *decision.mutable_input_restarted();
    restarted.set_reason(restart_reason_);
    for (const Input& input : inputs_) {
        const bool upstream = input.spec.kind == InputSpec::Kind::ledger;
        const std::int64_t position = fold_->position(input.spec.topic);
        if (!fresh && position >= input.low && position <= input.high) continue;
        auto& place = *restarted.add_inputs();
        place.set_topic(input.spec.topic);
        // What an upstream ledger brought is never met twice: nothing remembers it. A command is
        // remembered, or expired; a stream is met again by its nature.
        const std::int64_t known = fresh ? 0 : std::clamp(position, input.low, input.high);
        place.set_next_offset(upstream ? known : input.low);
    }
    append(std::move(decision), orders, tick);
}

void Partition::restart_inputs(std::string reason) {
    restart_wanted_ = true;
    restart_reason_ = std::move(reason);
}

void Partition::on_input_range(int index, std::int64_t low, std::int64_t high, bool ledger_empty) {
    Input& input = inputs_.at(static_cast<std::size_t>(index));
    input.low = low;
    input.high = high;
    if (!input.news_from) input.news_from = high;
    ledger_was_empty_ = ledger_empty;
    range_known_.at(static_cast<std::size_t>(index)) = true;
    if (!fold_->opened() || options_.bug == Bug::skip_head_check) return;
    const std::int64_t position = fold_->position(input.spec.topic);
    if (position > high)
        halt(
            fmt::format("input_shrank: {} ends at {} before the recorded position {}; see "
                        "RestartInput",
                        input.spec.topic, high, position));
    else if (position < low && input.spec.kind != InputSpec::Kind::stream)
        halt(
            fmt::format("input_gone: {} starts at {} after the recorded position {}; see "
                        "RestartInput",
                        input.spec.topic, low, position));
}

bool Partition::decide_next(Orders& orders, Time now, Tick tick) {
    for (Input& input : inputs_) {
        while (input.cursor < input.items.size() && input.halted.empty()) {
            Item& item = input.items[input.cursor];
            if (item.offset < fold_->position(input.spec.topic)) {
                ++input.cursor;
                continue;
            }
            if (input.spec.kind == InputSpec::Kind::commands && is_repeat(item)) {
                if (leads()) ++counters_.repeats;
                passed_over(item);
                ++input.cursor;
                continue;
            }
            if (!may_lead(tick)) return false;
            const Step step = decide_item(input, item, orders, now, tick);
            if (step == Step::appended) return true;
            if (step == Step::waits) break;  // This input does; look at the next one.
        }
    }
    return false;
}

bool Partition::is_repeat(const Item& item) const {
    return item.readable && fold_->answer(item.key, item.digest) != nullptr;
}

Partition::Step Partition::decide_item(Input& input, Item& item, Orders& orders, Time now,
                                       Tick tick) {
    const Time at = options_.bug == Bug::clock_runs_back ? now : std::max(now, fold_->last());
    std::string fault;
    const auto decided = verdict(item, input, at, fault);
    if (!input.halted.empty()) return Step::waits;
    if (decided && fault.empty()) {
        ledger::v1::Decision decision = draft(item, input, at);
        if (*decided) {
            *decision.mutable_accepted() = **decided;
        } else {
            auto& rejected = *decision.mutable_rejected();
            rejected.set_code(decided->error().code);
            rejected.set_text(decided->error().text);
            rejected.set_status(static_cast<int>(decided->error().because));
            rejected.set_field(decided->error().field);
        }
        if (decision.ByteSizeLong() + 64 <= options_.record_bytes_max)
            return append(input, std::move(decision), orders, tick);
        fault = "decision_too_large";
    }
    if (fault.empty()) {  // A stream record that changes nothing.
        if (flight_.empty()) {
            input.items.erase(input.items.begin() + static_cast<std::ptrdiff_t>(input.cursor));
        } else {
            ++input.cursor;
        }
        return Step::passed;
    }
    // What cannot be obeyed is kept before it is recorded as refused, so that nothing is lost.
    if (!item.dead_letter_stored) {
        ask_dead_letter(input, item, fault, orders);
        return Step::waits;
    }
    ledger::v1::Decision decision = draft(item, input, at);
    auto& rejected = *decision.mutable_rejected();
    rejected.set_code(fault.substr(0, fault.find(':')));
    rejected.set_text("it could not be decided; its bytes are kept among the dead letters");
    rejected.set_status(static_cast<int>(Because::internal));
    return append(input, std::move(decision), orders, tick);
}

void Partition::ask_dead_letter(const Input& input, Item& item, const std::string& fault,
                                Orders& orders) {
    if (item.dead_letter_asked) return;
    item.dead_letter_asked = true;
    ++counters_.dead_letters;
    std::string bytes = !item.raw.empty() ? item.raw : item.command.SerializeAsString();
    if (input.spec.kind != InputSpec::Kind::commands && !item.foreign.events.empty())
        bytes = item.foreign.events.front();
    orders.dead_letters.push_back(
        {static_cast<int>(&input - inputs_.data()), item.offset, std::move(bytes), fault});
}

// Nothing: a stream record that changes nothing. `fault`: why it cannot be decided at all.
std::optional<Decided> Partition::verdict(const Item& item, const Input& input, Time now,
                                          std::string& fault) const {
    if (!item.readable) {
        fault = "unreadable";
        return std::nullopt;
    }
    try {
        if (input.spec.kind == InputSpec::Kind::commands) return verdict_on_command(item, now);
        auto accepted = fold_->rules().react(item.foreign, now);
        if (accepted) return Decided(std::move(*accepted));
        if (input.spec.kind == InputSpec::Kind::stream) return std::nullopt;
        return Decided(ledger::v1::Accepted{});
    } catch (const UnknownForeignEvent& unknown) {
        const_cast<Input&>(input).halted = unknown.what();
        return std::nullopt;
    } catch (const std::exception& error) {
        fault = fmt::format("decider_failed: {}", error.what());
        return std::nullopt;
    }
}

Decided Partition::verdict_on_command(const Item& item, Time now) const {
    const auto& command = item.command;
    const Time expires_at = from_proto(command.expires_at());
    if (fold_->remembered(item.key) != nullptr)
        return reject(Because::already_exists, "request_id_reused",
                      "this request_id was used with another body or expiry; choose a new one",
                      "request_id");
    if (now > expires_at && options_.bug != Bug::no_expiry)
        return reject(Because::failed_precondition, "expired",
                      "it was to be decided before its expires_at; look at what is there and ask "
                      "again with a new request_id",
                      "expires_at");
    if (expires_at > now + options_.lifetime_max + std::chrono::minutes(5))
        return reject(Because::invalid_argument, "expires_too_late",
                      "expires_at is more than 24 h ahead", "expires_at");
    if (partition_of(command.realm(), options_.partitions) != options_.partition)
        return reject(Because::invalid_argument, "wrong_partition",
                      "the realm does not live in this partition");
    Asking asking{command.realm(),
                  command.actor(),
                  command.agency(),
                  {command.roles().begin(), command.roles().end()},
                  command.request_id()};
    return fold_->rules().decide(asking, command.body(), now);
}

ledger::v1::Decision Partition::draft(const Item& item, const Input& input, Time now) const {
    ledger::v1::Decision decision;
    decision.set_previous_digest(fold_->head());
    decision.set_writer(options_.writer);
    *decision.mutable_decided_at() = to_proto(now);
    auto& cause = *decision.mutable_cause();
    cause.set_topic(input.spec.topic);
    cause.set_offset(item.offset);
    if (input.spec.kind != InputSpec::Kind::commands) {
        decision.set_realm(item.foreign.realm);
        cause.set_traceparent(item.traceparent);
        return decision;
    }
    decision.set_realm(item.command.realm());
    if (!item.readable) return decision;
    cause.set_traceparent(item.command.traceparent());
    cause.set_actor(item.command.actor());
    cause.set_request_id(item.command.request_id());
    cause.set_body_digest(item.digest);
    *cause.mutable_expires_at() = item.command.expires_at();
    return decision;
}

Partition::Step Partition::append(Input& input, ledger::v1::Decision decision, Orders& orders,
                                  Tick tick) {
    if (!append(std::move(decision), orders, tick)) return Step::waits;
    ++input.cursor;
    return Step::appended;
}

// The leader applies its own decision as it appends it; read-back confirms it. False: it does not
// know its own event, and nothing was appended.
bool Partition::append(ledger::v1::Decision decision, Orders& orders, Tick tick) {
    if (fold_->writer() != options_.writer && fold_->opened()) ++counters_.takeovers;
    std::string record = seal(decision.SerializeAsString(), mac_);
    std::string digest = sha256(record);
    if (!fold_->apply(decision, digest, -1)) {
        fold_again();
        halt("unknown_event: of its own decider");
        return false;
    }
    orders.append.push_back({decision.realm(), std::move(record), digest});
    if (options_.bug == Bug::early_answer && !decision.cause().request_id().empty())
        tell_answer(-1, decision);
    if (options_.bug == Bug::effect_early) observer_.counted(-1, -1, decision, digest);
    flight_.push_back({std::move(digest), std::move(decision), tick});
    update_timers();
    return true;
}

void Partition::update_timers() {
    for (const std::string& realm : fold_->take_touched()) {
        auto due = fold_->rules().next_due(realm);
        if (!due) {
            timers_.erase(realm);
            continue;
        }
        Timer& timer = timers_[realm];
        if (timer.due.at != due->at || timer.due.body != due->body) timer.fired = false;
        timer.due = std::move(*due);
    }
}

// A due time that was reached becomes a command. Its id and expiry follow from what is due and the
// minute, so that several instances, or a repeat, ask for one thing; and one that was refused or
// expired, after an outage or by a clock that was ahead, is asked for again a minute later. The
// leader may be dead with nothing else to decide, so the others fire what is long overdue.
void Partition::fire_timers(Orders& orders, Time now, Tick tick) {
    const Time reached = fold_->writer() == options_.writer ? now : now - 4 * options_.takeover;
    const auto minute = std::chrono::floor<std::chrono::minutes>(now);
    for (auto& [realm, timer] : timers_) {
        if (timer.due.at > reached) continue;
        if (timer.fired && tick - timer.fired_at < options_.timer_again) continue;
        timer.fired = true;
        timer.fired_at = tick;
        const std::string at = std::to_string(timer.due.at.time_since_epoch().count()) + "/" +
                               std::to_string(minute.time_since_epoch().count());
        orders.fire.push_back({realm,
                               "due-" + hex(sha256(realm + at + timer.due.body)).substr(0, 32),
                               timer.due.body, minute + std::chrono::hours(1)});
    }
}

std::optional<Time> Partition::next_due() const {
    std::optional<Time> next;
    for (const auto& [realm, timer] : timers_)
        if (!timer.fired && (!next || timer.due.at < *next)) next = timer.due.at;
    return next;
}

}  // namespace tocsin::runtime
