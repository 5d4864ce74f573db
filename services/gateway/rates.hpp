// A token bucket for each of many keys: how many requests a second, with what was not used saved up
// to a limit. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

namespace tocsin::gateway {

class Rates {
public:
    using Time = std::chrono::steady_clock::time_point;
    // Beyond these, keys share one bucket.
    static constexpr std::size_t keys_max = 50'000;

    // `per_second` 0: no limit. Twice as many may come at once.
    explicit Rates(double per_second) : per_second_(per_second), burst_(2 * per_second) {}

    // Nothing: go on. Otherwise how long to wait.
    std::optional<std::chrono::milliseconds> take(const std::string& key, Time now);
    // What was taken counts no more.
    void give_back(const std::string& key);
    std::size_t keys() const { return buckets_.size(); }

private:
    struct Bucket {
        double left = 0;
        Time at;
    };
    double left_at(const Bucket& bucket, Time now) const;
    void forget_full_ones(Time now);

    double per_second_, burst_;
    std::unordered_map<std::string, Bucket> buckets_;
    Time next_forgetting_{};
};

}  // namespace tocsin::gateway
