#include "runtime/fold.hpp"

#include "runtime/record.hpp"

namespace tocsin::runtime {

Fold::Fold(std::string genesis, std::unique_ptr<Rules> rules, Bug bug)
    : head_(std::move(genesis)), rules_(std::move(rules)), bug_(bug) {}

bool Fold::apply(const ledger::v1::Decision& decision, const std::string& digest,
                 std::int64_t offset) {
    head_ = digest;
    writer_ = decision.writer();
    opened_ = true;
    last_ = from_proto(decision.decided_at());
    ++decisions_;
    forget(last_);
    if (decision.has_input_restarted()) {
        for (const auto& input : decision.input_restarted().inputs())
            positions_[input.topic()] = input.next_offset();
        return true;
    }
    positions_[decision.cause().topic()] =
        decision.cause().offset() + (bug_ == Bug::position_off_by_one ? 2 : 1);
    if (!decision.cause().request_id().empty()) remember(decision, offset);
    if (!decision.has_accepted()) return true;
    for (const std::string& event : decision.accepted().events())
        if (!rules_->evolve(decision.realm(), event, last_)) return false;
    if (decision.accepted().events_size() > 0) touched_.insert(decision.realm());
    return true;
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

// A second body under a known id is refused, and the first keeps its answer. The refusal is kept
// beside it: a repeat of the second body must not be executed once the first is forgotten.
static std::string memory_key(const ledger::v1::Cause& cause, bool reused) {
    std::string key = request_key(cause.actor(), cause.request_id());
    if (reused) key.append(1, '\0').append(cause.body_digest());
    return key;
}

static bool refused_as_reused(const ledger::v1::Decision& decision) {
    return decision.has_rejected() && decision.rejected().code() == "request_id_reused";
}

void Fold::remember(const ledger::v1::Decision& decision, std::int64_t offset) {
    if (bug_ == Bug::no_memory) return;
    const auto [place, added] = memory_.insert_or_assign(
        memory_key(decision.cause(), refused_as_reused(decision)), answer_of(decision, offset));
    const auto second = std::chrono::floor<std::chrono::seconds>(place->second.expires_at);
    if (added) expiring_.emplace(second.time_since_epoch().count(), &place->first);
}

// By `decided_at` only, never by a clock, and only once expired: until then a repeat finds its
// answer here, afterwards it is refused as expired.
void Fold::forget(Time decided_at) {
    Time until = decided_at;
    if (bug_ == Bug::short_memory) until += std::chrono::minutes(59);
    const auto second = std::chrono::floor<std::chrono::seconds>(until).time_since_epoch().count();
    while (!expiring_.empty() && expiring_.top().first < second) {
        memory_.erase(*expiring_.top().second);
        expiring_.pop();
    }
}

void Fold::mark_counted(const ledger::v1::Decision& decision, std::int64_t offset) {
    if (decision.cause().request_id().empty()) return;
    const auto found = memory_.find(memory_key(decision.cause(), refused_as_reused(decision)));
    if (found == memory_.end()) return;
    if (found->second.body_digest != decision.cause().body_digest()) return;
    found->second.counted = true;
    found->second.offset = offset;
}

std::int64_t Fold::position(const std::string& topic) const {
    const auto found = positions_.find(topic);
    return found == positions_.end() ? 0 : found->second;
}

const Remembered* Fold::remembered(const std::string& key) const {
    const auto found = memory_.find(key);
    return found == memory_.end() ? nullptr : &found->second;
}

const Remembered* Fold::answer(const std::string& key, const std::string& body_digest) const {
    const Remembered* first = remembered(key);
    if (first != nullptr && first->body_digest == body_digest) return first;
    return remembered(key + '\0' + body_digest);
}

std::set<std::string> Fold::take_touched() { return std::exchange(touched_, {}); }

}  // namespace tocsin::runtime
