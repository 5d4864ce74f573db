#include "gateway/seen_tokens.hpp"

namespace tocsin::gateway {

std::optional<SeenTokens::Verdict> SeenTokens::find(const std::string& digest, Time now) {
    if (good_.use(digest) != nullptr) return Verdict{};
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
