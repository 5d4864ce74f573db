// How large a release gets. Every event that it leads to fits into one record of the ledger, with
// its content at content::content_bytes_max and all names as long as they may be.
#pragma once

#include "runtime/base/record_limits.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin::publishing {

// Deliveries of one purpose: all channels of the realm, with a message in every language.
inline constexpr int deliveries_max = 1500;
// Of those, on the channels of one agency: no agency takes all places from the others.
inline constexpr int deliveries_of_agency_max = deliveries_max / 3;
// Events of one decision, where it has one for each of many deliveries.
inline constexpr int events_max = 400;
// Bytes of the events of one decision that may grow until it is full.
inline constexpr std::size_t decision_bytes = runtime::decision_events_bytes;

inline constexpr std::size_t reason_bytes_max = 500;
inline constexpr std::size_t url_bytes_max = 500;
inline constexpr std::size_t receipt_bytes_max = 128;
// Of a receipt that a reply names.
inline constexpr std::size_t reply_bytes_max = 64;

// A retraction is tried, and stays on the feed, at least this long from its T0: a wrong message
// stays wrong after it expired.
inline constexpr std::chrono::hours retraction_lifetime{24};

// How long a channel may take to say whether it is ready before the others go without it.
inline constexpr std::chrono::seconds answer_time{2};
// Before fewer than a message needs give the release up; a new leader takes some seconds.
inline constexpr std::chrono::seconds quorum_time{10};

// The texts of a release are kept this long after its message, or the retraction of that, expired;
// until then it can be retracted and its alerts can be read.
inline constexpr std::chrono::hours kept_after_expiry{7 * 24};

// The first `max` bytes at most, cut between two characters; what was cut shows as an ellipsis.
std::string shortened(std::string_view text, std::size_t max);
// What a server said, as it may be recorded and shown: at most `reason_bytes_max`.
std::string reportable(std::string_view reason);

// Says what happened to deliveries: the first ones each, the others by their number.
class Account {
public:
    void add(std::string_view words);
    // Empty when nothing was added.
    std::string text() const;

private:
    static constexpr int named_max = 20;

    std::string all_;
    int count_ = 0;
};

}  // namespace tocsin::publishing
