#include "approval/view.hpp"
#include "support/given.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>

namespace tocsin::approval {
namespace {

using testing::at;

ledger::v1::Decision decision(const v1::Event& event) {
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    decision.mutable_accepted()->add_events(event.SerializeAsString());
    return decision;
}

void apply(ApprovalView& view, const v1::Event& event, std::string_view service = "approval",
           std::int64_t seconds = 0) {
    const auto decided = decision(event);
    view.apply({service, 0, 0, at(seconds), decided, true});
}

v1::Event opened(const std::string& id) {
    v1::Event event = event_of(id);
    v1::Review& review = *event.mutable_review_opened()->mutable_review();
    review.set_message_id(id);
    review.set_state(v1::REVIEW_STATE_IN_REVIEW);
    review.set_content("bytes");
    review.set_digest("digest");
    return event;
}

v1::Event returned(const std::string& id) {
    v1::Event event = event_of(id);
    event.mutable_review_returned();
    return event;
}

std::vector<std::string> ids(const ApprovalView& view, v1::ReviewState state = {}) {
    return view.read("bow", [&](const Realm& realm) {
        std::vector<std::string> result;
        realm.reviews(state, 0, [&](std::int64_t, const std::string& message_id) {
            result.push_back(message_id);
            return true;
        });
        return result;
    });
}

TEST(ApprovalView, ListsTheNewestSubmissionFirst) {
    ApprovalView view(1);
    apply(view, opened("a"));
    apply(view, opened("b"));
    EXPECT_EQ(ids(view), (std::vector<std::string>{"b", "a"}));
    apply(view, returned("a"));
    apply(view, opened("a"));
    EXPECT_EQ(ids(view), (std::vector<std::string>{"a", "b"}));
}

TEST(ApprovalView, FiltersByState) {
    ApprovalView view(1);
    apply(view, opened("a"));
    apply(view, opened("b"));
    apply(view, returned("b"));
    EXPECT_EQ(ids(view, v1::REVIEW_STATE_IN_REVIEW), (std::vector<std::string>{"a"}));
    EXPECT_EQ(ids(view, v1::REVIEW_STATE_RETURNED), (std::vector<std::string>{"b"}));
}

TEST(ApprovalView, PassesOverOtherLedgers) {
    ApprovalView view(1);
    apply(view, opened("a"), "drafting");
    EXPECT_TRUE(ids(view).empty());
}

v1::Review shown(const ApprovalView& view, const char* id) {
    return view.read("bow", [&](const Realm& realm) { return *realm.review(id); });
}

TEST(ApprovalView, DropsAContentThirtyDaysAfterItsReviewEnded) {
    constexpr std::int64_t day = 24 * 60 * 60;
    ApprovalView view(1);
    apply(view, opened("a"));
    apply(view, opened("b"));
    apply(view, returned("a"), "approval", day);
    apply(view, opened("c"), "approval", 31 * day - 1);
    EXPECT_EQ(shown(view, "a").content(), "bytes");
    EXPECT_FALSE(shown(view, "a").content_dropped());
    apply(view, opened("d"), "approval", 31 * day);
    EXPECT_EQ(shown(view, "a").content(), "");
    EXPECT_TRUE(shown(view, "a").content_dropped());
    EXPECT_EQ(shown(view, "a").digest(), "digest");
    EXPECT_EQ(shown(view, "b").content(), "bytes");
    apply(view, opened("a"), "approval", 32 * day);
    EXPECT_EQ(shown(view, "a").content(), "bytes");
    EXPECT_FALSE(shown(view, "a").content_dropped());
}

// ---- corrected readings

v1::Event opened_by(const std::string& id, const std::string& crossing_id) {
    v1::Event event = opened(id);
    event.mutable_review_opened()->set_crossing_id(crossing_id);
    return event;
}

// The reading of a crossing was `before` and is `after`.
trigger::v1::Event revised(const std::string& crossing_id, double before, double after) {
    trigger::v1::Event event;
    event.mutable_evidence_revised()->set_crossing_id(crossing_id);
    auto& revision = *event.mutable_evidence_revised()->mutable_revision();
    revision.mutable_before()->set_series("05BH004:discharge");
    revision.mutable_before()->set_value(before);
    revision.mutable_after()->set_value(after);
    return event;
}

void apply(ApprovalView& view, const trigger::v1::Event& event) {
    ledger::v1::Decision decided;
    decided.set_realm("bow");
    decided.mutable_accepted()->add_events(event.SerializeAsString());
    view.apply({"trigger", 0, 0, at(0), decided, true});
}

// What each is now, as the review of a message shows it.
std::vector<double> corrections(const ApprovalView& view, const char* id) {
    std::vector<double> result;
    const v1::Review review = shown(view, id);
    for (const auto& revision : review.evidence_revisions())
        result.push_back(revision.after().value());
    return result;
}

TEST(Corrections, AreInTheReviewOfTheMessageOfTheirCrossing) {
    ApprovalView view(1);
    apply(view, opened_by("a", "x-1"));
    apply(view, opened_by("b", "x-2"));
    apply(view, opened("c"));
    apply(view, revised("x-1", 1900, 900));
    apply(view, revised("x-1", 900, 950));
    apply(view, revised("", 7, 8));
    EXPECT_EQ(corrections(view, "a"), (std::vector<double>{900, 950}));
    EXPECT_EQ(shown(view, "a").evidence_revisions(0).before().series(), "05BH004:discharge");
    EXPECT_EQ(shown(view, "a").evidence_revisions(0).before().value(), 1900);
    EXPECT_TRUE(corrections(view, "b").empty());
    EXPECT_TRUE(corrections(view, "c").empty());
    view.read("bow", [&](const Realm& realm) {
        EXPECT_EQ(realm.review_head("a")->evidence_revisions_size(), 2);
    });
}

// A text that comes back is another review of the same readings.
TEST(Corrections, StayWhenTheTextComesBack) {
    ApprovalView view(1);
    apply(view, opened_by("a", "x-1"));
    apply(view, revised("x-1", 1900, 900));
    apply(view, returned("a"));
    EXPECT_EQ(corrections(view, "a").size(), 1u);
    apply(view, opened_by("a", "x-1"));
    EXPECT_EQ(corrections(view, "a").size(), 1u);
}

// Every order in which two ledgers can be read, each in its own.
TEST(Corrections, AreTheSameWhateverOrderTheLedgersAreReadIn) {
    const std::vector<v1::Event> approvals{opened_by("a", "x-1"), opened_by("b", "x-2"),
                                           returned("a"), opened_by("a", "x-1")};
    const std::vector<trigger::v1::Event> triggers{revised("x-2", 1, 2), revised("x-1", 3, 4),
                                                   revised("x-2", 2, 5), revised("x-3", 6, 7)};
    const std::size_t all = approvals.size() + triggers.size();
    int orders = 0;
    for (unsigned order = 0; order < 1u << all; ++order) {
        if (std::popcount(order) != static_cast<int>(triggers.size())) continue;
        ++orders;
        ApprovalView view(1);
        auto approval = approvals.begin();
        auto trigger = triggers.begin();
        for (std::size_t i = 0; i < all; ++i) {
            if (order >> i & 1u)
                apply(view, *trigger++);
            else
                apply(view, *approval++);
        }
        EXPECT_EQ(corrections(view, "a"), std::vector<double>{4}) << order;
        EXPECT_EQ(corrections(view, "b"), (std::vector<double>{2, 5})) << order;
        EXPECT_EQ(ids(view), (std::vector<std::string>{"a", "b"})) << order;
    }
    EXPECT_EQ(orders, 70);
}

TEST(Corrections, OfACrossingAreTheLastTwenty) {
    ApprovalView view(1);
    apply(view, opened_by("a", "x-1"));
    for (int i = 0; i < 25; ++i) apply(view, revised("x-1", i, i + 1));
    const auto kept = corrections(view, "a");
    ASSERT_EQ(kept.size(), 20u);
    EXPECT_EQ(kept.front(), 6);
    EXPECT_EQ(kept.back(), 25);
}

TEST(Corrections, AreOfTheThousandCrossingsThatWereCorrectedLast) {
    ApprovalView view(1);
    apply(view, opened_by("a", "x-0"));
    apply(view, opened_by("b", "x-1"));
    for (int i = 0; i < 1000; ++i) apply(view, revised("x-" + std::to_string(i), 1, 2));
    EXPECT_EQ(corrections(view, "a").size(), 1u);
    apply(view, revised("x-0", 2, 3));
    apply(view, revised("x-1000", 1, 2));
    EXPECT_EQ(corrections(view, "a").size(), 2u);
    EXPECT_TRUE(corrections(view, "b").empty());
}

TEST(Corrections, LeaveASnapshotAsItWas) {
    ApprovalView view(1);
    apply(view, opened_by("a", "x-1"));
    apply(view, revised("x-1", 1900, 900));
    const auto held = view.snapshot("bow");
    apply(view, revised("x-1", 900, 950));
    EXPECT_EQ(held->review("a")->evidence_revisions_size(), 1);
    EXPECT_EQ(corrections(view, "a").size(), 2u);
}

// The pages of a list are made of these.
TEST(Corrections, AreInTheReviewsOfAList) {
    ApprovalView view(1);
    apply(view, opened_by("a", "x-1"));
    apply(view, opened_by("b", "x-2"));
    apply(view, revised("x-1", 1900, 900));
    view.read("bow", [&](const Realm& realm) {
        std::map<std::string, int> counts;
        realm.reviews(v1::REVIEW_STATE_IN_REVIEW, 0,
                      [&](std::int64_t, const std::string& message_id) {
                          counts[message_id] = realm.review(message_id)->evidence_revisions_size();
                          return true;
                      });
        EXPECT_EQ(counts, (std::map<std::string, int>{{"a", 1}, {"b", 0}}));
    });
}

}  // namespace
}  // namespace tocsin::approval
