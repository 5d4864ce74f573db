// What measurement shows: one scorecard per message. The clocks that a decision ends become
// metrics.
#pragma once

#include "measurement/card.hpp"
#include "measurement/practice.hpp"
#include "runtime/base/listing.hpp"
#include "runtime/base/shared_bytes.hpp"
#include "runtime/base/shared_map.hpp"
#include "runtime/base/shared_table.hpp"
#include "runtime/host/metrics.hpp"
#include "runtime/ledger/view.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::measurement {

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
    const Practice& practice() const { return practice_; }

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
    // The message whose card it is on; empty while there is none.
    std::string reached(const v1::Event& event);
    std::string crossed(const v1::MilestoneReached& reached);

    runtime::SharedMap<std::string, Card> cards_;                      // those that do not rest
    runtime::SharedTable<Rested> rested_;                              // those that did once
    runtime::SharedMap<std::pair<Time, std::int64_t>, char> watched_;  // until when, and places
    runtime::Listing list_;
    // Crossing and draft come from two ledgers, in either order.
    runtime::SharedTable<runtime::Packed<v1::MilestoneReached>> crossings_;
    runtime::SharedTable<std::string> drafted_from_;  // message ids by crossing id
    News news_;
    Practice practice_;
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
