// What measurement shows: one scorecard per message. Its news, while they happen, become metrics.
#pragma once

#include "measurement/decider.hpp"
#include "runtime/metrics.hpp"
#include "runtime/view.hpp"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::measurement {

// The four clocks, in the order of the scorecard.
inline constexpr std::array<std::string_view, 4> clock_names = {
    "reading_to_draft", "draft_to_cleared", "cleared_to_last_channel", "mistake_to_corrected"};
// Seconds; -1 where not reached.
using Clocks = std::array<double, 4>;

// One message.
class Card {
public:
    void crossed(const v1::MilestoneReached& crossing);
    void reached(const v1::MilestoneReached& reached);
    void remarked(const v1::RemarkAdded& added) { insert(added.milestone()); }
    void noted(const v1::DeliveriesNoted& noted);
    void measured(double skew_ms) { skew_ms_ = skew_ms; }

    Clocks clocks() const;
    v1::Scorecard scorecard(const std::string& message_id) const;

private:
    struct Delivery {
        std::string purpose, state;
        std::optional<Time> confirmed_at;
    };

    void insert(const v1::Milestone& point);
    std::optional<Time> first(std::string_view kind) const;
    // When the last channel confirmed the message; nothing while one is not settled.
    std::optional<Time> last_channel() const;

    std::vector<v1::Milestone> milestones_;  // in order of time
    std::map<std::pair<std::string, std::string>, Delivery> deliveries_;
    double skew_ms_ = -1;
    std::optional<content::v1::Evidence> reading_;
};

// Clocks that a decision made end, by name and seconds; for the metrics.
using News = std::vector<std::pair<std::string_view, double>>;

// One realm.
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const Card* card(const std::string& message_id) const;
    // Message ids, oldest first.
    const std::vector<std::string>& order() const { return order_; }
    // Of the decision that was applied last.
    const News& news() const { return news_; }

private:
    void apply(const v1::Event& event);
    Card& card_of(const std::string& message_id);
    // The message that it is told of; empty while there is none.
    std::string reached(const v1::MilestoneReached& reached);
    std::string crossed(const v1::MilestoneReached& reached);

    std::map<std::string, Card> cards_;
    std::map<std::string, Clocks> told_;  // clocks that were news once
    std::vector<std::string> order_;
    // Crossing and draft come from two ledgers, in either order.
    std::map<std::string, v1::MilestoneReached> crossings_;
    std::map<std::string, std::string> drafted_from_;  // message ids by crossing id
    News news_;
};

class MeasurementView final : public runtime::RealmViews<Realm> {
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
    // Ledger thread only.
    bool shown_ = false;
    std::map<std::string_view, Latest> latest_;
};

}  // namespace tocsin::measurement
