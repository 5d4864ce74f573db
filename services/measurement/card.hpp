// The scorecard of one message, folded from its milestones.
#pragma once

#include "measurement/release.hpp"
#include "runtime/base/parties.hpp"
#include "runtime/base/shared_bytes.hpp"
#include "runtime/base/shared_map.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::measurement {

// The four clocks, in the order of the scorecard.
inline constexpr std::array<std::string_view, 4> clock_names = {
    "reading_to_draft", "draft_to_cleared", "cleared_to_last_channel", "mistake_to_corrected"};
// Where they begin and end, but for the last channel, and where what people do begins.
inline constexpr std::array clock_points = {v1::MILESTONE_KIND_CROSSED,
                                            v1::MILESTONE_KIND_DRAFTED,
                                            v1::MILESTONE_KIND_SUBMITTED,
                                            v1::MILESTONE_KIND_CLEARED,
                                            v1::MILESTONE_KIND_RETRACTION_ORDERED,
                                            v1::MILESTONE_KIND_CORRECTED};
// Seconds; -1 where not reached.
using Clocks = std::array<double, 4>;

// One message. A value whose copy costs O(1); an event costs O(log n) of its milestones and
// deliveries, however many channels a release has.
class Card {
public:
    Card() = default;
    // As scorecard() gave it while it could rest. Of its deliveries so far only the numbers by
    // state are known any more.
    explicit Card(const v1::Scorecard& rested);

    void crossed(const v1::MilestoneReached& crossing);
    // An event with a milestone, and one with what is noted of deliveries.
    void reached(const v1::Event& event);
    void noted(const v1::Event& event);
    void remarked(const v1::RemarkAdded& added) { insert(added.milestone()); }
    void measured(double skew_ms) { skew_ms_ = skew_ms; }
    void concerns(const content::v1::Parties& parties) { parties_ = runtime::KeptParties(parties); }
    content::v1::Parties parties() const { return parties_.get(); }

    Clocks clocks() const;
    // The earliest, or of retractions that were ordered the latest; nothing: it is not reached. One
    // of `clock_points`.
    std::optional<Time> first(v1::MilestoneKind kind) const;
    // When the first request of the message itself left.
    std::optional<Time> public_since() const;
    v1::Scorecard scorecard(const std::string& message_id) const;
    // Whether its scorecard holds all that it has: every delivery is final.
    bool can_rest() const;

    // The realm's to keep: clocks that were news once, its place in the list, when it changed last
    // and whether the realm looks at it once that is long ago.
    Clocks reported{-1, -1, -1, -1};
    std::int64_t place = 0;
    Time changed{};
    bool watched = false;

private:
    // The time in microseconds and the number of the insertion: of one time, the later inserted
    // comes after.
    struct Moment {
        std::int64_t at = 0;
        std::int64_t number = 0;
        auto operator<=>(const Moment&) const = default;
    };
    struct Delivery {
        published::Purpose purpose = published::PURPOSE_UNSPECIFIED;
        published::DeliveryState state = published::DELIVERY_STATE_UNSPECIFIED;
        std::optional<Time> confirmed_at;
    };

    void insert(const v1::Milestone& point);
    void change(const std::pair<std::string, std::string>& key, const Delivery& to);
    // When the last channel confirmed the message; nothing while one is not settled.
    std::optional<Time> last_channel() const;
    static bool counts(const Delivery& delivery);
    static bool settled(const Delivery& delivery);

    runtime::SharedMap<Moment, std::string> milestones_;  // serialised
    std::int64_t inserted_ = 0;
    // Earliest of each kind in `clock_points`.
    std::array<std::optional<Time>, clock_points.size()> firsts_;
    std::vector<std::pair<published::Purpose, Moment>> fired_;  // by purpose: there are two
    runtime::SharedMap<std::pair<std::string, std::string>, Delivery> deliveries_;
    // Of the message's own deliveries: how many are not settled, and when the last was confirmed.
    std::int64_t unsettled_ = 0;
    std::optional<Time> last_confirmed_;
    double skew_ms_ = -1;
    runtime::KeptParties parties_;
    runtime::Packed<content::v1::Evidence> reading_;  // empty where none is known
    // Deliveries by state of before it rested, and nothing else.
    runtime::Packed<v1::Scorecard> rested_;
};

}  // namespace tocsin::measurement
