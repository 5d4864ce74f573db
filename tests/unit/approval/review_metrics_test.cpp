#include "approval/review_metrics.hpp"

#include "support/given.hpp"
#include "support/metric_value.hpp"

namespace tocsin::approval {
namespace {

using testing::at;
using testing::metric_value;
using testing::observed;

// One instance, `a`, that folds what counted.
struct Instance {
    runtime::Metrics metrics{""};
    ApprovalView view{1};
    ReviewMetrics reviews{metrics, view, "a", 1};

    void tell(const v1::Event& event, int second, bool live = true, const std::string& writer = "a",
              const std::string& realm = "bow") {
        ledger::v1::Decision decision;
        decision.set_realm(realm);
        decision.set_writer(writer);
        decision.mutable_accepted()->add_events(event.SerializeAsString());
        const runtime::Counted counted{"approval", 0, 0, at(second), decision, live};
        view.apply(counted);
        reviews.apply(counted);
    }
    std::optional<double> waiting(const std::string& agency, const std::string& realm = "bow") {
        return metric_value(metrics, "tocsin_reviews_waiting",
                            {{"realm", realm}, {"agency", agency}});
    }
    // Second at which the oldest was submitted.
    double oldest(const std::string& agency, const std::string& realm = "bow") {
        const auto value = metric_value(metrics, "tocsin_review_oldest_timestamp_seconds",
                                        {{"realm", realm}, {"agency", agency}});
        return value.value_or(-1) == 0 ? -1 : *value - 1'750'000'000;
    }
    std::optional<double> ended(const std::string& outcome) {
        return metric_value(metrics, "tocsin_reviews_total", {{"outcome", outcome}});
    }
    std::uint64_t measured() { return observed(metrics, "tocsin_approval_seconds")->count; }
};

v1::Event imported_roster() {
    v1::Event event;
    for (const char* id : {"calgary", "alberta"})
        event.mutable_roster_imported()->mutable_roster()->add_agencies()->set_agency_id(id);
    return event;
}

v1::Event opened(const std::string& id, int second) {
    v1::Event event = event_of(id);
    v1::Review& review = *event.mutable_review_opened()->mutable_review();
    review.set_message_id(id);
    review.set_state(v1::REVIEW_STATE_IN_REVIEW);
    *review.mutable_submit_time() = runtime::to_proto(at(second));
    for (const char* agency : {"calgary", "alberta"}) review.add_agencies()->set_agency_id(agency);
    return event;
}

v1::Event agency_cleared(const std::string& id, const std::string& agency) {
    v1::Event event = event_of(id);
    event.mutable_agency_cleared()->set_agency_id(agency);
    return event;
}

v1::Event cleared(const std::string& id) {
    v1::Event event = event_of(id);
    event.mutable_cleared();
    return event;
}

v1::Event returned(const std::string& id, bool taken_back) {
    v1::Event event = event_of(id);
    event.mutable_review_returned()->set_taken_back(taken_back);
    return event;
}

TEST(ReviewMetrics, AnAgencyOfTheSameNameInAnotherRealmIsAnother) {
    Instance a;
    a.reviews.show();
    a.tell(imported_roster(), 0);
    a.tell(imported_roster(), 0, true, "a", "elbow");
    a.tell(opened("m1", 5), 5, true, "a", "elbow");
    EXPECT_EQ(a.waiting("calgary"), 0);
    EXPECT_EQ(a.oldest("calgary"), -1);
    EXPECT_EQ(a.waiting("calgary", "elbow"), 1);
    EXPECT_EQ(a.oldest("calgary", "elbow"), 5);
    a.reviews.reset(0);
    EXPECT_EQ(a.waiting("calgary", "elbow"), 0);
}

TEST(ReviewMetrics, AReviewWaitsForEachAgencyUntilItCleared) {
    Instance a;
    a.reviews.show();
    a.tell(imported_roster(), 0);
    EXPECT_EQ(a.waiting("alberta"), 0);
    a.tell(opened("m1", 10), 10);
    a.tell(opened("m2", 20), 20);
    EXPECT_EQ(a.waiting("calgary"), 2);
    EXPECT_EQ(a.oldest("calgary"), 10);
    a.tell(agency_cleared("m1", "calgary"), 30);
    EXPECT_EQ(a.waiting("calgary"), 1);
    EXPECT_EQ(a.oldest("calgary"), 20);
    EXPECT_EQ(a.waiting("alberta"), 2);
    a.tell(returned("m2", false), 40);
    EXPECT_EQ(a.waiting("calgary"), 0);
    EXPECT_EQ(a.oldest("calgary"), -1);
}

TEST(ReviewMetrics, ASecondSubmissionWaitsSinceItsOwnTime) {
    Instance a;
    a.reviews.show();
    a.tell(opened("m1", 10), 10);
    a.tell(returned("m1", true), 15);
    a.tell(opened("m1", 60), 60);
    EXPECT_EQ(a.waiting("calgary"), 1);
    EXPECT_EQ(a.oldest("calgary"), 60);
}

TEST(ReviewMetrics, CountsTheEndsAndTheTimeToClearOfWhatItDecidesNow) {
    Instance a;
    a.reviews.show();
    a.tell(opened("m1", 10), 10);
    a.tell(agency_cleared("m1", "alberta"), 30);
    a.tell(cleared("m1"), 50);
    EXPECT_EQ(a.ended("cleared"), 1);
    EXPECT_EQ(a.measured(), 1U);
    EXPECT_EQ(observed(a.metrics, "tocsin_approval_seconds")->sum, 40);
    EXPECT_EQ(a.waiting("calgary"), 0);
    a.tell(opened("m2", 60), 60);
    a.tell(returned("m2", true), 61);
    a.tell(opened("m2", 62), 62);
    a.tell(returned("m2", false), 63);
    EXPECT_EQ(a.ended("taken_back"), 1);
    EXPECT_EQ(a.ended("changes_requested"), 1);
    EXPECT_EQ(a.ended("rejected"), 0);
}

TEST(ReviewMetrics, HistoryAndOtherInstancesChangeTheGaugesAlone) {
    Instance a;
    a.tell(opened("m1", 10), 10, false);
    EXPECT_EQ(a.waiting("calgary"), std::nullopt) << "shown before it is right";
    a.tell(cleared("m1"), 20, false);
    a.tell(opened("m2", 30), 30, false);
    a.reviews.show();
    EXPECT_EQ(a.waiting("calgary"), 1);
    a.tell(cleared("m2"), 40, true, "b");
    EXPECT_EQ(a.waiting("calgary"), 0);
    EXPECT_EQ(a.ended("cleared"), 0);
    EXPECT_EQ(a.measured(), 0U);
}

TEST(ReviewMetrics, ALostTailIsForgottenAndToldAgain) {
    Instance a;
    a.reviews.show();
    a.tell(opened("m1", 10), 10);
    a.view.reset(0);
    a.reviews.reset(0);
    EXPECT_EQ(a.waiting("calgary"), 0);
    a.tell(opened("m1", 10), 10, false);
    EXPECT_EQ(a.waiting("calgary"), 1);
}

}  // namespace
}  // namespace tocsin::approval
