// What became of tokens a moment ago, by their digest: a token that was refused is not checked
// again at once, and who showed a good one is not held up by those who show bad ones. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

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
    // The last word on it: a good one that is refused now is good no more.
    void keep(const std::string& digest, const std::string& refused, Time now);
    std::size_t size() const { return good_.size() + refused_.size(); }

private:
    // Those that were seen first are forgotten first.
    class Generations {
    public:
        const Verdict* find(const std::string& digest) const;
        void keep(const std::string& digest, Verdict verdict);
        void forget(const std::string& digest);
        std::size_t size() const { return young_.size() + old_.size(); }

    private:
        std::unordered_map<std::string, Verdict> young_, old_;
    };

    Generations good_, refused_;
};

}  // namespace tocsin::gateway
