#include "measurement/view.hpp"

namespace tocsin::measurement {
namespace {

// 0.1 s to 4 h: from a machine's pace to a committee's.
const std::vector<double> clock_buckets = {0.1, 0.25, 0.5, 1,   2.5,  5,    10,   30,
                                           60,  120,  300, 600, 1800, 3600, 7200, 14400};
const std::vector<double> skew_buckets = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

prometheus::Histogram& clock_histogram(runtime::Metrics& metrics, std::string_view clock) {
    return metrics.histogram("tocsin_clock_seconds",
                             "The four clocks of a message, where a clock ended lately.",
                             {{"clock", std::string(clock)}}, clock_buckets);
}

prometheus::Histogram& skew_histogram(runtime::Metrics& metrics) {
    return metrics.histogram("tocsin_release_skew_seconds",
                             "Between the first and the last confirmed request of a release.", {},
                             skew_buckets);
}

}  // namespace

void Realm::apply(const runtime::Counted& counted) {
    news_ = {};
    if (counted.service != "measurement") return;
    for (const std::string& bytes : counted.decision.accepted().events()) {
        v1::Event event;
        // An event that this version cannot read has already stopped the partition.
        if (event.ParseFromString(bytes)) apply(event);
    }
}

const Card* Realm::card(const std::string& message_id) const {
    const auto found = cards_.find(message_id);
    return found == cards_.end() ? nullptr : &found->second;
}

Card& Realm::card_of(const std::string& message_id) {
    const auto [place, added] = cards_.try_emplace(message_id);
    if (added) order_.push_back(message_id);
    return place->second;
}

void Realm::apply(const v1::Event& event) {
    std::string message_id;
    switch (event.body_case()) {
        case v1::Event::kMilestoneReached:
            message_id = reached(event.milestone_reached());
            break;
        case v1::Event::kRemarkAdded:
            message_id = event.remark_added().message_id();
            card_of(message_id).remarked(event.remark_added());
            break;
        case v1::Event::kSkewMeasured:
            message_id = event.skew_measured().message_id();
            card_of(message_id).measured(event.skew_measured().skew_ms());
            if (event.skew_measured().skew_ms() >= 0)
                news_.skews_ms.push_back(event.skew_measured().skew_ms());
            break;
        case v1::Event::kDeliveriesNoted: {
            const auto& noted = event.deliveries_noted();
            message_id = noted.message_id();
            card_of(message_id).noted(noted);
            for (const auto& one : noted.deliveries())
                kinds_[{noted.release_id(), one.delivery_id()}] = one.kind();
            break;
        }
        case v1::Event::BODY_NOT_SET:
            return;
    }
    if (message_id.empty()) return;
    // A clock that ended is news once, though it may be set right later.
    const Clocks clocks = card_of(message_id).clocks();
    Clocks& told = told_.try_emplace(message_id, Clocks{-1, -1, -1, -1}).first->second;
    for (std::size_t i = 0; i < clocks.size(); ++i) {
        if (told[i] >= 0 || clocks[i] < 0) continue;
        told[i] = clocks[i];
        news_.clocks.emplace_back(clock_names[i], clocks[i]);
    }
}

std::string Realm::crossed(const v1::MilestoneReached& reached) {
    crossings_[reached.crossing_id()] = reached;
    const auto drafted = drafted_from_.find(reached.crossing_id());
    if (drafted == drafted_from_.end()) return {};
    card_of(drafted->second).crossed(reached);
    return drafted->second;
}

std::string Realm::reached(const v1::MilestoneReached& reached) {
    const std::string& kind = reached.milestone().kind();
    if (kind == "crossed") return crossed(reached);
    const std::string& message_id = reached.message_id();
    Card& card = card_of(message_id);
    if (kind == "drafted" && !reached.crossing_id().empty()) {
        drafted_from_[reached.crossing_id()] = message_id;
        const auto crossing = crossings_.find(reached.crossing_id());
        if (crossing != crossings_.end()) card.crossed(crossing->second);
    }
    card.reached(reached);
    const auto delivery = kinds_.find({reached.release_id(), reached.delivery_id()});
    if (delivery != kinds_.end()) news_.settled.push_back({delivery->second, kind});
    return message_id;
}

MeasurementView::MeasurementView(int partitions, runtime::Metrics& metrics)
    : RealmViews(partitions), metrics_(metrics) {
    // There from the start, so that a rate over them is 0 and not absent.
    for (const std::string_view clock : clock_names) clock_histogram(metrics_, clock);
    skew_histogram(metrics_);
}

void MeasurementView::apply(const runtime::Counted& counted) {
    RealmViews::apply(counted);
    if (counted.live && counted.service == "measurement")
        read(counted.decision.realm(), [this](const Realm& realm) { publish(realm.news()); });
}

void MeasurementView::publish(const News& news) {
    for (const auto& [clock, seconds] : news.clocks)
        clock_histogram(metrics_, clock).Observe(seconds);
    for (const double skew_ms : news.skews_ms) skew_histogram(metrics_).Observe(skew_ms / 1000);
    for (const auto& [kind, state] : news.settled)
        metrics_
            .counter("tocsin_deliveries_settled_total",
                     "Deliveries that came to a state, by kind of channel.",
                     {{"kind", kind}, {"state", state}})
            .Increment();
}

}  // namespace tocsin::measurement
