#include "gateway/seen_tokens.hpp"

#include <utility>

namespace tocsin::gateway {

const SeenTokens::Verdict* SeenTokens::Generations::find(const std::string& digest) const {
    if (const auto young = young_.find(digest); young != young_.end()) return &young->second;
    const auto old = old_.find(digest);
    return old == old_.end() ? nullptr : &old->second;
}

void SeenTokens::Generations::keep(const std::string& digest, Verdict verdict) {
    if (young_.size() >= tokens_max && !young_.contains(digest)) {
        old_ = std::move(young_);
        young_.clear();
    }
    young_[digest] = std::move(verdict);
}

void SeenTokens::Generations::forget(const std::string& digest) {
    young_.erase(digest);
    old_.erase(digest);
}

std::optional<SeenTokens::Verdict> SeenTokens::find(const std::string& digest, Time now) {
    if (good_.find(digest) != nullptr) {
        good_.keep(digest, {});  // It stays for being asked for.
        return Verdict{};
    }
    const Verdict* refused = refused_.find(digest);
    if (refused == nullptr || refused->until <= now) return std::nullopt;
    return *refused;
}

void SeenTokens::keep(const std::string& digest, const std::string& refused, Time now) {
    if (refused.empty()) {
        refused_.forget(digest);
        good_.keep(digest, {});
    } else {
        good_.forget(digest);
        refused_.keep(digest, {refused, now + refused_for});
    }
}

}  // namespace tocsin::gateway
