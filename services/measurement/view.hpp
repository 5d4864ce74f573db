// What measurement shows: one scorecard per message. Its news, while they happen, become metrics.
#pragma once

#include "measurement/decider.hpp"
#include "runtime/base/listing.hpp"
#include "runtime/base/shared_bytes.hpp"
#include "runtime/base/shared_map.hpp"
#include "runtime/base/shared_table.hpp"
#include "runtime/host/metrics.hpp"
#include "runtime/ledger/view.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::measurement {

// The four clocks, in the order of the scorecard.
inline constexpr std::array<std::string_view, 4> clock_names = {
    "reading_to_draft", "draft_to_cleared", "cleared_to_last_channel", "mistake_to_corrected"};
// Where they begin and end, but for the last channel.
inline constexpr std::array<std::string_view, 5> clock_points = {"crossed", "drafted", "cleared",
                                                                 "retraction_ordered", "corrected"};
// Seconds; -1 where not reached.
using Clocks = std::array<double, 4>;

// One message. A value whose copy costs O(1); an event costs O(log n) of its milestones and
// deliveries, however many channels a release has.
class Card {
public:
    Card() = default;
    // As scorecard() gave it while it could rest. Nothing that is told of its deliveries so far is
    // known any more.
    explicit Card(const v1::Scorecard& rested);

    void crossed(const v1::MilestoneReached& crossing);
    void reached(const v1::MilestoneReached& reached);
    void remarked(const v1::RemarkAdded& added) { insert(added.milestone()); }
    void noted(const v1::DeliveriesNoted& noted);
    void measured(double skew_ms) { skew_ms_ = skew_ms; }
    void concerns(const content::v1::Parties& parties) { parties_ = runtime::KeptParties(parties); }
    content::v1::Parties parties() const { return parties_.get(); }

    Clocks clocks() const;
    v1::Scorecard scorecard(const std::string& message_id) const;
    // Whether all that it has to say is in its scorecard: every delivery is final.
    bool can_rest() const;

    // The realm's to keep: clocks that were news once, its place in the list, when it changed last
    // and whether the realm looks at it once that is long ago.
    Clocks told{-1, -1, -1, -1};
    std::int64_t place = 0;
    Time changed{};
    bool watched = false;

private:
    // When, in microseconds, and the how-manieth one inserted: later ones of one time come after.
    struct Moment {
        std::int64_t at = 0;
        std::int64_t number = 0;
        auto operator<=>(const Moment&) const = default;
    };
    struct Delivery {
        std::string purpose, state;
        std::optional<Time> confirmed_at;
    };

    void insert(const v1::Milestone& point);
    void change(const std::pair<std::string, std::string>& key, const Delivery& to);
    // Nothing: it is not reached. One of the points that clocks begin or end at.
    std::optional<Time> first(std::string_view kind) const;
    // When the last channel confirmed the message; nothing while one is not settled.
    std::optional<Time> last_channel() const;
    static bool counts(const Delivery& delivery);
    static bool settled(const Delivery& delivery);

    runtime::SharedMap<Moment, std::string> milestones_;  // serialised
    std::int64_t inserted_ = 0;
    // Earliest of each kind in `clock_points`.
    std::array<std::optional<Time>, clock_points.size()> firsts_;
    std::vector<std::pair<std::string, Moment>> fired_;  // by purpose, of which there are two
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

// A card is kept as the bytes of its scorecard from then on: it has changed for the last time, but
// for a late remark or retraction.
inline constexpr runtime::Duration card_rests_after = std::chrono::hours{24};

// Clocks that a decision made end, by name and seconds; for the metrics.
using News = std::vector<std::pair<std::string_view, double>>;

// One realm. A value whose copy costs O(1).
class Realm {
public:
    void apply(const runtime::Counted& counted);

    std::optional<v1::Scorecard> scorecard(const std::string& message_id) const;
    // Whom it concerns; nobody where there is no such card.
    content::v1::Parties parties(const std::string& message_id) const;
    // `use(place, message_id)`, newest first, from the first behind `after` (0: the first), until
    // it returns false.
    template <class Use>
    void messages(std::int64_t after, Use&& use) const {
        list_.newest_first({}, after, use);
    }
    std::size_t size() const { return list_.size(); }
    // How many of them do not rest.
    std::size_t awake() const { return cards_.size(); }
    // Of the decision that was applied last.
    const News& news() const { return news_; }

private:
    struct Rested {
        runtime::Packed<v1::Scorecard> card;
        runtime::KeptParties parties;  // of the card too, which is not unpacked to look
        std::int64_t place = 0;
    };

    void apply(const v1::Event& event, Time now);
    Card& card_of(const std::string& message_id);
    void watch(Card& card, Time now);
    void rest(Time now);
    // The message that it is told of; empty while there is none.
    std::string reached(const v1::MilestoneReached& reached);
    std::string crossed(const v1::MilestoneReached& reached);

    runtime::SharedMap<std::string, Card> cards_;                      // those that do not rest
    runtime::SharedTable<Rested> rested_;                              // those that did once
    runtime::SharedMap<std::pair<Time, std::int64_t>, char> watched_;  // until when, and places
    runtime::Listing list_;
    // Crossing and draft come from two ledgers, in either order.
    runtime::SharedTable<runtime::Packed<v1::MilestoneReached>> crossings_;
    runtime::SharedTable<std::string> drafted_from_;  // message ids by crossing id
    News news_;
};

class MeasurementView final : public runtime::SnapshotViews<Realm> {
public:
    // `instance`: the writer whose decisions are counted here, so that over instances they add up.
    MeasurementView(int partitions, runtime::Metrics& metrics, std::string instance);
    void apply(const runtime::Counted& counted) override;
    // History is folded: what it says of the latest clocks is shown from now on. Ledger thread.
    void show();

private:
    struct Latest {
        Time at;
        double seconds = 0;
    };

    prometheus::Histogram& clock_histogram(std::string_view clock);
    void show(std::string_view clock, double seconds);

    runtime::Metrics& metrics_;
    std::string instance_;
    std::mutex mutex_;  // held for what follows, which is of all partitions
    bool shown_ = false;
    std::map<std::string_view, Latest> latest_;
};

}  // namespace tocsin::measurement
