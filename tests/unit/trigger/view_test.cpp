#include "trigger/view.hpp"

#include "support/given.hpp"

#include <gtest/gtest.h>

namespace tocsin::trigger {
namespace {

using testing::at;

void apply(TriggerView& view, const v1::Event& event) {
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    decision.mutable_accepted()->add_events(event.SerializeAsString());
    view.apply({"trigger", 0, 0, at(0), decision, true});
}

v1::Event source(const std::string& id, bool active = true) {
    v1::Event event;
    event.mutable_source_put()->mutable_source()->set_source_id(id);
    event.mutable_source_put()->mutable_source()->set_active(active);
    return event;
}

v1::Event rule(const std::string& id) {
    v1::Event event;
    event.mutable_rule_put()->mutable_rule()->set_rule_id(id);
    event.mutable_rule_put()->mutable_rule()->set_source_id("usgs");
    event.mutable_rule_put()->mutable_rule()->set_active(true);
    return event;
}

// What a history wants polled, nobody could read while it was folded.
TEST(TriggerView, TheEndOfAHistoryChangesWhatIsWanted) {
    TriggerView view(1);
    std::size_t wanted = 0;
    view.on_change([&] { wanted = view.wanted().size(); });
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    decision.mutable_accepted()->add_events(source("usgs").SerializeAsString());
    view.apply({"trigger", 0, 0, at(0), decision, false});
    EXPECT_EQ(wanted, 0u);
    view.folded(0);
    EXPECT_EQ(wanted, 1u);
}

v1::Event crossed(const std::string& id) {
    v1::Event event;
    auto& crossing = *event.mutable_rule_crossed()->mutable_crossing();
    crossing.set_crossing_id(id);
    crossing.set_rule_id("bow-high");
    crossing.add_evidence();
    return event;
}

std::vector<std::string> crossings(const Realm& realm, std::int64_t before, std::size_t most) {
    std::vector<std::string> ids;
    realm.crossings(before, [&](std::int64_t, const auto& crossing) {
        ids.push_back(crossing.get().crossing_id());
        return ids.size() < most;
    });
    return ids;
}

TEST(TriggerView, GivesCrossingsNewestFirstAndTheOldestFallOff) {
    TriggerView view(1);
    apply(view, rule("bow-high"));
    for (int i = 1; i <= 10'002; ++i) apply(view, crossed(std::to_string(i)));
    view.read("bow", [](const Realm& realm) {
        using Ids = std::vector<std::string>;
        EXPECT_EQ(crossings(realm, 0, 2), (Ids{"10002", "10001"}));
        EXPECT_EQ(crossings(realm, 5, 9), (Ids{"4", "3"}));
        EXPECT_EQ(realm.size(), 10'001u);
    });
}

TEST(TriggerView, ASnapshotKeepsItsRulesWhileTheyChange) {
    TriggerView view(1);
    apply(view, rule("bow-high"));
    const auto held = view.snapshot("bow");
    apply(view, crossed("1"));
    apply(view, rule("elbow-high"));
    EXPECT_EQ(held->state().rules.size(), 1u);
    EXPECT_EQ(held->state().rules.find("bow-high")->crossings, 0);
    const auto now = view.snapshot("bow");
    EXPECT_EQ(now->state().rules.size(), 2u);
    EXPECT_EQ(now->state().rules.find("bow-high")->crossings, 1);
}

TEST(TriggerView, WantsActiveSourcesPolledAnewWhenARuleOnThemIsPut) {
    TriggerView view(1);
    apply(view, source("usgs"));
    apply(view, source("eccc", false));
    ASSERT_EQ(view.wanted().size(), 1u);
    const auto before = view.wanted().front();
    EXPECT_EQ(before.source.source_id(), "usgs");
    apply(view, rule("bow-high"));
    EXPECT_GT(view.wanted().front().revision, before.revision);
}

}  // namespace
}  // namespace tocsin::trigger
