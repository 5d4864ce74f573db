// What a message takes up through its life, and what a decision costs late in a long history: in
// allocations and their bytes, which are the same on every machine.
#include "content/content.hpp"
#include "drafting/decider.hpp"
#include "drafting/event.hpp"
#include "drafting/submission.hpp"
#include "drafting/view.hpp"
#include "support/allocations.hpp"
#include "support/given.hpp"
#include "support/sample_message.hpp"

#include <gtest/gtest.h>

namespace tocsin::drafting {
namespace {

using testing::allocations;

constexpr int messages = 300;

std::string id_of(int number) { return "msg_0123456789abcdef" + std::to_string(1000 + number); }
std::string release_of(int number) {
    return "rel_0123456789abcdef" + std::to_string(1000 + number);
}

// State and view of one realm, which fold what counted.
class Held {
public:
    template <class Event>
    void tell(const char* service, const Event& event, Time when) {
        if constexpr (std::is_same_v<Event, v1::Event>) Decider::evolve(state_, event, when);
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        decision.mutable_accepted()->add_events(event.SerializeAsString());
        view_.apply({service, 0, 0, when, decision, true});
    }

    void create(int number) {
        v1::Event event = event_of(id_of(number));
        auto& created = *event.mutable_message_created();
        created.set_incident_id("inc_0123456789abcdef");
        created.set_agency("calgary");
        created.set_author("ana@calgary.example.org");
        *created.mutable_draft() = content::samples::make_draft();
        // No two texts are alike.
        created.mutable_draft()->mutable_texts(0)->set_headline(id_of(number));
        tell("drafting", event, content::samples::now);
    }
    void submit(int number) {
        const std::string id = id_of(number);
        const Message& message = state_.messages.at(id);
        const auto publishers = publishers_of(state_.destinations, message.text());
        const v1::Event event =
            submitted({id, "bow", "live", message, state_.alerts, publishers, "ana", {}});
        content_bytes_ = event.message_submitted().content().size();
        tell("drafting", event, content::samples::now);
    }
    void clear(int number) {
        approval::v1::Event opened, cleared;
        for (auto* event : {&opened, &cleared}) event->set_message_id(id_of(number));
        opened.mutable_review_opened()->mutable_review()->set_message_id(id_of(number));
        cleared.mutable_cleared();
        tell("approval", opened, content::samples::now);
        tell("approval", cleared, content::samples::now);
    }
    void release(int number) {
        publishing::v1::Event planned, armed, claimed, completed;
        for (auto* event : {&planned, &armed, &claimed, &completed})
            event->set_release_id(release_of(number));
        planned.mutable_release_planned()->mutable_release()->set_release_id(release_of(number));
        planned.mutable_release_planned()->mutable_release()->set_message_id(id_of(number));
        armed.mutable_release_armed();
        claimed.mutable_deliveries_claimed();
        completed.mutable_release_completed()->set_state(publishing::v1::RELEASE_STATE_RELEASED);
        for (const auto& event : {planned, armed, claimed, completed})
            tell("publishing", event, content::samples::now);
    }
    // Time goes by: something else is decided.
    void pass(Time when) {
        v1::Event event;
        event.mutable_crossing_refused()->set_crossing_id("crx-1");
        tell("drafting", event, when);
    }

    std::ptrdiff_t content_bytes() const { return static_cast<std::ptrdiff_t>(content_bytes_); }

private:
    State state_;
    DraftingView view_{1};
    std::size_t content_bytes_ = 0;
};

class Memory : public ::testing::Test {
protected:
    // What all messages hold together, per message.
    std::ptrdiff_t per_message(const char* when) {
        const std::ptrdiff_t bytes = (allocations().held - before_) / messages;
        std::printf("%s: %td bytes a message\n", when, bytes);
        RecordProperty(when, std::to_string(bytes));
        return bytes;
    }
    template <class Step>
    void each(Step step) {
        for (int i = 0; i < messages; ++i) step(i);
    }

    Held held_;
    std::ptrdiff_t before_ = allocations().held;
};

TEST_F(Memory, OfAMessageThroughItsLife) {
    each([&](int i) { held_.create(i); });
    const auto created = per_message("created");
    each([&](int i) { held_.submit(i); });
    const auto submitted = per_message("submitted");
    const auto text = held_.content_bytes();
    std::printf("content: %td bytes\n", text);
    each([&](int i) { held_.clear(i); });
    each([&](int i) { held_.release(i); });
    const auto released = per_message("released");
    held_.pass(content::samples::now + std::chrono::hours{24 * 8});
    const auto expired = per_message("expired");
    held_.pass(content::samples::now + std::chrono::hours{24 * 40});
    const auto dropped = per_message("texts dropped");

    // The text is held once, by state and view together; the rest does not depend on its size.
    constexpr std::ptrdiff_t rest = 2400;
    EXPECT_LE(created, text + rest);
    EXPECT_LE(submitted, text + rest);
    EXPECT_LE(released, text + rest + 400);
    EXPECT_LE(expired, released);
    EXPECT_LE(dropped, rest);
    EXPECT_GE(released - dropped, text);
}

std::size_t cost_of_next(Held& held, int number) {
    const std::size_t before = allocations().count;
    held.create(number);
    held.submit(number);
    held.clear(number);
    held.release(number);
    return allocations().count - before;
}

TEST(Cost, OfAMessageIsAboutTheSameLateInALongHistory) {
    Held held;
    int number = 0;
    for (; number < 100; ++number) held.create(number);
    const std::size_t early = cost_of_next(held, number++);
    for (; number < 10'000; ++number) held.create(number);
    const std::size_t late = cost_of_next(held, number++);
    std::printf("allocations: %zu after 100 messages, %zu after 10 000\n", early, late);
    // Trees are a node or two deeper.
    EXPECT_LE(late, early + early / 2);
}

}  // namespace
}  // namespace tocsin::drafting
