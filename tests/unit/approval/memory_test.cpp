// What a review takes up through its life, and what a decision costs late in a long history: in
// allocations and their bytes, which are the same on every machine.
#include "approval/decider.hpp"
#include "approval/view.hpp"
#include "content/content.hpp"
#include "support/allocations.hpp"
#include "support/given.hpp"
#include "support/sample_message.hpp"

#include <gtest/gtest.h>

namespace tocsin::approval {
namespace {

using testing::allocations;
using testing::at;

std::string id_of(int number) { return "msg_0123456789abcdef" + std::to_string(1000 + number); }

// State and view of one realm, fed with what counted.
class Held {
public:
    void tell(const v1::Event& event, std::int64_t seconds = 0) {
        Decider::evolve(state_, event, at(seconds));
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        decision.mutable_accepted()->add_events(event.SerializeAsString());
        view_.apply({"approval", 0, 0, at(seconds), decision, true});
    }
    void open(int number) {
        content::Content content = content::samples::make_content();
        content.set_message_id(id_of(number));
        v1::Event event = event_of(id_of(number));
        v1::Review& review = *event.mutable_review_opened()->mutable_review();
        review.set_message_id(id_of(number));
        review.set_content(content::serialise(content));
        review.set_digest(content::digest(review.content()));
        review.set_state(v1::REVIEW_STATE_IN_REVIEW);
        review.add_editors("ana@calgary.example.org");
        v1::AgencyReview& agency = *review.add_agencies();
        agency.set_agency_id("calgary");
        agency.set_quorum(2);
        for (const auto role : approving_roles) agency.add_roles(std::string(role));
        text_ = review.content();
        digest_ = review.digest();
        tell(event);
    }
    void approve(int number, const char* who) {
        v1::Event event = event_of(id_of(number));
        v1::Approval& approval = *event.mutable_approval_given()->mutable_approval();
        approval.set_approver(who);
        approval.set_agency_id("calgary");
        approval.set_digest(digest_);
        *approval.mutable_approve_time() = runtime::to_proto(at(1));
        tell(event);
    }
    void clear(int number) {
        v1::Event event = event_of(id_of(number));
        event.mutable_cleared()->set_content(text_);
        tell(event);
    }
    std::ptrdiff_t content_bytes() const { return static_cast<std::ptrdiff_t>(text_.size()); }
    // Whether the state still has the content of a review.
    bool decides_on_content(int number) const {
        return !state_.reviews.latest.at(id_of(number)).content.empty();
    }

private:
    State state_;
    ApprovalView view_{1};
    std::string text_, digest_;
};

TEST(Memory, OfAReviewThroughItsLife) {
    constexpr int reviews = 300;
    Held held;
    const std::ptrdiff_t before = allocations().held;
    const auto per_review = [&](const char* when) {
        const std::ptrdiff_t bytes = (allocations().held - before) / reviews;
        std::printf("%s: %td bytes a review\n", when, bytes);
        return bytes;
    };
    for (int i = 0; i < reviews; ++i) held.open(i);
    const auto opened = per_review("opened");
    EXPECT_TRUE(held.decides_on_content(0));
    for (int i = 0; i < reviews; ++i) {
        held.approve(i, "ben@calgary.example.org");
        held.approve(i, "eve@calgary.example.org");
        held.clear(i);
    }
    EXPECT_FALSE(held.decides_on_content(0));
    const auto cleared = per_review("cleared");
    v1::Event policy;
    policy.mutable_policy_set()->mutable_policy()->set_agency_id("calgary");
    held.tell(policy, 31 * 24 * 60 * 60);
    const auto dropped = per_review("content dropped");
    const auto text = held.content_bytes();
    std::printf("content: %td bytes\n", text);

    // The content is held once, by state and view together; the rest does not depend on its size.
    // A table that doubles just then is 50 bytes a review.
    constexpr std::ptrdiff_t rest = 1900;
    EXPECT_LE(opened, text + rest);
    EXPECT_LE(cleared, text + rest);
    EXPECT_LE(dropped, rest);
    EXPECT_GE(cleared - dropped, text);
}

TEST(Cost, OfAReviewIsAboutTheSameLateInALongHistory) {
    Held held;
    int number = 0;
    const auto cost_of_next = [&] {
        const std::size_t before = allocations().count;
        held.open(number);
        held.approve(number, "ben@calgary.example.org");
        held.clear(number++);
        return allocations().count - before;
    };
    while (number < 100) held.open(number++);
    const std::size_t early = cost_of_next();
    while (number < 10'000) held.open(number++);
    const std::size_t late = cost_of_next();
    std::printf("allocations: %zu after 100 reviews, %zu after 10 000\n", early, late);
    EXPECT_LE(late, early + early / 2);
}

}  // namespace
}  // namespace tocsin::approval
