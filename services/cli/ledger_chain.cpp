#include "cli/ledger_chain.hpp"

#include "runtime/record.hpp"

#include <fmt/format.h>

namespace tocsin::cli {

LedgerChain::LedgerChain(std::string_view topic, int partition, const runtime::Mac& mac)
    : mac_(mac), head_(runtime::genesis_digest(topic, partition)) {
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
    const auto body = runtime::unseal(record, mac_);
    ledger::v1::Decision decision;
    if (!body || !decision.ParseFromArray(body->data(), static_cast<int>(body->size()))) {
        ++foreign_;
        note(offset, "not by a holder of the world's key");
        return seen;
    }
    const std::string& previous = decision.previous_digest();
    if (previous == head_) {
        const auto at = runtime::from_proto(decision.decided_at());
        if (at < decided_at_) note(offset, "decided before the decision that it extends");
        decided_at_ = at;
        head_ = seen.digest;
        counted_digests_.insert(head_);
        orphan_.reset();
        ++counted_;
        seen.kind = Kind::counted;
    } else {
        ++void_;
        if (!counted_digests_.contains(previous) && !void_digests_.contains(previous) && !orphan_)
            orphan_ = offset;
        void_digests_.insert(seen.digest);
        seen.kind = Kind::empty_void;
    }
    seen.decision = std::move(decision);
    return seen;
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
