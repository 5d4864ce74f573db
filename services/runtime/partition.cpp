// Reading: what counts, what is void, when to fold again. Deciding is in partition_decide.cpp.
#include "runtime/partition.hpp"

#include <cstring>
#include <utility>

namespace tocsin::runtime {

static std::uint64_t shortened(const std::string& digest) {
    std::uint64_t value = 0;
    std::memcpy(&value, digest.data(), std::min(sizeof value, digest.size()));
    return value;
}

Partition::Partition(PartitionOptions options, const Mac& mac, std::unique_ptr<Rules> rules,
                     PartitionObserver& observer)
    : options_(std::move(options)),
      mac_(mac),
      blank_rules_(std::move(rules)),
      observer_(observer),
      genesis_(genesis_digest(options_.ledger_topic, options_.partition)),
      range_known_(options_.inputs.size(), false),
      jitter_(options_.jitter_seed * 2 + 1) {
    for (const InputSpec& spec : options_.inputs) {
        Input input;
        input.spec = spec;
        input.head = genesis_digest(spec.topic, options_.partition);
        inputs_.push_back(std::move(input));
    }
    fold_again();
    counters_.folds_again = 0;
}

// The state is thrown away; the ledger is read again from its first record. What the inputs brought
// is kept: it is considered again from where the new fold stands.
void Partition::fold_again() {
    ++counters_.folds_again;
    fold_ = std::make_unique<Fold>(genesis_, blank_rules_->fresh(), options_.bug);
    flight_.clear();
    for (Input& input : inputs_) input.cursor = 0;
    timers_.clear();
    seen_digests_.clear();
    counters_.counted = 0;
    counters_.void_records = 0;
    void_behind_head_ = 0;
    read_next_ = 0;
    read_head_ = genesis_;
    head_offset_ = -1;
    recent_.clear();
    counted_opened_ = false;
    caught_up_ = false;
    verifying_ = false;
    doubtful_ = false;
    want_read_from_ = 0;
}

// The log is not what the views were told: they start over, and so do the inputs.
void Partition::forget_what_was_told() {
    told_offset_ = -1;
    told_digest_.clear();
    news_from_.reset();
    for (Input& input : inputs_) input.counted_offset = -1;
    orphans_.clear();
    forget_inputs();
    observer_.history_changed();
    fold_again();
}

void Partition::forget_inputs() {
    for (Input& input : inputs_) {
        input.items.clear();
        input.cursor = 0;
        input.next = -1;
        input.head = genesis_digest(input.spec.topic, options_.partition);
    }
    range_known_.assign(inputs_.size(), false);
    want_inputs_again_ = true;
}

// Somebody's operator has spoken, or the partition was opened. Where an input was read already, it
// may have been read beyond its new place.
void Partition::inputs_restarted(const ledger::v1::Decision& decision) {
    restart_wanted_ = false;
    restart_reason_.clear();
    halted_.clear();
    const bool started =
        std::find(range_known_.begin(), range_known_.end(), true) != range_known_.end();
    if (started && decision.previous_digest() != genesis_) forget_inputs();
}

void Partition::halt(std::string why) {
    if (halted_.empty()) halted_ = std::move(why);
}

void Partition::on_ledger_record(std::int64_t offset, std::string_view record, Tick tick) {
    if (want_read_from_ || unknown_event_) return;  // The first: left over from before the order.
    if (verifying_) return check_head(offset, record);
    if (offset < read_next_) return;
    const std::string digest = sha256(record);
    read_next_ = offset + 1;
    const bool mine = !flight_.empty() && flight_.front().digest == digest;
    alignas(8) char block[4096];
    google::protobuf::Arena arena(block, sizeof block);
    auto& parsed = *google::protobuf::Arena::CreateMessage<ledger::v1::Decision>(&arena);
    if (!mine) {
        const auto body = unseal(record, mac_);
        if (!body || !parsed.ParseFromArray(body->data(), static_cast<int>(body->size()))) {
            if (is_news(news_from_, offset)) ++counters_.foreign_records;
            return;
        }
    }
    const ledger::v1::Decision& decision = mine ? flight_.front().decision : parsed;
    const bool counts = decision.previous_digest() == read_head_ || options_.bug == Bug::no_chain;
    if (!counts && unknown_predecessor(decision.previous_digest(), digest)) return;
    seen_digests_.insert(shortened(digest));
    if (counts) {
        read_head_ = digest;
        head_offset_ = offset;
        recent_.emplace_back(offset, digest);
        if (recent_.size() > recent_max) recent_.pop_front();
        counted_opened_ = true;
        quiet_since_ = tick;
        waiting_to_lead_ = false;
        ++counters_.counted;
        void_behind_head_ = 0;
    } else {
        ++counters_.void_records;
        ++void_behind_head_;
    }
    if (is_news(news_from_, offset)) count_news(decision, counts);
    if (own_record_came_back(offset, digest, counts)) return;
    if (!counts) return;
    if (!fold_->apply(decision, digest, offset)) {
        unknown_event_ = true;
        halted_ = "unknown_event: a newer version wrote this ledger; upgrade this instance";
        return;
    }
    count(offset, decision, digest);
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
    if (decision.writer() != options_.writer) return;
    ++counters_.decisions;
    if (decision.cause().request_id().empty()) return;
    ++(decision.has_rejected() ? counters_.rejected : counters_.accepted);
}

// A predecessor that was never here: either it was lost on its way, or this history is no longer
// the log's. Only a pass from the beginning tells: own records may lie behind a tail that was lost,
// so that the head is there and what it extends is not. During such a pass nothing is appended, and
// the head tells enough. True: the record will be read again.
bool Partition::unknown_predecessor(const std::string& previous, const std::string& digest) {
    if (previous == genesis_ || seen_digests_.contains(shortened(previous))) return false;
    if (options_.bug == Bug::skip_head_check) return false;
    if (!orphans_.insert(shortened(digest)).second) return false;
    if (!caught_up_) {
        doubtful_ = true;
        return false;
    }
    fold_again();
    return true;
}

// Not the head alone: after a lost tail it may be an own record, behind what is no longer there.
void Partition::verify_head() {
    if (recent_.empty()) return fold_again();
    verifying_ = true;
    verified_ = 0;
    doubtful_ = false;
    caught_up_ = false;
    want_read_from_ = recent_.front().first;
}

// What follows the head did not count; it is read again, in case other records lie there now.
void Partition::check_head(std::int64_t offset, std::string_view record) {
    const auto& [expected, digest] = recent_[verified_];
    if (offset < expected) return;
    if (offset > expected || sha256(record) != digest) return fold_again();
    if (++verified_ < recent_.size()) return;
    verifying_ = false;
    read_next_ = head_offset_ + 1;
    counters_.void_records -= std::exchange(void_behind_head_, 0);
}

// True when the record is dealt with: it was the next of the own appends, or it shows that the
// state holds something that will never count.
bool Partition::own_record_came_back(std::int64_t offset, const std::string& digest, bool counts) {
    if (flight_.empty()) return false;
    if (counts && flight_.front().digest == digest) {
        const InFlight mine = std::move(flight_.front());
        flight_.pop_front();
        fold_->mark_counted(mine.decision, offset);
        count(offset, mine.decision, digest);
        return true;
    }
    const bool mine_and_void =
        std::any_of(flight_.begin(), flight_.end(),
                    [&](const InFlight& append) { return append.digest == digest; });
    if (!counts && !mine_and_void) return false;
    if (options_.bug == Bug::no_fold_again) {
        flight_.clear();
        return true;
    }
    fold_again();
    return true;
}

void Partition::count(std::int64_t offset, const ledger::v1::Decision& decision,
                      const std::string& digest) {
    for (Input& input : inputs_) {
        // In a replay it may name offsets from before an input was restarted.
        if (!caught_up_) break;
        if (decision.has_input_restarted())
            drop_passed(input, counted_position(input));
        else if (input.spec.topic == decision.cause().topic())
            drop_passed(input, decision.cause().offset() + 1);
    }
    if (caught_up_) update_timers();
    if (offset > told_offset_) {
        if (told_offset_ >= 0 && decision.previous_digest() != told_digest_) {
            forget_what_was_told();
            return;
        }
        told_offset_ = offset;
        told_digest_ = digest;
        if (decision.has_input_restarted()) inputs_restarted(decision);
        observer_.counted(-1, offset, decision, digest);
    }
    if (!decision.cause().request_id().empty()) tell_answer(offset, decision);
}

void Partition::tell_answer(std::int64_t offset, const ledger::v1::Decision& decision) {
    if (!observer_.anybody_waits()) return;
    const auto& cause = decision.cause();
    observer_.answered(request_key(cause.actor(), cause.request_id()), cause.body_digest(),
                       answer_of(decision, offset));
}

// Items before a counted position are done with: decided, or repeats of what was.
void Partition::drop_passed(Input& input, std::int64_t before) {
    while (!input.items.empty() && input.items.front().offset < before) {
        // Whoever waits for the last of them is told with its decision.
        if (input.spec.kind == InputSpec::Kind::commands && input.items.front().offset + 1 < before)
            passed_over(input.items.front());
        input.items.pop_front();
        if (input.cursor > 0) --input.cursor;
    }
}

// Whether the item repeats a request whose answer counts; then whoever waits for it is told.
bool Partition::passed_over(const Item& item) {
    if (!item.readable) return false;
    const Remembered* answer = fold_->answer(item.key, item.digest);
    if (answer == nullptr || !answer->counted) return false;
    observer_.answered(item.key, item.digest, *answer);
    return true;
}

void Partition::on_ledger_end(std::int64_t offset) {
    if (want_read_from_ || unknown_event_) return;
    if (verifying_) {
        if (offset <= head_offset_) fold_again();  // The head is gone.
        return;
    }
    if (offset != read_next_ || caught_up_) return;
    if (doubtful_) return verify_head();
    if (told_offset_ >= 0 && told_digest_ != read_head_) {
        forget_what_was_told();  // The log ends before what was told: it lost its tail.
        return;
    }
    for (Input& input : inputs_) drop_passed(input, counted_position(input));
    caught_up_ = true;
    update_timers();
    if (!news_from_) news_from_ = read_next_;
}

void Partition::on_input_record(int index, std::int64_t offset, std::string_view record,
                                Time stored_at, Tick tick) {
    Input& input = inputs_.at(static_cast<std::size_t>(index));
    // Before its range is known, what comes is left over from before the order to read again.
    if (!range_known_.at(static_cast<std::size_t>(index)) || offset < input.next) return;
    const bool was_idle = !anything_undecided();
    input.next = offset + 1;
    const bool news = is_news(input.news_from, offset);
    switch (input.spec.kind) {
        case InputSpec::Kind::commands:
            read_command(input, offset, record, news);
            break;
        case InputSpec::Kind::ledger:
            read_upstream(input, offset, record, news);
            break;
        case InputSpec::Kind::stream:
            read_stream(input, offset, record, stored_at, news);
            break;
    }
    if (was_idle && anything_undecided()) quiet_since_ = std::max(quiet_since_, tick);
}

void Partition::read_command(Input& input, std::int64_t offset, std::string_view record,
                             bool news) {
    if (caught_up_ && offset < counted_position(input)) return;
    const auto body = unseal(record, mac_);
    if (!body) {
        if (news) ++counters_.foreign_records;
        return;
    }
    Item item;
    item.offset = offset;
    item.readable = item.command.ParseFromArray(body->data(), static_cast<int>(body->size())) &&
                    !item.command.request_id().empty() && !item.command.actor().empty();
    if (item.readable) {
        item.key = request_key(item.command.actor(), item.command.request_id());
        item.digest = body_digest(item.command.body(), from_proto(item.command.expires_at()));
    } else {
        item.raw = std::string(record);
    }
    if (passed_over(item)) {
        if (leads()) ++counters_.repeats;
        return;
    }
    input.items.push_back(std::move(item));
}

// Upstream ledgers are walked from their beginning, so that what is void there is void here.
void Partition::read_upstream(Input& input, std::int64_t offset, std::string_view record,
                              bool news) {
    const auto body = unseal(record, mac_);
    ledger::v1::Decision decision;
    if (!body || !decision.ParseFromArray(body->data(), static_cast<int>(body->size()))) {
        if (news) ++counters_.foreign_records;
        return;
    }
    const bool counts = decision.previous_digest() == input.head;
    if (!counts && options_.bug != Bug::lost_reactor) return;
    const std::string digest = sha256(record);
    if (counts) input.head = digest;
    if (offset > input.counted_offset) {
        input.counted_offset = offset;
        observer_.counted(static_cast<int>(&input - inputs_.data()), offset, decision, digest);
    }
    if (input.spec.view_only) return;
    if (!decision.has_accepted() || decision.accepted().events_size() == 0) return;
    if (caught_up_ && offset < counted_position(input)) return;
    Item item;
    item.offset = offset;
    item.traceparent = decision.cause().traceparent();
    item.foreign.topic = input.spec.topic;
    item.foreign.service = input.spec.service;
    item.foreign.realm = decision.realm();
    item.foreign.offset = offset;
    item.foreign.at = from_proto(decision.decided_at());
    item.foreign.events.assign(decision.accepted().events().begin(),
                               decision.accepted().events().end());
    if (!concerns(item.foreign)) return;
    input.items.push_back(std::move(item));
}

// What cannot be told concerns us: the decider will say why it cannot.
bool Partition::concerns(const Foreign& foreign) const {
    try {
        return fold_->rules().concerns(foreign);
    } catch (const std::exception&) {
        return true;
    }
}

void Partition::read_stream(Input& input, std::int64_t offset, std::string_view record,
                            Time stored_at, bool news) {
    if (caught_up_ && offset < counted_position(input)) return;
    const auto body = unseal(record, mac_);
    ledger::v1::CommandRecord parsed;
    if (!body || !parsed.ParseFromArray(body->data(), static_cast<int>(body->size()))) {
        if (news) ++counters_.foreign_records;
        return;
    }
    Item item;
    item.offset = offset;
    item.traceparent = parsed.traceparent();
    item.foreign.topic = input.spec.topic;
    item.foreign.service = input.spec.service;
    item.foreign.realm = parsed.realm();
    item.foreign.offset = offset;
    item.foreign.at = stored_at;
    item.foreign.events.push_back(parsed.body());
    input.items.push_back(std::move(item));
    // A leader drops only what it has considered.
    if (input.items.size() > options_.stream_backlog_max && (!leads() || input.cursor > 0)) {
        input.items.pop_front();
        if (input.cursor > 0) --input.cursor;
    }
}

// An own record below the reading position that was not read there: the log is another one.
void Partition::on_append_stored(const std::string& digest, std::int64_t offset) {
    if (offset >= read_next_ || options_.bug == Bug::skip_head_check) return;
    const bool unread = std::any_of(flight_.begin(), flight_.end(), [&](const InFlight& append) {
        return append.digest == digest;
    });
    if (unread) fold_again();
}

void Partition::on_append_failed() {
    if (!flight_.empty() && options_.bug != Bug::no_fold_again) fold_again();
}

void Partition::on_broker_trouble() {
    if (options_.bug == Bug::skip_head_check || want_read_from_) return;
    if (!caught_up_) {
        doubtful_ = true;
        return;
    }
    verify_head();
}

void Partition::on_ledger_out_of_range() {
    if (want_read_from_) return;
    if (read_next_ == 0) {
        halt("ledger_gone: the ledger does not start at its first record; restore it");
        return;
    }
    fold_again();
}

void Partition::on_upstream_out_of_range() { forget_what_was_told(); }

void Partition::on_dead_letter_stored(int index, std::int64_t offset) {
    for (Item& item : inputs_.at(static_cast<std::size_t>(index)).items)
        if (item.offset == offset) item.dead_letter_stored = true;
}

std::int64_t Partition::input_position(int input) const {
    return fold_->position(inputs_.at(static_cast<std::size_t>(input)).spec.topic);
}

// What is only appended may never count, so its cause is still wanted.
std::int64_t Partition::counted_position(const Input& input) const {
    for (const InFlight& append : flight_) {
        if (append.decision.has_input_restarted()) return 0;
        if (append.decision.cause().topic() == input.spec.topic)
            return append.decision.cause().offset();
    }
    return fold_->position(input.spec.topic);
}

std::int64_t Partition::input_start(int index) const {
    const Input& input = inputs_.at(static_cast<std::size_t>(index));
    if (input.spec.kind == InputSpec::Kind::ledger) return std::max<std::int64_t>(input.next, 0);
    return std::max({input.next, counted_position(input), input.low});
}

std::int64_t Partition::input_counted_offset(int index) const {
    return inputs_.at(static_cast<std::size_t>(index)).counted_offset;
}

const std::string& Partition::input_halted(int index) const {
    return inputs_.at(static_cast<std::size_t>(index)).halted;
}

std::int64_t Partition::considered(int index) const {
    const Input& input = inputs_.at(static_cast<std::size_t>(index));
    std::int64_t first = std::max<std::int64_t>(input.next, 0);
    if (input.cursor < input.items.size())
        first = std::min(first, input.items[input.cursor].offset);
    for (const InFlight& append : flight_) {
        if (append.decision.cause().topic() != input.spec.topic) continue;
        return std::min(first, append.decision.cause().offset());  // they are in order
    }
    return first;
}

std::size_t Partition::undecided() const {
    std::size_t count = 0;
    for (const Input& input : inputs_) count += input.items.size() - input.cursor;
    return count;
}

}  // namespace tocsin::runtime
