#include "trigger/view.hpp"

#include "support/given.hpp"
#include "trigger/event.hpp"
#include "unit/trigger/folded.hpp"

#include <gtest/gtest.h>

namespace tocsin::trigger {
namespace {

using testing::at;

void apply(TriggerView& view, const v1::Event& event) { fold(view, "trigger", event); }

v1::Event source(const std::string& id, bool active = true) {
    v1::Event event;
    event.mutable_source_put()->mutable_source()->set_source_id(id);
    event.mutable_source_put()->mutable_source()->set_active(active);
    return event;
}

v1::Event rule(const std::string& id) {
    v1::Event event = event_of(id);
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
    v1::Event event = event_of("bow-high");
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

v1::Event rule_on(const std::string& id, const std::string& source, const std::string& series,
                  double max_age_seconds = 3600) {
    v1::Event event = rule(id);
    v1::Rule& put = *event.mutable_rule_put()->mutable_rule();
    put.set_source_id(source);
    put.set_series(series);
    put.set_max_age_seconds(max_age_seconds);
    return event;
}

v1::Event removed(const std::string& id) {
    v1::Event event = event_of(id);
    event.mutable_rule_removed();
    return event;
}

v1::Event source_at(const std::string& id, const std::string& url,
                    const std::string& format = "eccc-csv") {
    v1::Event event = source(id);
    event.mutable_source_put()->mutable_source()->set_url(url);
    event.mutable_source_put()->mutable_source()->set_format(format);
    return event;
}

TEST(TriggerView, WhatARuleLeavesIsWantedAnew) {
    TriggerView view(1);
    int changes = 0;
    view.on_change([&] { ++changes; });
    apply(view, source("eccc"));
    apply(view, source("usgs"));
    apply(view, rule_on("high", "eccc", "A:level"));
    const auto before = view.wanted();
    apply(view, rule_on("high", "usgs", "B:00060"));
    const auto moved = view.wanted();
    EXPECT_GT(moved[0].revision, before[0].revision) << "the source that it left";
    EXPECT_GT(moved[1].revision, before[1].revision) << "the one that it goes to";
    EXPECT_TRUE(moved[0].watched.empty());
    changes = 0;
    apply(view, removed("high"));
    EXPECT_EQ(changes, 1);
    EXPECT_EQ(view.wanted()[0].revision, moved[0].revision);
    EXPECT_GT(view.wanted()[1].revision, moved[1].revision);
    EXPECT_TRUE(view.wanted()[1].watched.empty());
    const auto after = view.wanted();
    apply(view, removed("high"));
    EXPECT_EQ(view.wanted()[1].revision, after[1].revision) << "it reads nothing any more";
}

TEST(TriggerView, WatchesEachSeriesForAsLongAsItsLongestRuleNeeds) {
    TriggerView view(1);
    apply(view, source("eccc"));
    apply(view, source("usgs"));
    apply(view, rule_on("short", "eccc", "A:level", 3600));
    apply(view, rule_on("long", "eccc", "A:level", 7200));
    apply(view, rule_on("other", "eccc", "B:level", 60));
    apply(view, rule_on("elsewhere", "usgs", "C:00060", 60));
    const auto gap = std::chrono::seconds{static_cast<int>(max_gap_seconds_usual)};
    const auto watched = view.wanted()[0].watched;
    ASSERT_EQ(watched.size(), 2u);
    EXPECT_EQ(watched.at("A:level"), std::chrono::hours{2} + gap);
    EXPECT_EQ(watched.at("B:level"), std::chrono::minutes{1} + gap);
    apply(view, removed("long"));
    EXPECT_EQ(view.wanted()[0].watched.at("A:level"), std::chrono::hours{1} + gap);
}

TEST(TriggerView, ASourceHasAnotherAddressWithAnotherUrlOrFormatOnly) {
    TriggerView view(1);
    const auto address = [&] { return view.wanted().at(0).address; };
    apply(view, source_at("gauge", "http://a/"));
    const auto first = address();
    EXPECT_GT(first, 0);
    auto slower = source_at("gauge", "http://a/");
    slower.mutable_source_put()->mutable_source()->set_poll_seconds(60);
    apply(view, slower);
    EXPECT_EQ(address(), first);
    apply(view, source_at("gauge", "http://b/"));
    const auto second = address();
    EXPECT_GT(second, first);
    apply(view, source_at("gauge", "http://b/", "usgs-json"));
    const auto third = address();
    EXPECT_GT(third, second);
    v1::Event gone;
    gone.mutable_source_removed()->set_source_id("gauge");
    apply(view, gone);
    EXPECT_TRUE(view.wanted().empty());
    apply(view, source_at("gauge", "http://b/", "usgs-json"));
    EXPECT_EQ(address(), third) << "the same gauge again";
}

// A thousand removed sources are remembered, see Decider.
TEST(TriggerView, TheAddressOfASourceThatWasForgottenIsNotUsedAgain) {
    TriggerView view(1);
    const auto remove = [&](const std::string& id) {
        v1::Event gone;
        gone.mutable_source_removed()->set_source_id(id);
        apply(view, gone);
    };
    for (int i = 0; i < 5; ++i)
        apply(view, source_at("gauge", "http://" + std::to_string(i) + "/"));
    const auto before = view.wanted().at(0).address;
    remove("gauge");
    for (int i = 0; i < 1'000; ++i) {
        apply(view, source_at("s" + std::to_string(i), "http://a/"));
        remove("s" + std::to_string(i));
    }
    apply(view, source_at("gauge", "http://4/"));
    EXPECT_GT(view.wanted().at(0).address, before);
}

TEST(TriggerView, OfARealmThatIsFoldedAgainItDoesNotSayAll) {
    TriggerView view(1);
    apply(view, source("usgs"));
    EXPECT_FALSE(view.wants().whole("bow")) << "its history was not read to its end yet";
    view.folded(0);
    EXPECT_TRUE(view.wants().whole("bow"));
    view.reset(0);
    EXPECT_TRUE(view.wants().sources.empty());
    EXPECT_FALSE(view.wants().whole("bow"));
    view.folded(0);
    EXPECT_TRUE(view.wants().whole("bow"));
}

TEST(TriggerView, CountsTheRefusedCrossingsFromAMomentOn) {
    TriggerView view(1);
    apply(view, rule("bow-high"));
    const auto answer = [&](const std::string& id) {
        drafting::v1::Event event;
        event.mutable_crossing_refused()->set_crossing_id(id);
        event.mutable_crossing_refused()->set_reason("no template");
        fold(view, "drafting", event);
    };
    for (const auto& [id, seconds] :
         {std::pair{"a", 10}, std::pair{"b", 20}, std::pair{"c", 30}, std::pair{"d", 40}}) {
        v1::Event event = crossed(id);
        *event.mutable_rule_crossed()->mutable_crossing()->mutable_cross_time() =
            runtime::to_proto(at(seconds));
        apply(view, event);
        if (std::string(id) != "c") answer(id);
    }
    view.read("bow", [](const Realm& realm) {
        EXPECT_EQ(realm.refused(at(0)), 3);
        EXPECT_EQ(realm.refused(at(20)), 2) << "one was drafted, one is older";
        EXPECT_EQ(realm.refused(at(41)), 0);
    });
}

}  // namespace
}  // namespace tocsin::trigger
