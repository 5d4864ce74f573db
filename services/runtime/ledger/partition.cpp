// The own ledger: what counts, what is void, when to fold again. Inputs are in
// partition_inputs.cpp, deciding in partition_decide.cpp.
#include "runtime/ledger/partition.hpp"

#include "runtime/base/invariant.hpp"

#include <fmt/format.h>

#include <utility>

namespace tocsin::runtime {

static RecordKind kind_of(InputSpec::Kind kind) {
    switch (kind) {
        case InputSpec::Kind::commands:
            return RecordKind::command;
        case InputSpec::Kind::ledger:
            return RecordKind::decision;
        case InputSpec::Kind::stream:
            return RecordKind::reading;
    }
    return RecordKind::command;
}

Partition::Input::Input(InputSpec input, const WorldKeys& keys, int partition)
    : spec(std::move(input)),
      seal(keys, spec.topic, kind_of(spec.kind)),
      chain(genesis_digest(spec.topic, partition)) {}

Partition::Partition(PartitionOptions options, const WorldKeys& keys, std::unique_ptr<Rules> rules,
                     PartitionObserver& observer)
    : options_(std::move(options)),
      keys_(keys),
      seal_(keys, options_.ledger_topic, RecordKind::decision),
      blank_rules_(std::move(rules)),
      observer_(observer),
      chain_(genesis_digest(options_.ledger_topic, options_.partition)),
      jitter_(options_.jitter_seed * 2 + 1) {
    for (const InputSpec& spec : options_.inputs)
        inputs_.emplace_back(spec, keys, options_.partition);
    fold_again();
    counters_.folds_again = 0;
}

bool Partition::leads() const { return fold_->opened() && fold_->writer() == options_.writer; }

// The state is thrown away; the ledger is read again from its first record. What the inputs brought
// is kept: it is considered again from where the new fold stands.
void Partition::fold_again() {
    ++counters_.folds_again;
    fold_ = std::make_unique<Fold>(chain_.genesis(), blank_rules_->fresh());
    flight_.clear();
    want_resend_ = false;
    for (Input& input : inputs_) {
        input.cursor = 0;
        // What was missed in its log may have been the cause of an own decision, which never
        // counted.
        if (input.fork) want_recheck_ = true;
        drop_fork(input);
        // It may have been displaced by that of another item of the input.
        for (Item& item : input.items) item.dead_letter_asked = false;
    }
    timers_.clear();
    chain_.reset();
    counters_.counted = 0;
    counters_.void_records = 0;
    void_behind_head_ = 0;
    unknown_keys_ = 0;
    read_next_ = 0;
    own_counted_ = -1;
    counted_opened_ = false;
    caught_up_ = false;
    doubtful_ = false;
    want_read_from_ = 0;
}

// The log is not what the views were given: they start over, and so do the inputs.
void Partition::forget_what_was_told() {
    told_offset_ = -1;
    told_digest_.clear();
    news_from_.reset();
    for (Input& input : inputs_) {
        input.counted_offset = -1;
        input.counted_digest.clear();
    }
    forget_inputs();
    observer_.history_changed();
    fold_again();
}

void Partition::halt(Halt what, std::string why) {
    if (halted_for_ != Halt::none) return;
    halted_for_ = what;
    halted_ = std::move(why);
}

bool Partition::parse(std::int64_t offset, std::string_view record, ledger::v1::Decision& decision,
                      std::string_view& key_id) {
    const Seal::Opened opened = seal_.examine(record);
    key_id = opened.key_id;
    if (opened.sealed == Sealed::ours &&
        decision.ParseFromArray(opened.body.data(), static_cast<int>(opened.body.size())))
        return true;
    if (opened.sealed == Sealed::unknown_key) ++unknown_keys_;
    if (is_news(news_from_, offset)) ++counters_.foreign_records;
    return false;
}

void Partition::on_ledger_record(std::int64_t offset, std::string_view record, Tick tick) {
    if (want_read_from_ || broken_) return;  // The first: left over from before the order.
    if (chain_.verifying()) return check_head(offset, record);
    if (offset < read_next_) return;
    const std::string digest = sha256(record);
    read_next_ = offset + 1;
    const bool mine = !flight_.empty() && flight_.front().digest == digest;
    alignas(8) char block[4096];
    google::protobuf::Arena arena(block, sizeof block);
    auto& parsed = *google::protobuf::Arena::CreateMessage<ledger::v1::Decision>(&arena);
    std::string_view key_id;
    if (mine)
        key_id = flight_.front().key_id;
    else if (!parse(offset, record, parsed, key_id))
        return;
    const ledger::v1::Decision& decision = mine ? flight_.front().decision : parsed;
    const Chain::Found found = chain_.read(offset, digest, {decision, key_id});
    if (found == Chain::Found::wrong_key) {
        if (is_news(news_from_, offset)) ++counters_.foreign_records;
        return;
    }
    if (is_news(news_from_, offset)) {
        count_news(decision, found == Chain::Found::counts);
        if (key_id == chain_.key_id()) check_name(decision);
    }
    if (found == Chain::Found::counts) return read_counting(offset, decision, digest, tick);
    ++counters_.void_records;
    ++void_behind_head_;
    if (planted(Bug::skip_head_check)) return;
    if (found == Chain::Found::orphan && !caught_up_) doubtful_ = true;
    if (found == Chain::Found::orphan && caught_up_ && may_look_into(key_id, tick)) verify();
    // An own record behind one that was lost: all of them are looked for and sent again.
    if (std::ranges::any_of(flight_, [&](const InFlight& own) { return own.digest == digest; }))
        look_for_appends();
}

void Partition::read_counting(std::int64_t offset, const ledger::v1::Decision& decision,
                              const std::string& digest, Tick tick) {
    quiet_since_ = tick;
    void_behind_head_ = 0;
    // The ledger too shows which process is newer: the clock at the start may have been behind.
    if (!news_from_ && decision.writer() == options_.writer && flight_.empty() &&
        decision.incarnation() >= options_.incarnation && own_counted_ < 0)
        options_.incarnation = decision.incarnation() + 1;
    if (own_counted_ < 0 && decision.writer() == options_.writer &&
        decision.incarnation() == options_.incarnation)
        own_counted_ = offset;
    counted_opened_ = true;
    ++counters_.counted;
    if (!flight_.empty() && flight_.front().digest == digest) {
        const InFlight mine = std::move(flight_.front());
        flight_.pop_front();
        resends_ = 0;
        losses_ = 0;
        if (mine.applied)
            fold_->mark_counted(mine.decision, offset);
        else if (!apply(mine.decision, digest, offset))
            return;
        return count(offset, mine.decision, digest);
    }
    jitter_ = jitter_ * 6364136223846793005ULL + 1442695040888963407ULL;
    if (!flight_.empty()) {
        // Another's record counted in place of an own one.
        const bool applied = flight_.front().applied;
        if (applied && !planted(Bug::no_fold_again)) return fold_again();
        flight_.clear();
        want_resend_ = false;
        if (applied) return;
        lost_race(tick);
    }
    if (!apply(decision, digest, offset)) return;
    count(offset, decision, digest);
}

// A realm would be looked for where it does not live.
std::string Partition::wrong_partitions(const std::string& topic, int partitions) const {
    return fmt::format(
        "wrong_partitions: {} began as one of {} partitions, which is fixed for ever, and this "
        "instance spreads realms over {}; start it with --kafka-partitions={}",
        topic, partitions, options_.partitions, partitions);
}

// Whatever it stood still for before: no order repairs this.
void Partition::break_off(std::string why) {
    halted_for_ = Halt::other;
    halted_ = std::move(why);
    broken_ = true;
}

// False: this version cannot go on from here, and stands still rather than guess.
bool Partition::apply(const ledger::v1::Decision& decision, const std::string& digest,
                      std::int64_t offset) {
    try {
        if (!fold_->apply(decision, digest, offset))
            break_off("unknown_event: a newer version wrote this ledger; upgrade this instance");
        else if (fold_->partitions() != options_.partitions)
            break_off(wrong_partitions(options_.ledger_topic, fold_->partitions()));
        else if (decision.has_key_changed() && !keys_.has(fold_->key_id()))
            break_off(fmt::format(
                "not_our_key: the world's key was changed to {}, which this instance lacks; add it "
                "to the key file",
                fold_->key_id()));
        else
            return true;
    } catch (const std::exception& error) {
        break_off(fmt::format("fold_failed: the decision at offset {} cannot be applied: {}",
                              offset, error.what()));
    }
    return false;
}

// Orphans under the key in force are looked into at once: an instance of ours read another log.
// Under another key they come from a change that was lost, or from a holder of a former key.
bool Partition::may_look_into(std::string_view key_id, Tick tick) {
    if (key_id == chain_.key_id()) return true;
    if (tick - orphan_verified_ < std::chrono::seconds(10)) return false;
    orphan_verified_ = tick;
    return true;
}

// History, and what is folded again, is no news: a restart must not look like a burst.
bool Partition::is_news(std::optional<std::int64_t>& from, std::int64_t offset) {
    if (!from || offset < *from) return false;
    from = offset + 1;
    return true;
}

void Partition::count_news(const ledger::v1::Decision& decision, bool counts) {
    if (!counts) {
        ++counters_.void_now;
        return;
    }
    counters_.rewound += decision.inputs_rewound().inputs_size();
    counters_.passed += decision.inputs_passed().inputs_size();
    if (decision.writer() != options_.writer) return;
    ++counters_.decisions;
    if (decision.cause().request_id().empty()) return;
    ++(decision.has_rejected() ? counters_.rejected : counters_.accepted);
}

// A process of the same name that decides after this one has: it read this one's decision, so it is
// no late record of a predecessor. The newer of the two goes; a predecessor that drains gets a few.
void Partition::check_name(const ledger::v1::Decision& decision) {
    constexpr int patience_with_namesakes = 3;
    if (decision.writer() != options_.writer || own_counted_ < 0 ||
        decision.incarnation() >= options_.incarnation || planted(Bug::names_collide))
        return;
    // Counting or not: it was decided on something that this process had decided.
    if (chain_.offset_of(decision.previous_digest()).value_or(-1) < own_counted_) return;
    if (++namesakes_ < patience_with_namesakes) return;
    halt(Halt::other,
         fmt::format("name_taken: an older process decides as instance `{}` too; give each its own "
                     "--instance and restart this one",
                     options_.writer));
}

// The last decisions that counted are read again and compared, with their offsets.
void Partition::verify() {
    ++counters_.verifications;
    const auto from = chain_.verify();
    if (!from) {
        // Nothing counted yet: who opens it is looked for, and sends the same again after a pause.
        std::deque<InFlight> opening = std::exchange(flight_, {});
        const bool resend = want_resend_;
        fold_again();
        flight_ = std::move(opening);
        want_resend_ = resend;
        return;
    }
    doubtful_ = false;
    caught_up_ = false;
    want_read_from_ = from;
}

Chain::Check Partition::check(Chain& chain, const Seal& seal, std::int64_t offset,
                              std::string_view record) {
    const Seal::Opened opened = seal.examine(record);
    ledger::v1::Decision decision;
    std::optional<Chain::Link> link;
    if (opened.sealed == Sealed::ours &&
        decision.ParseFromArray(opened.body.data(), static_cast<int>(opened.body.size())))
        link.emplace(decision, opened.key_id);
    return chain.check(offset, sha256(record), link);
}

void Partition::check_head(std::int64_t offset, std::string_view record) {
    switch (check(chain_, seal_, offset, record)) {
        case Chain::Check::going_on:
            return;
        case Chain::Check::changed:
            return fold_again();
        case Chain::Check::same:
            read_next_ = chain_.head_offset() + 1;
            counters_.void_records -= std::exchange(void_behind_head_, 0);
    }
}

// What is in flight may have been lost. The log shows it once it was read to its end; what is not
// there is then sent again, the same bytes: a second copy is void.
void Partition::look_for_appends() {
    if (flight_.empty()) return;
    if (planted(Bug::fold_after_failure)) return fold_again();
    want_resend_ = true;
    if (caught_up_) verify();
}

void Partition::count(std::int64_t offset, const ledger::v1::Decision& decision,
                      const std::string& digest) {
    // Otherwise the next decision would be made on another state than the one that it extends.
    invariant(!flight_.empty() || fold_->head() == chain_.head(),
              "with nothing in flight the state is that of the last decision that counted");
    // In a replay it may name offsets from before an input was restarted.
    if (caught_up_) {
        count_inputs(decision);
        update_timers();
    }
    if (!fold_->key_id().empty()) counted_key_ = fold_->key_id();
    // What was passed over as signed with a key that had been replaced may be signed with this one.
    if (decision.has_key_changed())
        for (Input& input : inputs_) input.cursor = 0;
    if (offset > told_offset_) {
        if (told_offset_ >= 0 && decision.previous_digest() != told_digest_)
            return forget_what_was_told();
        tell(offset, decision, digest);
    }
    if (!decision.cause().request_id().empty()) tell_answer(offset, decision);
}

void Partition::count_inputs(const ledger::v1::Decision& decision) {
    const bool of_an_input = decision.has_accepted() || decision.has_rejected();
    for (const auto& place : decision.inputs_passed().inputs())
        for (Input& input : inputs_)
            if (input.spec.topic == place.topic())
                compare_passed(input, place.next_offset() - 1, place.record_digest());
    for (Input& input : inputs_)
        if (!of_an_input)
            drop_passed(input, counted_position(input));
        else if (input.spec.topic == decision.cause().topic()) {
            compare_passed(input, decision.cause().offset(), decision.cause().record_digest());
            drop_passed(input, decision.cause().offset() + 1);
        }
}

void Partition::tell(std::int64_t offset, const ledger::v1::Decision& decision,
                     const std::string& digest) {
    told_offset_ = offset;
    knew_decisions_ = true;
    told_digest_ = digest;
    if (decision.has_input_restarted()) inputs_restarted(decision);
    if (decision.has_clock_overridden()) {
        override_wanted_ = false;
        ahead_.clear();
    }
    for (const auto& place : decision.inputs_rewound().inputs())
        for (Input& input : inputs_)
            if (input.spec.topic == place.topic() && input.range_known) rewound(input);
    observer_.counted(-1, offset, decision, digest);
}

void Partition::tell_answer(std::int64_t offset, const ledger::v1::Decision& decision) {
    if (!observer_.anybody_waits()) return;
    const auto& cause = decision.cause();
    observer_.answered(request_key(decision.realm(), cause.actor(), cause.request_id()),
                       cause.body_digest(), answer_of(decision, offset));
}

// By an operator's order, or at the opening of the partition. Where an input was read already, it
// may have been read beyond its new place.
void Partition::inputs_restarted(const ledger::v1::Decision& decision) {
    restart_wanted_ = false;
    restart_reason_.clear();
    if (restart_repairs(halted_for_)) {
        halted_for_ = Halt::none;
        halted_.clear();
    }
    const bool started =
        std::ranges::any_of(inputs_, [](const Input& input) { return input.range_known; });
    if (started && decision.previous_digest() != chain_.genesis()) forget_inputs();
}

void Partition::on_ledger_end(std::int64_t offset) {
    if (want_read_from_ || broken_) return;
    if (chain_.verifying()) {
        if (chain_.check_end(offset) == Chain::Check::changed) fold_again();
        return;
    }
    if (offset != read_next_ || caught_up_) return;
    if (doubtful_) return verify();
    if (told_offset_ >= 0 && told_digest_ != chain_.head())
        return forget_what_was_told();  // The log ends before what was reported: it lost its tail.
    // A lost tail may have been sent again and lie elsewhere.
    if (told_offset_ >= 0) told_offset_ = chain_.head_offset();
    if (chain_.empty() && unknown_keys_ > 0)
        halt(Halt::other,
             "not_our_key: no record of this ledger was signed with a key of this instance; check "
             "the key file");
    for (Input& input : inputs_) {
        for (const auto& [at, cause] : fold_->place(input.spec.topic).causes)
            if (at < counted_position(input)) compare_cause(input, at, cause);
        // Passed by while the ledger was read again, which nothing was compared with then.
        if (const auto from = wanting_before(input, counted_position(input)))
            read_again(input, *from);
        drop_passed(input, counted_position(input));
    }
    caught_up_ = true;
    update_timers();
    if (!news_from_) news_from_ = read_next_;
    if (std::exchange(want_recheck_, false)) recheck_inputs();
}

// An own record below the reading position that was not read there: the log is another one.
void Partition::on_append_stored(const std::string& digest, std::int64_t offset) {
    if (offset >= read_next_ || !caught_up_ || planted(Bug::skip_head_check)) return;
    const bool unread = std::ranges::any_of(
        flight_, [&](const InFlight& append) { return append.digest == digest; });
    if (unread) verify();
}

void Partition::on_append_failed(const std::string& digest) {
    if (std::ranges::any_of(flight_,
                            [&](const InFlight& append) { return append.digest == digest; }))
        look_for_appends();
}

void Partition::on_broker_trouble() {
    if (planted(Bug::skip_head_check)) return;
    want_recheck_ = !planted(Bug::no_input_check);
    if (want_read_from_) return;
    if (!caught_up_) {
        doubtful_ = true;
        return;
    }
    verify();
}

void Partition::on_ledger_out_of_range() {
    if (want_read_from_) return;
    if (read_next_ == 0) {
        halt(Halt::other, "ledger_gone: the ledger does not start at its first record; restore it");
        return;
    }
    fold_again();
}

void Partition::update_timers() {
    try {
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
    } catch (const std::exception& error) {
        halt(Halt::other, fmt::format("timer_failed: {}", error.what()));
    }
}

}  // namespace tocsin::runtime
