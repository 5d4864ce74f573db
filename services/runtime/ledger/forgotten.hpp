// When the requests expired that a fold no longer remembers, as spans. While `decided_at` runs
// forward all of them lie before it, and a repeat is refused as expired; after an override of the
// clock this shows what may be such a repeat.
#pragma once

#include "runtime/base/time.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace tocsin::runtime {

class Forgotten {
public:
    void add(Time expires_at);
    // Whether a request of that expiry may be one of them. Spans are joined where they are close
    // or too many, so that it may be true for another one.
    bool may_hold(Time expires_at) const;

private:
    static constexpr std::chrono::minutes gap{1};
    static constexpr std::size_t spans_max = 64;

    std::vector<std::pair<Time, Time>> spans_;  // ascending, apart
};

}  // namespace tocsin::runtime
