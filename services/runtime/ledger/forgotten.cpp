#include "runtime/ledger/forgotten.hpp"

#include <algorithm>

namespace tocsin::runtime {

static auto first_not_before(auto& spans, Time at) {
    return std::lower_bound(spans.begin(), spans.end(), at,
                            [](const auto& span, Time time) { return span.second < time; });
}

void Forgotten::add(Time expires_at) {
    auto next = first_not_before(spans_, expires_at);
    if (next != spans_.end() && next->first <= expires_at) return;
    const bool joins_next = next != spans_.end() && next->first - expires_at <= gap;
    const bool joins_last = next != spans_.begin() && expires_at - std::prev(next)->second <= gap;
    if (joins_last && joins_next) {
        next->first = std::prev(next)->first;
        spans_.erase(std::prev(next));
    } else if (joins_last) {
        std::prev(next)->second = expires_at;
    } else if (joins_next) {
        next->first = expires_at;
    } else {
        spans_.insert(next, {expires_at, expires_at});
    }
    if (spans_.size() <= spans_max) return;
    spans_[1].first = spans_[0].first;
    spans_.erase(spans_.begin());
}

bool Forgotten::may_hold(Time expires_at) const {
    const auto span = first_not_before(spans_, expires_at);
    return span != spans_.end() && span->first <= expires_at;
}

}  // namespace tocsin::runtime
