#include "gateway/rates.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::gateway {

double Rates::left_at(const Bucket& bucket, Time now) const {
    const double seconds = std::chrono::duration<double>(now - bucket.at).count();
    return std::min(burst_, bucket.left + seconds * per_second_);
}

// A full bucket says the same as none. At most once a second, since it looks at all of them.
void Rates::forget_full_ones(Time now) {
    if (now < next_forgetting_) return;
    next_forgetting_ = now + std::chrono::seconds(1);
    std::erase_if(buckets_,
                  [&](const auto& entry) { return left_at(entry.second, now) >= burst_; });
}

std::optional<std::chrono::milliseconds> Rates::take(const std::string& key, Time now) {
    if (per_second_ <= 0) return std::nullopt;
    if (buckets_.size() >= keys_max) forget_full_ones(now);
    const bool crowded = buckets_.size() >= keys_max && !buckets_.contains(key);
    Bucket& bucket =
        buckets_.try_emplace(crowded ? std::string{} : key, Bucket{burst_, now}).first->second;
    bucket.left = left_at(bucket, now);
    bucket.at = now;
    if (bucket.left >= 1) {
        bucket.left -= 1;
        return std::nullopt;
    }
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(std::ceil((1 - bucket.left) / per_second_ * 1000)));
}

void Rates::give_back(const std::string& key) {
    const auto found = buckets_.find(key);
    if (found != buckets_.end()) found->second.left = std::min(burst_, found->second.left + 1);
}

}  // namespace tocsin::gateway
