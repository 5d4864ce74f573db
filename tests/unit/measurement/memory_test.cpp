// What a decision costs late in a long history, and late in a release of many channels: in
// allocations, which are the same on every machine.
#include "measurement/view.hpp"
#include "support/allocations.hpp"
#include "support/given.hpp"

#include <gtest/gtest.h>

namespace tocsin::measurement {
namespace {

using runtime::SnapshotViews;
using testing::allocations;
using testing::at;

// Confirming of deliveries that are confirmed, each decision alone.
class Confirming {
public:
    std::size_t confirm(const std::string& message_id, int delivery) {
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        v1::Event noted = event_of(message_id, "rel-" + message_id);
        v1::Event reached = noted;
        auto& one = *noted.mutable_deliveries_noted()->add_deliveries();
        one.set_delivery_id("hook-" + std::to_string(delivery));
        one.set_purpose(published::PURPOSE_MESSAGE);
        one.set_state(published::DELIVERY_STATE_CLAIMED);
        auto& milestone = *reached.mutable_milestone_reached();
        milestone.set_delivery_id(one.delivery_id());
        milestone.mutable_milestone()->set_kind(v1::MILESTONE_KIND_CONFIRMED);
        *milestone.mutable_milestone()->mutable_at() = runtime::to_proto(at(delivery));
        for (const v1::Event& event : {noted, reached})
            decision.mutable_accepted()->add_events(event.SerializeAsString());
        const std::size_t before = allocations().count;
        view_.apply({"measurement", 0, 0, at(delivery), decision, true});
        return allocations().count - before;
    }

private:
    SnapshotViews<Realm> view_{1};
};

TEST(Cost, OfADeliveryIsAboutTheSameInAReleaseOfManyChannels) {
    Confirming confirming;
    std::size_t early = 0, late = 0;
    for (int i = 0; i <= 100; ++i) early = confirming.confirm("msg-1", i);
    for (int i = 101; i <= 5'000; ++i) late = confirming.confirm("msg-1", i);
    std::printf("allocations: %zu after 100 deliveries, %zu after 5 000\n", early, late);
    EXPECT_LE(late, early + early / 2);
}

TEST(Cost, OfAMessageIsAboutTheSameLateInALongHistory) {
    Confirming confirming;
    std::size_t early = 0, late = 0;
    for (int i = 0; i <= 100; ++i) early = confirming.confirm("msg-" + std::to_string(i), 1);
    for (int i = 101; i <= 10'000; ++i) late = confirming.confirm("msg-" + std::to_string(i), 1);
    std::printf("allocations: %zu after 100 messages, %zu after 10 000\n", early, late);
    EXPECT_LE(late, early + early / 2);
}

}  // namespace
}  // namespace tocsin::measurement
