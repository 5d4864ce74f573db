// Deciding: what is appended, and when. Reading is in partition.cpp and partition_inputs.cpp.
#include "runtime/ledger/partition.hpp"

#include "runtime/base/invariant.hpp"
#include "runtime/ledger/view.hpp"

#include <fmt/format.h>

namespace tocsin::runtime {

using std::chrono::milliseconds;

Orders Partition::step(Time now, Tick tick) {
    Orders orders;
    if (caught_up_ && !want_resend_ && !flight_.empty() &&
        tick - flight_.front().appended_at > options_.append_timeout)
        look_for_appends();
    resume_inputs();
    orders.read_inputs_again = std::exchange(want_inputs_again_, false);
    orders.read_ledger_from = std::exchange(want_read_from_, std::nullopt);
    orders.read_input_from = std::exchange(want_readings_, {});
    orders.pause_inputs = std::exchange(want_pauses_, {});
    for (const auto& reading : orders.read_input_from)
        inputs_[static_cast<std::size_t>(reading.input)].ordered = false;
    // Nothing is decided, and no timer adds a command, before the inputs are known to be whole.
    if (orders.read_ledger_from || !caught_up_ || broken_ || !ranges_known()) return orders;
    if (!clock_fits(orders, now, tick)) return orders;
    // What would open a ledger that turned out to be no place for it must not land any more.
    if (!fold_->opened() && !halted().empty() && (!restart_wanted_ || !mismatch_.empty())) {
        flight_.clear();
        want_resend_ = false;
    }
    if (want_resend_ && rewind_withdrawn()) {
        flight_.clear();
        put_off(tick);
    }
    if (want_resend_) {
        resend(orders, tick);
        return orders;
    }
    if (keep_up(orders, now, tick) || !halted().empty()) return orders;
    std::size_t considered = 0;
    while (may_append() && considered < options_.considered_max &&
           decide_next(orders, now, tick, considered)) {
    }
    left_over_ = considered >= options_.considered_max;
    fire_timers(orders, now, tick);
    return orders;
}

bool Partition::ranges_known() const {
    return std::ranges::all_of(inputs_, [](const Input& input) { return input.range_known; });
}

// --- the clock ---

void Partition::on_clock(Time sent, Time acked, Time stored_at, Tick tick) {
    const auto tolerance = options_.clock_tolerance;
    if (acked - sent > tolerance) return;  // Too imprecise.
    const auto ahead = acked - stored_at;
    clock_offset_ = std::chrono::floor<milliseconds>(ahead);
    if (sent - stored_at <= tolerance && stored_at - acked <= tolerance) {
        clock_base_ = acked.time_since_epoch() - tick.time_since_epoch();
        clock_off_.clear();
        clock_wrong_ = false;
        return;
    }
    clock_wrong_ = true;
    clock_base_.reset();
    clock_off_ = fmt::format(
        "clock_off: this machine's clock is {} s {} the broker's, more than {} s; set it right",
        std::abs(std::chrono::floor<std::chrono::seconds>(ahead).count()),
        ahead.count() > 0 ? "ahead of" : "behind",
        std::chrono::floor<std::chrono::seconds>(tolerance).count());
}

void Partition::on_clock_unknown(const std::string& why) {
    if (clock_base_ || clock_wrong_) return;
    clock_off_ = "clock_off: this machine's clock cannot be compared with the broker's; " + why;
}

// Whether the clock is still the one that agreed with the broker's; and whether the ledger was
// stamped by one that did not.
bool Partition::clock_fits(Orders& orders, Time now, Tick tick) {
    if (planted(Bug::no_clock_check)) return true;
    if (clock_base_) {
        const auto base = now.time_since_epoch() - tick.time_since_epoch();
        const auto drift = base - *clock_base_;
        if (std::chrono::abs(drift) > options_.clock_tolerance) clock_base_.reset();
    }
    if (!clock_base_) {
        orders.probe_clock = true;
        return false;
    }
    const auto ahead = fold_->last() - now;
    if (fold_->opened() && ahead > 2 * options_.clock_tolerance + milliseconds(1000))
        ahead_ = fmt::format(
            "ledger_ahead: its last decision is stamped {} s ahead of the clock, so that commands "
            "look expired; see OverrideClock",
            std::chrono::floor<std::chrono::seconds>(ahead).count());
    else
        ahead_.clear();
    return true;
}

// --- who decides ---

// Who steps in appends one decision and waits for it; who leads goes on meanwhile.
bool Partition::may_append() const {
    return flight_.empty() || (flight_.back().applied && flight_.size() < options_.pipeline_max);
}

// It cannot read something that is to be decided here: another instance may.
bool Partition::reluctant() const {
    return !planted(Bug::reluctant_leads) && std::ranges::any_of(inputs_, [](const Input& input) {
        return !input.spec.view_only && !input.halted.empty();
    });
}

// At random, so that two do not step in at once; longer after each lost race, since what is slow
// then is the log; and twice as long where another instance can do more.
milliseconds Partition::patience(Tick tick) const {
    const auto half = static_cast<std::uint64_t>(options_.takeover.count()) / 2 + 1;
    const auto jitter = static_cast<milliseconds::rep>((jitter_ >> 33) % half);
    const int losses = tick - lost_at_ > losses_forgotten ? 0 : std::min(losses_, 3);
    return (options_.takeover + milliseconds(jitter)) * (1 << losses) * (reluctant() ? 2 : 1);
}

void Partition::lost_race(Tick tick) {
    ++counters_.races_lost;
    losses_ = tick - lost_at_ > losses_forgotten ? 1 : losses_ + 1;
    lost_at_ = tick;
}

// The writer of the last decision leads and decides at once. Another steps in only when something
// has been undecided for a while and nothing has counted meanwhile; by the age of a command alone
// they would flap.
bool Partition::may_lead(Tick since, Tick tick) const {
    if (fold_->writer() == options_.writer && !reluctant()) return true;
    return tick - std::max(since, quiet_since_) >= patience(tick);
}

// --- deciding ---

// One item of one input; the next input comes first the next time.
bool Partition::decide_next(Orders& orders, Time now, Tick tick, std::size_t& considered) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        const std::size_t index = (turn_ + i) % inputs_.size();
        Input& input = inputs_[index];
        while (input.cursor < input.items.size() && input.halted.empty() && !input.fork &&
               considered < options_.considered_max) {
            Item& item = input.items[input.cursor];
            ++considered;
            if (item.offset < fold_->position(input.spec.topic)) {
                ++input.cursor;
                continue;
            }
            const Signed standing = signature(item);
            if (standing == Signed::not_yet) break;
            const bool replaced = standing == Signed::replaced;
            if (replaced || (input.spec.kind == InputSpec::Kind::commands && is_repeat(item))) {
                if (leads()) ++(replaced ? counters_.replaced_keys : counters_.repeats);
                if (!replaced) passed_over(item);
                ++input.cursor;
                continue;
            }
            if (!may_lead(item.seen, tick)) break;
            const Step step = decide_item(input, item, orders, now, tick);
            if (step == Step::waits) break;  // This input does; look at the next one.
            if (step == Step::passed) continue;
            turn_ = index + 1;
            return true;
        }
    }
    return false;
}

// What a replaced key signs, which may be in other hands, is passed over. One that is
// newer than the one in force is that of a change which was not read here yet. In a file that has
// not been changed twice, the one that was replaced still comes first.
Partition::Signed Partition::signature(const Item& item) const {
    const std::string& in_force = fold_->key_id();
    if (item.key_id.empty() || item.key_id == in_force || planted(Bug::old_key_counts))
        return Signed::in_force;
    const auto replaced_at = fold_->replaced_at(item.key_id);
    for (const WorldKeys::Key& key : keys_.all()) {
        if (key.id == in_force || replaced_at) break;
        if (key.id == item.key_id) return Signed::not_yet;
    }
    const bool on_its_way = replaced_at && item.stored_at <= *replaced_at + options_.key_grace;
    return on_its_way ? Signed::in_force : Signed::replaced;
}

bool Partition::is_repeat(const Item& item) const {
    return item.readable && fold_->answer(item.key, item.digest) != nullptr;
}

Partition::Step Partition::decide_item(Input& input, Item& item, Orders& orders, Time now,
                                       Tick tick) {
    const Time at = planted(Bug::clock_runs_back) ? now : std::max(now, fold_->last());
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
            return append_for(input, std::move(decision), orders, tick);
        fault = "decision_too_large";
    }
    if (fault.empty()) {  // A stream record that changes nothing.
        if (flight_.empty() && input.cursor == 0)
            drop_front(input);
        else
            ++input.cursor;
        return Step::passed;
    }
    // What cannot be obeyed is kept before it is recorded as refused, so that nothing is lost.
    if (!item.dead_letter_stored && !planted(Bug::letter_unstored)) {
        ask_dead_letter(input, item, fault, orders);
        return Step::waits;
    }
    ledger::v1::Decision decision = draft(item, input, at);
    auto& rejected = *decision.mutable_rejected();
    rejected.set_code(fault.substr(0, fault.find(':')));
    rejected.set_text("it could not be decided; its bytes are kept among the dead letters");
    rejected.set_status(static_cast<int>(Because::internal));
    return append_for(input, std::move(decision), orders, tick);
}

void Partition::ask_dead_letter(const Input& input, Item& item, const std::string& fault,
                                Orders& orders) {
    if (item.dead_letter_asked) return;
    item.dead_letter_asked = true;
    ++counters_.dead_letters;
    std::string bytes = item.raw;
    if (input.spec.kind == InputSpec::Kind::ledger) {
        ledger::v1::Accepted accepted;
        for (const std::string& event : item.foreign.events) accepted.add_events(event);
        bytes = accepted.SerializeAsString();
    } else if (input.spec.kind == InputSpec::Kind::stream) {
        bytes = item.foreign.events.front();
    } else if (bytes.empty()) {
        bytes = item.command.SerializeAsString();
    }
    orders.dead_letters.push_back({index_of(input), item.offset, std::move(bytes), fault});
}

// Nothing: a stream record that changes nothing. `fault`: why it cannot be decided at all.
std::optional<Decided> Partition::verdict(const Item& item, Input& input, Time now,
                                          std::string& fault) {
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
        input.halted = unknown.what();
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
    const bool late = now > expires_at || fold_->may_be_forgotten(expires_at);
    if (late && !planted(Bug::no_expiry))
        return reject(Because::failed_precondition, "expired",
                      "it was not decided before its expires_at; check what is there, then send it "
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

ledger::v1::Decision Partition::draft(const Item& item, const Input& input, Time at) const {
    ledger::v1::Decision decision = blank(at);
    auto& cause = *decision.mutable_cause();
    cause.set_topic(input.spec.topic);
    cause.set_offset(item.offset);
    cause.set_record_digest(item.record_digest);
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

// --- appending ---

Partition::Step Partition::append_for(Input& input, ledger::v1::Decision decision, Orders& orders,
                                      Tick tick) {
    if (!append(std::move(decision), orders, tick)) return Step::waits;
    if (flight_.back().applied) ++input.cursor;
    return Step::appended;
}

// The leader applies its own decision as it appends it; read-back confirms it. An instance that
// steps in does not, so that a lost race costs nothing. False: the decision cannot be applied, and
// nothing was appended.
bool Partition::append(ledger::v1::Decision decision, Orders& orders, Tick tick) {
    const bool leading = fold_->opened() && fold_->writer() == options_.writer &&
                         fold_->incarnation() == options_.incarnation;
    const bool of_an_input = decision.has_accepted() || decision.has_rejected();
    if (fold_->opened() && fold_->writer() != options_.writer) ++counters_.takeovers;
    InFlight own;
    own.realm = decision.realm();
    own.key_id = fold_->opened() ? fold_->key_id() : keys_.newest();
    own.record = seal_.close(decision.SerializeAsString(), own.key_id);
    own.digest = sha256(own.record);
    own.applied = (leading && of_an_input) || planted(Bug::apply_early);
    own.appended_at = tick;
    // Where it lost its race, nothing else would have to be taken back.
    invariant(own.applied || flight_.empty(), "a decision that is not applied is alone in flight");
    if (own.applied && !apply_own(decision, own.digest)) return false;
    orders.append.push_back({own.realm, own.record, own.digest});
    if (planted(Bug::early_answer) && !decision.cause().request_id().empty())
        tell_answer(-1, decision);
    if (planted(Bug::effect_early)) observer_.counted(-1, -1, decision, own.digest);
    own.decision = std::move(decision);
    flight_.push_back(std::move(own));
    update_timers();
    return true;
}

bool Partition::apply_own(const ledger::v1::Decision& decision, const std::string& digest) {
    std::string why = "an event of its own decider is unknown to it";
    try {
        if (fold_->apply(decision, digest, -1)) return true;
    } catch (const std::exception& error) {
        why = error.what();
    }
    fold_again();
    halt(Halt::other, fmt::format("fold_failed: a decision of its own cannot be applied: {}", why));
    return false;
}

// Longer each time.
void Partition::put_off(Tick tick) {
    want_resend_ = false;
    resend_at_ = tick + options_.resend_pause * (1 << std::min(resends_, 6));
    ++resends_;
}

void Partition::resend(Orders& orders, Tick tick) {
    if (tick < resend_at_) return;
    put_off(tick);
    for (InFlight& own : flight_) {
        own.appended_at = tick;
        ++counters_.resent;
        orders.append.push_back({own.realm, own.record, own.digest});
    }
}

// --- timers ---

// The leader may be dead with nothing else to decide, so the others fire what is long overdue.
milliseconds Partition::timer_lateness() const {
    return fold_->writer() == options_.writer ? milliseconds(0) : 4 * options_.takeover;
}

// A due time that was reached becomes a command. Its id and expiry follow from what is due and the
// minute, so that several instances, or a repeat, send the same command; one that was refused or
// expired, after an outage or by a clock that was ahead, is sent again a minute later.
void Partition::fire_timers(Orders& orders, Time now, Tick tick) {
    const Time reached = now - timer_lateness();
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

std::optional<milliseconds> Partition::next_wake(Time now, Tick tick) const {
    if (!caught_up_ || broken_ || !ranges_known() || !clock_base_) return std::nullopt;
    std::optional<milliseconds> next;
    const auto at_most = [&](auto left) {
        const auto wait = std::max(std::chrono::ceil<milliseconds>(left), milliseconds(0));
        if (!next || wait < *next) next = wait;
    };
    if (want_resend_) at_most(resend_at_ - tick);
    if (!flight_.empty()) at_most(flight_.front().appended_at + options_.append_timeout - tick);
    if (!halted().empty()) return next;
    if (left_over_ && may_append()) at_most(milliseconds(0));
    for (const Input& input : inputs_) {
        if (input.short_from) at_most(options_.short_patience);
        if (forked(input))
            at_most(std::max(std::max(input.fork_seen, quiet_since_) + patience(tick), resend_at_) -
                    tick);
        if (input.cursor >= input.items.size() || !input.halted.empty() || input.fork ||
            may_lead(input.items[input.cursor].seen, tick))
            continue;
        const Tick since = std::max(input.items[input.cursor].seen, quiet_since_);
        at_most(since + patience(tick) - tick);
    }
    for (const auto& [realm, timer] : timers_) {
        const auto left = timer.due.at + timer_lateness() - now;
        at_most(timer.fired ? std::max<Time::duration>(left, timer_again_in(timer, tick)) : left);
    }
    if (const Input* input = to_pass(); input != nullptr && flight_.empty())
        at_most(pass_due(*input) - tick);
    return next;
}

Time::duration Partition::timer_again_in(const Timer& timer, Tick tick) const {
    return std::chrono::ceil<Time::duration>(timer.fired_at + options_.timer_again - tick);
}

}  // namespace tocsin::runtime
