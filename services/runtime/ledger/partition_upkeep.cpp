// Decisions without an input: opening, an operator's order, another key, inputs that lost their
// tails, and commands that leave no record. Each is appended alone and applied when it is read
// back.
#include "runtime/ledger/partition.hpp"

#include <fmt/format.h>

#include <utility>

namespace tocsin::runtime {

// True: nothing else is to be decided in this step.
bool Partition::keep_up(Orders& orders, Time now, Tick tick) {
    if (!mismatch_.empty()) return true;
    const bool spoken = override_wanted_ || restart_wanted_ || !fold_->opened();
    if (spoken && !flight_.empty()) return true;
    if (override_wanted_) return override_now(orders, now, tick);
    if (restart_wanted_ || !fold_->opened()) return open(orders, now, tick);
    if (!halted().empty()) return true;
    return change_key(orders, now, tick) || rewind(orders, now, tick) || pass(orders, now, tick);
}

ledger::v1::Decision Partition::blank(Time at) const {
    ledger::v1::Decision decision;
    decision.set_previous_digest(fold_->head());
    decision.set_writer(options_.writer);
    decision.set_incarnation(options_.incarnation);
    *decision.mutable_decided_at() = to_proto(at);
    return decision;
}

// What an upstream ledger began with is to be known first: the first decision here fixes it for
// ever.
bool Partition::upstream_begun() const {
    return std::ranges::all_of(inputs_, [](const Input& input) {
        return input.spec.kind != InputSpec::Kind::ledger || input.ended || !input.chain.empty();
    });
}

// The first decision of a partition says where its inputs begin, so that an empty ledger with
// commands waiting is never taken for a fresh one. An operator's restart is recorded the same way.
bool Partition::open(Orders& orders, Time now, Tick tick) {
    const bool fresh = !fold_->opened();
    if (fresh && !restart_wanted_) {
        if (!halted().empty()) return true;
        if (knew_decisions_) {
            halt(
                Halt::ledger_lost,
                "ledger_lost: the ledger is empty, and this instance has read decisions in it; see "
                "RestartInput");
            return true;
        }
        for (const Input& input : inputs_) {
            if (input.spec.kind != InputSpec::Kind::commands || input.high == 0) continue;
            halt(Halt::ledger_lost,
                 "ledger_lost: the ledger is empty but commands are waiting; see RestartInput");
            return true;
        }
    }
    if (fresh && !upstream_begun()) return true;
    ledger::v1::Decision decision = blank(std::max(now, fold_->last()));
    auto& restarted = *decision.mutable_input_restarted();
    restarted.set_reason(restart_reason_);
    if (fresh) {
        restarted.set_key_id(keys_.newest());
        restarted.set_partitions(options_.partitions);
    }
    for (const Input& input : inputs_) {
        const bool upstream = input.spec.kind == InputSpec::Kind::ledger;
        const std::int64_t position = fold_->position(input.spec.topic);
        // A log that ends before its position is looked into when it is read: it may have named an
        // end that is behind.
        if (!fresh && position >= input.low) continue;
        auto& place = *restarted.add_inputs();
        place.set_topic(input.spec.topic);
        place.set_next_offset(fresh && upstream ? 0 : input.low);
        if (planted(Bug::restart_to_end)) place.set_next_offset(input.high);
    }
    append(std::move(decision), orders, tick);
    return true;
}

bool Partition::restart_repairs(Halt what) {
    return what == Halt::ledger_lost || what == Halt::input_gone;
}

std::expected<void, std::string> Partition::restart_inputs(std::string reason) {
    if (broken_ || !restart_repairs(halted_for()))
        return std::unexpected(
            fmt::format("RestartInput repairs ledger_lost and input_gone only; this is {}",
                        halted().empty() ? "no halt" : halted()));
    restart_wanted_ = true;
    restart_reason_ = std::move(reason);
    return {};
}

std::expected<void, std::string> Partition::override_clock(std::string reason) {
    if (halted_for() != Halt::ledger_ahead)
        return std::unexpected(fmt::format("OverrideClock repairs ledger_ahead only; this is {}",
                                           halted().empty() ? "no halt" : halted()));
    override_wanted_ = true;
    override_reason_ = std::move(reason);
    return {};
}

bool Partition::override_now(Orders& orders, Time now, Tick tick) {
    if (now >= fold_->last()) {
        override_wanted_ = false;  // The present has come there meanwhile.
        return false;
    }
    ledger::v1::Decision decision = blank(now);
    decision.mutable_clock_overridden()->set_reason(override_reason_);
    append(std::move(decision), orders, tick);
    return true;
}

// The newest key that the leader has signs from the next record on. The change itself is signed
// with the old one, so that who lacks the new one stops reading there instead of missing records.
bool Partition::change_key(Orders& orders, Time now, Tick tick) {
    // A file that was not changed everywhere yet brings no replaced key back.
    if (keys_.newest() == fold_->key_id() || fold_->replaced_at(keys_.newest()) ||
        fold_->writer() != options_.writer)
        return false;
    if (!flight_.empty()) return true;
    ledger::v1::Decision decision = blank(std::max(now, fold_->last()));
    decision.mutable_key_changed()->set_key_id(keys_.newest());
    append(std::move(decision), orders, tick);
    return true;
}

// Not while it is still looked into which of two read a lost tail.
bool Partition::forked(const Input& input) {
    return input.fork.has_value() && !input.chain.verifying();
}

// What an append that is to be sent again would set back may be whole again meanwhile.
bool Partition::rewind_withdrawn() const {
    if (flight_.empty() || flight_.front().applied) return false;
    const auto& places = flight_.front().decision.inputs_rewound().inputs();
    return std::ranges::any_of(places, [&](const auto& place) {
        return std::ranges::any_of(inputs_, [&](const Input& input) {
            return input.spec.topic == place.topic() && !forked(input);
        });
    });
}

// A leader that is never quiet, and knows nothing of it, is not waited for without end.
bool Partition::may_rewind(const Input& input, Tick tick) const {
    return may_lead(input.fork_seen, tick) || tick - input.fork_seen >= options_.pass_latest;
}

bool Partition::rewind(Orders& orders, Time now, Tick tick) {
    bool any = false;
    for (Input& input : inputs_) {
        confirm_short(input, tick);
        if (!forked(input)) continue;
        if (*input.fork >= fold_->position(input.spec.topic)) {
            drop_fork(input);
            continue;
        }
        if (input.fork_seen == Tick{}) input.fork_seen = tick;
        any = any || may_rewind(input, tick);
    }
    if (!any) return false;
    // After one that was not taken, see put_off().
    if (!flight_.empty() || tick < resend_at_) return true;
    ledger::v1::Decision decision = blank(std::max(now, fold_->last()));
    for (Input& input : inputs_) {
        if (!forked(input) || !may_rewind(input, tick)) continue;
        auto& place = *decision.mutable_inputs_rewound()->add_inputs();
        place.set_topic(input.spec.topic);
        place.set_next_offset(*input.fork);
        // Beside a leader that is never quiet it will take more than one attempt.
        input.fork_seen = std::max(input.fork_seen, tick - options_.pass_latest + retried_after);
    }
    append(std::move(decision), orders, tick);
    return true;
}

// Commands behind the position of which none needs a decision: repeats, records that are not ours.
const Partition::Input* Partition::to_pass() const {
    for (const Input& input : inputs_) {
        if (input.spec.kind != InputSpec::Kind::commands || input.fork || input.ordered) continue;
        if (!input.expected.empty() || input.cursor < input.items.size()) continue;
        if (input.next > fold_->position(input.spec.topic)) return &input;
    }
    return nullptr;
}

// When that is recorded: once nothing else happens, or else after a while.
Tick Partition::pass_due(const Input& input) const {
    const int times = leads() ? 1 : 3;
    const Tick quiet = std::max(input.read_at, quiet_since_) + times * options_.pass_after;
    if (passable_behind_ != fold_->position(input.spec.topic)) return quiet;
    return std::min(quiet, passable_since_ + times * options_.pass_latest);
}

// Before retention deletes them and they look like undecided commands.
bool Partition::pass(Orders& orders, Time now, Tick tick) {
    if (planted(Bug::no_pass)) return false;
    const Input* input = to_pass();
    if (input == nullptr) return false;
    const std::int64_t position = fold_->position(input->spec.topic);
    if (std::exchange(passable_behind_, position) != position) passable_since_ = tick;
    if (tick < pass_due(*input)) return false;
    // What is under way ends first; where there is always something, nothing else is begun.
    if (!flight_.empty()) return tick >= passable_since_ + options_.pass_latest;
    ledger::v1::Decision decision = blank(std::max(now, fold_->last()));
    auto& place = *decision.mutable_inputs_passed()->add_inputs();
    place.set_topic(input->spec.topic);
    place.set_next_offset(input->next);
    place.set_record_digest(input->last_digest);
    append(std::move(decision), orders, tick);
    return true;
}

}  // namespace tocsin::runtime
