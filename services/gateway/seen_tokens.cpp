#include "gateway/seen_tokens.hpp"

#include <utility>

namespace tocsin::gateway {

std::optional<SeenTokens::Verdict> SeenTokens::find(const std::string& digest, Time now) {
    const auto young = young_.find(digest);
    const auto old = young == young_.end() ? old_.find(digest) : old_.end();
    if (young == young_.end() && old == old_.end()) return std::nullopt;
    const Verdict verdict = young != young_.end() ? young->second : old->second;
    if (verdict.until <= now) return std::nullopt;
    // Only a good one stays for being asked for: bad ones must not make it forgotten.
    if (young == young_.end() && verdict.refused.empty()) keep(digest, verdict);
    return verdict;
}

void SeenTokens::keep(const std::string& digest, const std::string& refused, Time now) {
    keep(digest, {refused, refused.empty() ? Time::max() : now + refused_for});
}

void SeenTokens::keep(const std::string& digest, Verdict verdict) {
    if (young_.size() >= tokens_max) {
        old_ = std::move(young_);
        young_.clear();
    }
    young_[digest] = std::move(verdict);
}

}  // namespace tocsin::gateway
