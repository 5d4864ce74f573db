// The inputs: what there is to decide on, and whether their logs still hold what was decided on.
#include "runtime/ledger/partition.hpp"

#include "runtime/base/invariant.hpp"
#include "runtime/ledger/stream_listener.hpp"

#include <fmt/format.h>

#include <utility>

namespace tocsin::runtime {

using Kind = InputSpec::Kind;

void Partition::forget_items(Input& input) {
    input.items.clear();
    input.cursor = 0;
    input.bytes = 0;
}

void Partition::forget_inputs() {
    for (Input& input : inputs_) {
        forget_items(input);
        input.next = -1;
        input.chain.reset();
        input.range_known = false;
        input.ended = false;
        input.doubtful = false;
        input.ordered = false;
        input.paused = false;
        forget_short(input);
        drop_fork(input);
        see_again(input);
    }
    want_readings_.clear();
    want_pauses_.clear();
    want_inputs_again_ = true;
}

void Partition::forget_short(Input& input) {
    input.short_from.reset();
    input.short_first = {};
    be_patient(input);
}

// A ledger that comes back by and by, from a broker that had named an end that is behind, has more
// time: what it brought must not be met twice. One that grows without end has lost what it held.
void Partition::be_patient_longer(Input& input, Tick tick) const {
    if (input.spec.kind != Kind::ledger || !input.short_from) return;
    if (input.short_first == Tick{}) input.short_first = tick;
    if (tick - input.short_first < options_.short_patience_max) be_patient(input);
}

void Partition::be_patient(Input& input) {
    input.short_since = {};
    input.short_asked = false;
    input.short_again = false;
}

// What made it stand still may not be there any more; where it is, it is met again.
void Partition::see_again(Input& input) {
    input.blind = false;
    input.halted.clear();
}

void Partition::read_from(Input& input, std::int64_t offset) {
    input.ordered = true;
    input.paused = false;
    const int index = index_of(input);
    std::erase_if(want_readings_, [&](const auto& reading) { return reading.input == index; });
    std::erase(want_pauses_, index);
    want_readings_.push_back({index, offset});
}

int Partition::index_of(const Input& input) const {
    const auto found = std::ranges::find(inputs_, &input, [](const Input& one) { return &one; });
    invariant(found != inputs_.end(), "an input is one of its partition's");
    return static_cast<int>(found - inputs_.begin());
}

void Partition::on_input_range(int index, std::int64_t low, std::int64_t high) {
    Input& input = inputs_.at(static_cast<std::size_t>(index));
    input.low = low;
    input.high = high;
    input.reached = high;
    if (!input.news_from) input.news_from = high;
    input.range_known = true;
    if (!fold_->opened() || planted(Bug::skip_head_check)) return;
    expect_causes(input);
    // What retention took is at least as old as it; only commands wait to be decided, and while an
    // instance runs none of them stays behind the position for long.
    const std::int64_t position = fold_->position(input.spec.topic);
    if (position < low && input.spec.kind == Kind::commands)
        halt(Halt::input_gone,
             fmt::format("input_gone: {} starts at {} after the recorded position {}; see "
                         "RestartInput",
                         input.spec.topic, low, position));
}

// The records that the last decisions name as their cause are looked for again: where the log does
// not hold them any more, it lost its tail.
void Partition::expect_causes(Input& input) {
    input.expected.clear();
    input.sound = -1;
    forget_short(input);
    drop_fork(input);
    if (input.spec.view_only || planted(Bug::no_input_check)) return;
    const Fold::Place& place = fold_->place(input.spec.topic);
    const std::int64_t counted = counted_position(input);
    input.expected_end = counted;
    for (const auto& cause : place.causes)
        if (cause.first >= input.low && cause.first < counted) input.expected.push_back(cause);
}

std::int64_t Partition::check_start(const Input& input) const {
    std::int64_t first =
        input.expected.empty() ? counted_position(input) : input.expected.front().first;
    if (input.spec.kind == Kind::commands) {
        // Between them lies what was passed by, which is looked at as well; and where the log ends
        // before all of them, everything that lies there now.
        if (!input.expected.empty()) first = fold_->place(input.spec.topic).begins;
        if (first > input.reached) first = input.low;
    }
    return std::max(first, input.low);
}

std::int64_t Partition::input_start(int index) const {
    const Input& input = inputs_.at(static_cast<std::size_t>(index));
    if (input.next >= 0) return input.next;
    if (input.spec.kind == Kind::ledger) return 0;
    // A log that ends before the position is read from its end, which shows it.
    return std::min(check_start(input), std::max(input.high, input.low));
}

// The broker was in trouble: what was read, decided on or not, is compared with the logs.
void Partition::recheck_inputs() {
    for (Input& input : inputs_)
        if (input.range_known) read_again(input);
}

// From where the last decisions on it begin, at `from` at the latest; or from the last that counted
// there.
void Partition::read_again(Input& input, std::int64_t from) {
    if (input.spec.kind == Kind::ledger) return verify_input(input);
    forget_items(input);
    expect_causes(input);
    input.reached = std::max(input.reached, input.next);
    input.next = std::min(check_start(input), from);
    read_from(input, input.next);
}

void Partition::verify_input(Input& input) {
    input.doubtful = false;
    be_patient(input);
    if (const auto from = input.chain.verify()) return read_from(input, *from);
    walk_again(input);
}

// An upstream ledger is walked from its beginning; its decisions are not reported twice.
void Partition::walk_again(Input& input) {
    forget_items(input);
    see_again(input);
    input.chain.reset();
    input.next = 0;
    input.ended = false;
    expect_causes(input);
    read_from(input, 0);
}

void Partition::on_input_record(int index, std::int64_t offset, std::string_view record,
                                Time stored_at, Tick tick) {
    Input& input = inputs_.at(static_cast<std::size_t>(index));
    // What comes before the range is known, or before an order was obeyed, is left over.
    if (!input.range_known || input.ordered || input.paused) return;
    if (input.chain.verifying()) return check_upstream(input, offset, record);
    if (offset < input.next) return;
    be_patient_longer(input, tick);
    input.next = offset + 1;
    input.read_at = tick;
    const bool news = is_news(input.news_from, offset);
    switch (input.spec.kind) {
        case Kind::commands:
            read_command(input, offset, record, stored_at, news, tick);
            break;
        case Kind::ledger:
            read_upstream(input, offset, record, news, tick);
            break;
        case Kind::stream:
            read_stream(input, offset, record, stored_at, news, tick);
            break;
    }
    // It grew on to where it was, or it is another that grows, and may never stop growing.
    if (input.short_from && offset + 1 >= input.expected_end) forget_short(input);
}

void Partition::check_upstream(Input& input, std::int64_t offset, std::string_view record) {
    switch (check(input.chain, input.seal, offset, record)) {
        case Chain::Check::going_on:
            return;
        case Chain::Check::changed:
            return forget_what_was_told();
        case Chain::Check::same:
            input.next = input.chain.head_offset() + 1;
            // What is named before that and was not found does not count there.
            if (!input.expected.empty() && input.expected.front().first < input.next)
                find_cause(input, input.expected.front().first, {});
    }
}

void Partition::on_input_end(int index, std::int64_t offset) {
    Input& input = inputs_.at(static_cast<std::size_t>(index));
    if (!input.range_known || input.ordered || input.paused) return;
    if (input.chain.verifying()) {
        if (input.chain.check_end(offset) == Chain::Check::changed) forget_what_was_told();
        return;
    }
    input.ended = true;
    if (input.blind) return;  // What lies there is not to be compared with what others decided.
    if (input.spec.kind == Kind::ledger) {
        if (input.doubtful) return verify_input(input);
        if (input.counted_offset > input.chain.head_offset()) return forget_what_was_told();
    }
    if (input.fork) return;
    if (!input.expected.empty() && input.expected.front().first < offset)
        return find_cause(input, offset, {});
    // Not at once: after a change of leader a broker may name an end that is behind for a moment.
    if (input.expected_end <= offset) return forget_short(input);
    input.short_from = std::min(offset, input.short_from.value_or(offset));
    input.short_again = input.short_asked;
}

// Whether the record is the one that a decision names, be it one that is under way.
void Partition::find_cause(Input& input, std::int64_t offset, const std::string& digest) {
    if (input.blind) return;
    if (offset < fold_->position(input.spec.topic))
        for (const InFlight& own : flight_)
            if (own.applied && own.decision.cause().topic() == input.spec.topic &&
                own.decision.cause().offset() == offset &&
                own.decision.cause().record_digest() != digest)
                set_fork(input, offset);
    if (input.expected.empty() || offset < input.expected.front().first) return;
    if (offset == input.expected.front().first && digest == input.expected.front().second) {
        input.sound = offset + 1;
        input.expected.pop_front();
        // It did not end there after all.
        if (input.fork_by_end) drop_fork(input);
        return;
    }
    set_fork(input, last_shared(input, input.expected.front().first));
}

// `by_end`: only the log's end shows it, which may have been named too early.
void Partition::set_fork(Input& input, std::int64_t offset, bool by_end) {
    input.fork_by_end = by_end && (!input.fork || input.fork_by_end);
    input.fork = std::min(offset, input.fork.value_or(offset));
}

void Partition::drop_fork(Input& input) {
    input.fork.reset();
    input.fork_by_end = false;
    input.fork_seen = {};
}

void Partition::expect(Input& input, std::int64_t offset, const std::string& digest) {
    input.expected_end = std::max(input.expected_end, offset + 1);
    const auto place = std::ranges::lower_bound(input.expected, offset, {},
                                                &std::pair<std::int64_t, std::string>::first);
    if (place == input.expected.end() || place->first != offset)
        input.expected.emplace(place, offset, digest);
}

// Up to where the log, which differs from the decisions at `offset`, is known to be what they were
// made on. Where nothing is known, all that it holds is met again: a command is remembered, or
// expired, and a reading repeats itself; nothing remembers what an upstream ledger brought.
std::int64_t Partition::last_shared(const Input& input, std::int64_t offset) {
    if (input.sound >= 0) return input.sound;
    if (input.spec.kind != Kind::ledger) return input.low;
    return std::min(offset, input.short_from.value_or(offset));
}

// A decision counted, by whichever instance, on a record that this one reads later or has read: it
// must be the same. Otherwise one of the two read what its log lost unnoticed; the log shows which.
void Partition::compare_cause(Input& input, std::int64_t offset, const std::string& digest) {
    if (!input.range_known || input.spec.view_only || offset < input.low || input.blind ||
        planted(Bug::no_input_check))
        return;
    if (offset >= input.next) return expect(input, offset, digest);
    bool same = !input.chain.disagrees(offset, digest);
    if (input.spec.kind != Kind::ledger) {
        // It may have been passed over, as a repeat or a reading that changes nothing.
        const auto item = std::ranges::find_if(
            input.items, [&](const Item& one) { return one.offset == offset; });
        same = item == input.items.end() || item->record_digest == digest;
    }
    if (same) {
        if (input.expected.empty()) input.sound = std::max(input.sound, offset + 1);
        return;
    }
    // Of an upstream ledger only what was reported is compared; where it is still there, and
    // nothing behind it is what the other decided on, it was the other that read what is lost.
    if (input.spec.kind == Kind::ledger) {
        expect(input, offset, digest);
        if (!input.chain.verifying()) verify_input(input);
    } else if (!input.ordered) {
        read_again(input);
    }
}

// What cannot be read is remembered only as one of the last causes.
bool Partition::may_be_decided(const Input& input, const Item& item) const {
    if (item.readable) return false;
    const auto& [position, causes, begins] = fold_->place(input.spec.topic);
    return causes.empty() || item.offset < begins ||
           std::ranges::binary_search(causes, item.offset, {},
                                      &std::pair<std::int64_t, std::string>::first);
}

bool Partition::wants_decision(const Item& item) const {
    if (signature(item) == Signed::replaced) return false;
    if (!item.readable) return true;
    const Time expires_at = from_proto(item.command.expires_at());
    return fold_->answer(item.key, item.digest) == nullptr && expires_at > fold_->last() &&
           !fold_->may_be_forgotten(expires_at);
}

// What was passed by without a decision must need none here either: the first command before
// `offset` that does. Who passed it read something else there, which the log lost; or this one did.
std::optional<std::int64_t> Partition::wanting_before(const Input& input,
                                                      std::int64_t offset) const {
    if (input.spec.kind != Kind::commands || input.blind || planted(Bug::no_input_check))
        return std::nullopt;
    const auto wanting = std::ranges::find_if(input.items, [&](const Item& item) {
        return item.offset >= offset || wants_decision(item);
    });
    if (wanting == input.items.end() || wanting->offset >= offset) return std::nullopt;
    return wanting->offset;
}

// A decision on the record at `offset`, or that passes it by, counts. The log shows which of the
// two read what is lost, see read_command().
void Partition::compare_passed(Input& input, std::int64_t offset, const std::string& digest) {
    if (!input.range_known) return;
    const auto from = wanting_before(input, offset);
    if (!digest.empty()) compare_cause(input, offset, digest);
    if (from) read_again(input, *from);
}

// The log ends before what was decided on; its range is requested once more before that counts,
// since it may be the reader that stands still.
void Partition::confirm_short(Input& input, Tick tick) {
    if (!input.short_from || input.ordered || input.chain.verifying()) return;
    if (input.short_since == Tick{}) input.short_since = tick;
    if (tick - input.short_since < options_.short_patience) return;
    if (!std::exchange(input.short_asked, true))
        return read_from(input, std::max(input.next, *input.short_from));
    if (!input.short_again) return;
    set_fork(input, last_shared(input, *input.short_from), true);
    forget_short(input);
}

// A decision set the input back; what its log holds now is considered from there on.
void Partition::rewound(Input& input) {
    drop_fork(input);
    if (input.spec.kind == Kind::ledger) return walk_again(input);
    read_again(input);
}

void Partition::on_input_out_of_range(int index) {
    Input& input = inputs_.at(static_cast<std::size_t>(index));
    if (!input.range_known || input.ordered) return;
    if (input.spec.kind == Kind::ledger) return forget_what_was_told();
    forget_inputs();
}

void Partition::on_dead_letter_stored(int index, std::int64_t offset) {
    for (Item& item : inputs_.at(static_cast<std::size_t>(index)).items)
        if (item.offset == offset) item.dead_letter_stored = true;
}

// A command or a reading that is to be considered; nothing for one that is decided, or not ours.
std::optional<Partition::Item> Partition::item_of(Input& input, std::int64_t offset,
                                                  std::string_view record, Time stored_at,
                                                  bool news) {
    const bool decided = caught_up_ && offset < counted_position(input);
    if (decided && input.expected.empty()) return std::nullopt;
    input.last_digest = sha256(record);
    const bool named = !input.expected.empty() && input.expected.front().first == offset;
    find_cause(input, offset, input.last_digest);
    if (decided && (named || input.spec.kind != Kind::commands)) return std::nullopt;
    const Seal::Opened opened = input.seal.examine(record);
    if (opened.sealed != Sealed::ours) {
        if (news) ++counters_.foreign_records;
        return std::nullopt;
    }
    Item item;
    item.offset = offset;
    item.record_digest = input.last_digest;
    item.key_id = opened.key_id;
    item.stored_at = stored_at;
    item.bytes = record.size();
    item.readable =
        item.command.ParseFromArray(opened.body.data(), static_cast<int>(opened.body.size()));
    return item;
}

void Partition::read_command(Input& input, std::int64_t offset, std::string_view record,
                             Time stored_at, bool news, Tick tick) {
    auto item_read = item_of(input, offset, record, stored_at, news);
    if (!item_read) return;
    Item& item = *item_read;
    item.readable =
        item.readable && !item.command.request_id().empty() && !item.command.actor().empty();
    if (item.readable) {
        const auto& command = item.command;
        item.key = request_key(command.realm(), command.actor(), command.request_id());
        item.digest =
            body_digest(command.agency(), command.body(), from_proto(command.expires_at()));
    } else {
        item.raw = std::string(record);
    }
    if (caught_up_ && offset < counted_position(input)) {
        // Passed by, and yet it wants a decision: something else lay there, which was lost.
        if ((!input.fork || input.fork_by_end) && !planted(Bug::no_input_check) &&
            !may_be_decided(input, item) && wants_decision(item))
            set_fork(input, offset);
        return;
    }
    if (passed_over(item)) {
        if (leads()) ++counters_.repeats;
        return;
    }
    keep(input, std::move(item), tick);
}

// Upstream ledgers are walked from their beginning, so that what is void there is void here.
void Partition::read_upstream(Input& input, std::int64_t offset, std::string_view record, bool news,
                              Tick tick) {
    const Seal::Opened opened = input.seal.examine(record);
    const std::string_view body = opened.body;
    ledger::v1::Decision decision;
    if (opened.sealed != Sealed::ours ||
        !decision.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
        if (news) ++counters_.foreign_records;
        return;
    }
    const std::string digest = sha256(record);
    const Chain::Found found = input.chain.read(offset, digest, {decision, opened.key_id});
    if (found == Chain::Found::wrong_key && news) ++counters_.foreign_records;
    if (found == Chain::Found::orphan && !planted(Bug::no_input_check)) {
        input.doubtful = !input.ended;
        if (input.ended) return verify_input(input);
    }
    if (found != Chain::Found::counts && !planted(Bug::lost_reactor)) return;
    if (found == Chain::Found::counts && !tell_upstream(input, offset, decision, digest)) return;
    if (input.spec.view_only) return;
    find_cause(input, offset, digest);
    if (caught_up_ && offset < counted_position(input)) return;
    if (!decision.has_accepted() || decision.accepted().events_size() == 0) return;
    Item item;
    item.offset = offset;
    item.record_digest = digest;
    item.traceparent = decision.cause().traceparent();
    item.foreign.topic = input.spec.topic;
    item.foreign.service = input.spec.service;
    item.foreign.realm = decision.realm();
    item.foreign.offset = offset;
    item.foreign.at = from_proto(decision.decided_at());
    item.foreign.events.assign(decision.accepted().events().begin(),
                               decision.accepted().events().end());
    item.bytes = record.size();
    if (!concerns(item.foreign)) return;
    keep(input, std::move(item), tick);
}

// Others go on; this instance stands still there, and neither decides nor judges.
void Partition::lacks_key(Input& input, const std::string& key_id) {
    input.blind = true;
    input.halted = fmt::format(
        "not_our_key: {} is signed with a key that this instance lacks ({}); add it to the key "
        "file",
        input.spec.topic, key_id);
}

// False: the log differs from what was reported of it, and everything starts over.
bool Partition::tell_upstream(Input& input, std::int64_t offset,
                              const ledger::v1::Decision& decision, const std::string& digest) {
    if (decision.has_key_changed() && !keys_.has(decision.key_changed().key_id()))
        lacks_key(input, decision.key_changed().key_id());
    const int partitions = decision.input_restarted().partitions();
    if (partitions > 0 && partitions != options_.partitions)
        mismatch_ = wrong_partitions(input.spec.topic, partitions);
    if (offset < input.counted_offset) return true;
    if (offset == input.counted_offset) {
        if (digest == input.counted_digest) return true;
        forget_what_was_told();
        return false;
    }
    if (input.counted_offset >= 0 && decision.previous_digest() != input.counted_digest) {
        forget_what_was_told();
        return false;
    }
    input.counted_offset = offset;
    input.counted_digest = digest;
    observer_.counted(index_of(input), offset, decision, digest);
    return true;
}

// What cannot be judged concerns us: the decider's error says why.
bool Partition::concerns(const Foreign& foreign) const {
    try {
        return fold_->rules().concerns(foreign);
    } catch (const std::exception&) {
        return true;
    }
}

void Partition::read_stream(Input& input, std::int64_t offset, std::string_view record,
                            Time stored_at, bool news, Tick tick) {
    auto item_read = item_of(input, offset, record, stored_at, news);
    if (!item_read) return;
    if (!item_read->readable) {
        if (news) ++counters_.foreign_records;
        return;
    }
    Item& item = *item_read;
    const ledger::v1::CommandRecord parsed = std::move(item.command);
    item.traceparent = parsed.traceparent();
    item.foreign.topic = input.spec.topic;
    item.foreign.service = input.spec.service;
    item.foreign.realm = parsed.realm();
    item.foreign.offset = offset;
    item.foreign.at = stored_at;
    item.foreign.events.push_back(parsed.body());
    keep(input, std::move(item), tick);
    // A leader drops only what it has considered.
    if (input.items.size() > options_.stream_backlog_max && (!leads() || input.cursor > 0))
        drop_front(input);
}

void Partition::keep(Input& input, Item item, Tick tick) {
    item.seen = tick;
    input.bytes += item.bytes;
    input.items.push_back(std::move(item));
    if (input.items.size() <= options_.items_max && input.bytes <= options_.item_bytes_max) return;
    input.paused = true;
    want_pauses_.push_back(index_of(input));
}

void Partition::resume_inputs() {
    for (Input& input : inputs_)
        if (input.paused && input.items.size() <= options_.items_max / 2 &&
            input.bytes <= options_.item_bytes_max / 2)
            read_from(input, input.next);
}

void Partition::drop_front(Input& input) {
    invariant(!input.items.empty() && input.bytes >= input.items.front().bytes,
              "an item that is dropped is there and was counted");
    input.bytes -= input.items.front().bytes;
    input.items.pop_front();
    if (input.cursor > 0) --input.cursor;
}

// Items before a counted position are done with: decided, or repeats of what was.
void Partition::drop_passed(Input& input, std::int64_t before) {
    const auto* listener = input.spec.kind == Kind::stream
                               ? dynamic_cast<const StreamListener*>(&fold_->rules())
                               : nullptr;
    while (!input.items.empty() && input.items.front().offset < before) {
        // Who waits for the last of them gets its answer with its decision.
        if (input.spec.kind == Kind::commands && input.items.front().offset + 1 < before)
            passed_over(input.items.front());
        if (listener) listener->passed(input.items.front().foreign);
        drop_front(input);
    }
}

// Whether the item repeats a request whose answer counts; then it is answered.
bool Partition::passed_over(const Item& item) {
    if (!item.readable) return false;
    const Remembered* answer = fold_->answer(item.key, item.digest);
    if (answer == nullptr || !answer->counted) return false;
    observer_.answered(item.key, item.digest, *answer);
    return true;
}

// What is only appended may never count, so its cause is still wanted.
std::int64_t Partition::counted_position(const Input& input) const {
    for (const InFlight& append : flight_)
        if (append.applied && append.decision.cause().topic() == input.spec.topic)
            return append.decision.cause().offset();
    return fold_->position(input.spec.topic);
}

std::int64_t Partition::input_position(int input) const {
    return fold_->position(inputs_.at(static_cast<std::size_t>(input)).spec.topic);
}

std::int64_t Partition::input_counted_offset(int index) const {
    return inputs_.at(static_cast<std::size_t>(index)).counted_offset;
}

bool Partition::input_ended(int index) const {
    return inputs_.at(static_cast<std::size_t>(index)).ended;
}

const std::string& Partition::input_halted(int index) const {
    return inputs_.at(static_cast<std::size_t>(index)).halted;
}

bool Partition::input_blind(int index) const {
    return inputs_.at(static_cast<std::size_t>(index)).blind;
}

std::int64_t Partition::considered(int index) const {
    const Input& input = inputs_.at(static_cast<std::size_t>(index));
    std::int64_t first = std::max<std::int64_t>(input.next, 0);
    if (planted(Bug::token_early)) return first + 1;
    if (input.blind) first = std::min(first, input.chain.head_offset() + 1);
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
