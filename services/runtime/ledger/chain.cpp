#include "runtime/ledger/chain.hpp"

#include "runtime/base/invariant.hpp"
#include "runtime/base/planted.hpp"

#include <algorithm>
#include <cstring>

namespace tocsin::runtime {

static std::uint64_t shortened(std::string_view digest) {
    std::uint64_t value = 0;
    std::memcpy(&value, digest.data(), std::min(sizeof value, digest.size()));
    return value;
}

void Chain::remember(const std::string& digest) {
    if (seen_.size() >= seen_max) {
        seen_before_ = std::move(seen_);
        seen_.clear();
    }
    seen_.insert(shortened(digest));
}

Chain::Found Chain::read(std::int64_t offset, const std::string& digest, const Link& link) {
    if (link.previous == head_ || planted(Bug::no_chain)) {
        if (!key_id_.empty() && link.key_id != key_id_ && !planted(Bug::old_key_counts))
            return Found::wrong_key;
        key_id_ = link.next_key_id;
        head_ = digest;
        head_offset_ = offset;
        recent_.emplace_back(offset, digest);
        if (recent_.size() > recent_max) recent_.pop_front();
        remember(digest);
        return Found::counts;
    }
    const std::uint64_t wanted = shortened(link.previous);
    const bool known =
        link.previous == genesis_ || seen_.contains(wanted) || seen_before_.contains(wanted);
    remember(digest);
    if (known) return Found::void_record;
    if (orphans_.size() >= seen_max) orphans_.clear();
    return orphans_.insert(shortened(digest)).second ? Found::orphan : Found::void_record;
}

// Not the head alone: after a lost tail it may be an own record, behind what is no longer there.
std::optional<std::int64_t> Chain::verify() {
    if (recent_.empty()) return std::nullopt;
    verifying_ = true;
    verified_ = 0;
    return recent_.front().first;
}

// What follows the head did not count; it is read again, in case other records lie there now. So
// may it be in between: what was lost was sent again and lies where it lay, behind a record that
// was faster this time.
Chain::Check Chain::check(std::int64_t offset, const std::string& digest,
                          const std::optional<Link>& link) {
    invariant(verifying_ && verified_ < recent_.size(),
              "a chain is compared only while one of its last decisions is left to be");
    const auto& [expected, expected_digest] = recent_[verified_];
    if (offset < expected) {
        const bool counts = verified_ > 0 && link && link->key_id == verified_key_id_ &&
                            link->previous == recent_[verified_ - 1].second;
        return counts ? Check::changed : Check::going_on;
    }
    if (offset > expected || digest != expected_digest) return Check::changed;
    if (link) verified_key_id_ = link->next_key_id;
    if (++verified_ < recent_.size()) return Check::going_on;
    verifying_ = false;
    return Check::same;
}

Chain::Check Chain::check_end(std::int64_t offset) {
    return offset <= head_offset_ ? Check::changed : Check::going_on;
}

std::optional<std::int64_t> Chain::offset_of(const std::string& digest) const {
    const auto found = std::find_if(recent_.rbegin(), recent_.rend(),
                                    [&](const auto& counted) { return counted.second == digest; });
    if (found == recent_.rend()) return std::nullopt;
    return found->first;
}

bool Chain::disagrees(std::int64_t offset, const std::string& digest) const {
    if (!recent_.empty() && offset < recent_.front().first) return false;
    const auto found = std::lower_bound(
        recent_.begin(), recent_.end(), offset,
        [](const auto& counted, std::int64_t wanted) { return counted.first < wanted; });
    return found == recent_.end() || found->first != offset || found->second != digest;
}

// Orphans stay known: they were looked into, and a second pass would find nothing else.
void Chain::reset() {
    head_ = genesis_;
    key_id_.clear();
    head_offset_ = -1;
    recent_.clear();
    verifying_ = false;
    seen_.clear();
    seen_before_.clear();
}

}  // namespace tocsin::runtime
