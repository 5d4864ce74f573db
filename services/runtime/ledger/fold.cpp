#include "runtime/ledger/fold.hpp"

#include "runtime/base/invariant.hpp"
#include "runtime/base/planted.hpp"
#include "runtime/ledger/record.hpp"

namespace tocsin::runtime {

Fold::Fold(std::string genesis, std::unique_ptr<Rules> rules)
    : head_(std::move(genesis)), rules_(std::move(rules)) {}

bool Fold::apply(const ledger::v1::Decision& decision, const std::string& digest,
                 std::int64_t offset) {
    head_ = digest;
    writer_ = decision.writer();
    incarnation_ = decision.incarnation();
    opened_ = true;
    last_ = from_proto(decision.decided_at());
    ++decisions_;
    forget(last_);
    return apply_outcome(decision, offset);
}

bool Fold::apply_outcome(const ledger::v1::Decision& decision, std::int64_t offset) {
    using ledger::v1::Decision;
    switch (decision.outcome_case()) {
        case Decision::kAccepted:
            caused(decision.cause());
            remember(decision, offset);
            for (const std::string& event : decision.accepted().events())
                if (!rules_->evolve(decision.realm(), event, last_)) return false;
            if (decision.accepted().events_size() > 0) touched_.insert(decision.realm());
            return true;
        case Decision::kRejected:
            caused(decision.cause());
            remember(decision, offset);
            return true;
        case Decision::kInputRestarted:
            for (const auto& input : decision.input_restarted().inputs()) move(input);
            if (key_id_.empty()) {
                key_id_ = decision.input_restarted().key_id();
                partitions_ = decision.input_restarted().partitions();
            }
            return true;
        case Decision::kInputsPassed:
            for (const auto& input : decision.inputs_passed().inputs()) move(input);
            return true;
        case Decision::kInputsRewound:
            for (const auto& input : decision.inputs_rewound().inputs()) move(input);
            return true;
        case Decision::kClockOverridden:
            for (auto& [key, at] : replaced_) at = std::min(at, last_);
            return true;
        case Decision::kKeyChanged:
            replaced_[key_id_] = last_;
            key_id_ = decision.key_changed().key_id();
            return true;
        case Decision::OUTCOME_NOT_SET:
            break;
    }
    return false;
}

void Fold::caused(const ledger::v1::Cause& cause) {
    Place& place = places_[cause.topic()];
    place.position = cause.offset() + (planted(Bug::position_off_by_one) ? 2 : 1);
    keep_cause(place, cause.offset(), cause.record_digest());
}

void Fold::keep_cause(Place& place, std::int64_t offset, const std::string& digest) {
    place.causes.emplace_back(offset, digest);
    if (place.causes.size() <= causes_kept) return;
    place.begins = place.causes.front().first + 1;
    place.causes.pop_front();
}

void Fold::move(const ledger::v1::InputPosition& input) {
    Place& place = places_[input.topic()];
    place.position = input.next_offset();
    while (!place.causes.empty() && place.causes.back().first >= place.position)
        place.causes.pop_back();
    place.begins = std::min(place.begins, place.position);
    if (!input.record_digest().empty())
        keep_cause(place, place.position - 1, input.record_digest());
}

Remembered answer_of(const ledger::v1::Decision& decision, std::int64_t offset) {
    const auto& cause = decision.cause();
    Remembered answer{cause.body_digest(),
                      from_proto(cause.expires_at()),
                      offset >= 0,
                      offset,
                      from_proto(decision.decided_at()),
                      {},
                      {},
                      std::nullopt};
    if (decision.has_accepted()) {
        answer.subject = decision.accepted().subject();
        answer.etag = decision.accepted().etag();
    } else {
        const auto& rejected = decision.rejected();
        answer.rejection = Rejection{static_cast<Because>(rejected.status()), rejected.code(),
                                     rejected.text(), rejected.field()};
    }
    return answer;
}

// Other bits than those by which a map finds its own.
std::size_t Fold::shard_of(const std::string& key) { return absl::HashOf(key, 1) % memories; }

Fold::Memory& Fold::memory_of(const std::string& key) { return memory_[shard_of(key)]; }

std::size_t Fold::remembered_count() const {
    std::size_t count = 0;
    for (const Memory& memory : memory_) count += memory.size();
    return count;
}

// A second body under a known id is refused, and the first keeps its answer. The refusal is kept
// beside it: a repeat of the second body must not be executed once the first is forgotten.
static std::string memory_key(const ledger::v1::Decision& decision) {
    const auto& cause = decision.cause();
    std::string key = request_key(decision.realm(), cause.actor(), cause.request_id());
    if (decision.has_rejected() && decision.rejected().code() == "request_id_reused")
        key.append(1, '\0').append(cause.body_digest());
    return key;
}

void Fold::remember(const ledger::v1::Decision& decision, std::int64_t offset) {
    if (decision.cause().request_id().empty() || planted(Bug::no_memory)) return;
    std::string key = memory_key(decision);
    const auto [place, added] =
        memory_of(key).insert_or_assign(std::move(key), answer_of(decision, offset));
    const auto second = std::chrono::floor<std::chrono::seconds>(place->second.expires_at);
    if (added) expiring_[second.time_since_epoch().count()].push_back(&place->first);
}

// By `decided_at` only, never by a clock, and only once expired: until then a repeat finds its
// answer here, afterwards it is refused as expired.
void Fold::forget(Time decided_at) {
    Time until = decided_at;
    if (planted(Bug::short_memory)) until += std::chrono::minutes(59);
    const auto second = std::chrono::floor<std::chrono::seconds>(until).time_since_epoch().count();
    while (!expiring_.empty() && expiring_.begin()->first < second) {
        for (const std::string* key : expiring_.begin()->second) {
            Memory& memory = memory_of(*key);
            const auto found = memory.find(*key);
            invariant(found != memory.end(), "what is to expire is remembered");
            if (!planted(Bug::override_forgets)) forgotten_.add(found->second.expires_at);
            memory.erase(found);
        }
        expiring_.erase(expiring_.begin());
    }
}

void Fold::mark_counted(const ledger::v1::Decision& decision, std::int64_t offset) {
    if (decision.cause().request_id().empty()) return;
    const std::string key = memory_key(decision);
    Memory& memory = memory_of(key);
    const auto found = memory.find(key);
    if (found == memory.end()) return;
    if (found->second.body_digest != decision.cause().body_digest()) return;
    found->second.counted = true;
    found->second.offset = offset;
}

std::optional<Time> Fold::replaced_at(std::string_view key_id) const {
    const auto found = replaced_.find(key_id);
    if (found == replaced_.end()) return std::nullopt;
    return found->second;
}

const Fold::Place& Fold::place(const std::string& topic) const {
    static const Place nowhere;
    const auto found = places_.find(topic);
    return found == places_.end() ? nowhere : found->second;
}

const Remembered* Fold::remembered(const std::string& key) const {
    const Memory& memory = memory_[shard_of(key)];
    const auto found = memory.find(key);
    return found == memory.end() ? nullptr : &found->second;
}

const Remembered* Fold::answer(const std::string& key, const std::string& body_digest) const {
    const Remembered* first = remembered(key);
    if (first != nullptr && first->body_digest == body_digest) return first;
    return remembered(key + '\0' + body_digest);
}

std::set<std::string> Fold::take_touched() { return std::exchange(touched_, {}); }

}  // namespace tocsin::runtime
