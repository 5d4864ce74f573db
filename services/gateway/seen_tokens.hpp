// What became of tokens a moment ago, by their digest: a token that was refused is not checked
// again at once, and who showed a good one is not held up by those who show bad ones. One thread.
#pragma once

#include "runtime/base/generations.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace tocsin::gateway {

class SeenTokens {
public:
    using Time = std::chrono::steady_clock::time_point;
    // Of one generation. Good ones have two, and refused ones two of their own, so that no number
    // of these makes one of those forgotten.
    static constexpr std::size_t tokens_max = 20'000;
    // Another key set may make it good.
    static constexpr std::chrono::seconds refused_for{5};

    struct Verdict {
        std::string refused;  // why; empty: it was good
        Time until = Time::max();
    };
    // `digest`: sha256, as what a stranger may choose.
    std::optional<Verdict> find(const std::string& digest, Time now);
    // The last result counts: a good one that is refused now is good no more.
    void keep(const std::string& digest, const std::string& refused, Time now);
    std::size_t size() const { return good_.size() + refused_.size(); }

private:
    runtime::Generations<Verdict> good_{tokens_max}, refused_{tokens_max};
};

}  // namespace tocsin::gateway
