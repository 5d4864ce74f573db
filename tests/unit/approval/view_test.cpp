#include "approval/view.hpp"
#include "support/given.hpp"

#include <gtest/gtest.h>

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
    v1::Event event;
    event.mutable_review_opened()->mutable_review()->set_message_id(id);
    event.mutable_review_opened()->mutable_review()->set_state("in_review");
    event.mutable_review_opened()->mutable_review()->set_content("bytes");
    event.mutable_review_opened()->mutable_review()->set_digest("digest");
    return event;
}

v1::Event returned(const std::string& id) {
    v1::Event event;
    event.mutable_review_returned()->set_message_id(id);
    return event;
}

std::vector<std::string> ids(const ApprovalView& view, std::string_view state = {}) {
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
    EXPECT_EQ(ids(view, "in_review"), (std::vector<std::string>{"a"}));
    EXPECT_EQ(ids(view, "returned"), (std::vector<std::string>{"b"}));
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

}  // namespace
}  // namespace tocsin::approval
