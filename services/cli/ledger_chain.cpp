#include "cli/ledger_chain.hpp"

#include <fmt/format.h>

namespace tocsin::cli {

LedgerChain::LedgerChain(std::string_view topic, int partition, const runtime::WorldKeys& keys)
    : seal_(keys, topic, runtime::RecordKind::decision),
      head_(runtime::genesis_digest(topic, partition)) {
    counted_digests_.insert(head_);
}

void LedgerChain::note(std::int64_t offset, const std::string& what) {
    if (fault_.empty()) fault_ = fmt::format("offset {}: {}", offset, what);
}

LedgerChain::Seen LedgerChain::add(std::int64_t offset, std::string_view record) {
    if (offset != next_offset_)
        note(offset, fmt::format("records {} to {} are not there", next_offset_, offset - 1));
    next_offset_ = offset + 1;
    Seen seen;
    seen.digest = runtime::sha256(record);
    const auto opened = seal_.examine(record);
    ledger::v1::Decision decision;
    if (opened.sealed != runtime::Sealed::ours ||
        !decision.ParseFromArray(opened.body.data(), static_cast<int>(opened.body.size()))) {
        ++foreign_;
        note(offset, opened.sealed == runtime::Sealed::unknown_key
                         ? fmt::format("sealed with {}, which is not in the file of keys",
                                       runtime::Seal::named_key(record))
                         : "not by a holder of the world's keys");
        return seen;
    }
    seen.decision = std::move(decision);
    seen.key_id = opened.key_id;
    const std::string& previous = seen.decision->previous_digest();
    if (previous == head_ && !key_id_.empty() && seen.key_id != key_id_) {
        // Who has a key that was replaced can still make seals; none of them counts.
        ++foreign_;
        note(offset, fmt::format("sealed with {} while {} was in force", seen.key_id, key_id_));
        seen.decision.reset();
        return seen;
    }
    if (previous == head_) {
        count(offset, seen);
        seen.kind = Kind::counted;
    } else {
        ++void_;
        if (!counted_digests_.contains(previous) && !void_digests_.contains(previous) && !orphan_)
            orphan_ = offset;
        void_digests_.insert(seen.digest);
        seen.kind = Kind::empty_void;
    }
    return seen;
}

void LedgerChain::count(std::int64_t offset, const Seen& seen) {
    const ledger::v1::Decision& decision = *seen.decision;
    const auto at = runtime::from_proto(decision.decided_at());
    if (at < decided_at_ && !decision.has_clock_overridden())
        note(offset, "decided before the decision that it extends");
    decided_at_ = at;
    key_id_ = runtime::Chain::Link(decision, seen.key_id).next_key_id;
    if (decision.has_key_changed()) key_changes_.emplace_back(offset, key_id_);
    head_ = seen.digest;
    counted_digests_.insert(head_);
    orphan_.reset();
    ++counted_;
}

std::string LedgerChain::fault() const {
    if (!fault_.empty()) return fault_;
    if (orphan_)
        return fmt::format(
            "offset {}: extends a record that is not in the log, and nothing counts "
            "after it",
            *orphan_);
    return {};
}

}  // namespace tocsin::cli
