// The latest review of each message of a realm, as people read it.
#pragma once

#include "approval/corrections.hpp"
#include "approval/review.hpp"
#include "runtime/base/listing.hpp"
#include "runtime/base/shared_map.hpp"
#include "runtime/base/shared_table.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::approval {

// How long the content of a review stays readable after the review ended. The API promises it:
// tocsin/approval/v1/review.proto.
inline constexpr runtime::Duration content_kept = std::chrono::hours{24 * 30};

// Those of one realm. A value whose copy costs O(1).
class ReviewView {
public:
    void apply(const v1::Event& event, Time decided_at);
    // What a provider corrected of the readings that started a message.
    void apply(const trigger::v1::Event& event);
    // After the events of each decision.
    void drop_old_contents(Time decided_at);

    // The latest review of a message, with the corrections, and with its content where
    // `content_dropped` is not set.
    std::optional<v1::Review> whole(const std::string& message_id) const;
    // The same without its content, at less cost.
    std::optional<v1::Review> head(const std::string& message_id) const;
    // `use(place, message_id)`, newest submission first, only those in `state` unless it is
    // unspecified, from the first behind `after` (0: the first), until it returns false.
    template <class Use>
    void each(v1::ReviewState state, std::int64_t after, Use&& use) const {
        list_.newest_first(part_of(state), after, use);
    }
    std::size_t size() const { return list_.size(); }

private:
    // When a content may be dropped (microseconds), and the place of its review.
    using Ending = std::pair<std::int64_t, std::int64_t>;
    struct Shown {
        Review review;
        std::string crossing_id;  // Of its message; empty where none started it.
        std::int64_t place = 0;   // In the list; 0 until it is opened.
        v1::ReviewState state = v1::REVIEW_STATE_UNSPECIFIED;
        std::optional<Ending> ending;  // While it has ended and its content is kept.
        bool dropped = false;          // Whether its content is no longer kept.
    };

    // The part of the list that a state is; of unspecified, the whole.
    static std::string part_of(v1::ReviewState state);

    // Lists a review where it belongs after an event.
    void file(const std::string& message_id, Shown& shown, bool opened, Time at);

    runtime::SharedTable<Shown> by_message_;
    // Message ids in the order in which their latest review was opened.
    runtime::Listing list_;
    runtime::SharedMap<Ending, char> endings_;
    Corrections corrections_;
};

}  // namespace tocsin::approval
