// A release as large as it may get: what it costs, and that every decision of it fits a record.
#include "content/checks.hpp"
#include "publishing/event.hpp"
#include "publishing/limits.hpp"
#include "publishing/view.hpp"
#include "runtime/base/record_limits.hpp"
#include "runtime/ledger/rules.hpp"
#include "samples.hpp"
#include "support/allocations.hpp"

#include <fmt/format.h>

#include <chrono>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;
using samples::at;
using samples::channel;
using samples::GivenRelease;
using samples::Story;

std::string ring(std::size_t bytes) {
    std::string ring;
    for (int i = 0; ring.size() < bytes; ++i)
        ring += fmt::format("51.0{:04},-114.0{:04} ", 1000 + i, 1000 + i);
    ring.pop_back();
    return ring;
}

// About `bytes` of polygons, which every language of every CAP file repeats.
content::Content with_polygons(std::size_t bytes, std::vector<std::string> agencies = {}) {
    auto content = samples::make_content();
    content::Draft& draft = *content.mutable_draft();
    while (content.ByteSizeLong() + 10'000 < bytes)
        draft.mutable_areas(0)->add_polygons(ring(9'900));
    for (const std::string& agency : agencies) draft.add_agencies(agency);
    return content;
}

// The ledger's leader, its executors and the view, driven to the end; every decision is measured.
struct Whole {
    Story story;
    Realm realm;
    std::size_t largest = 0;
    int decisions = 0;

    Whole(std::vector<v1::Event> channels, content::Content content)
        : story(std::move(channels), std::move(content)) {
        // Another of its steps, each under a version of its own.
        story.given.repeats_add();
    }

    void apply(const std::vector<v1::Event>& events, Time when) {
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        for (const v1::Event& event : events)
            decision.mutable_accepted()->add_events(event.SerializeAsString());
        largest = std::max(largest, decision.ByteSizeLong());
        ++decisions;
        realm.apply({"publishing", 0, 0, when, decision, true});
    }
    void took(Time when) {
        ASSERT_EQ(story.given.refused(), "");
        apply(story.given.events(), when);
    }
    void prepare() {
        story.clear();
        took(at(0));
        const Deliveries deliveries = story.release().deliveries;
        for (const Delivery& delivery : deliveries) {
            story.prepared(delivery.id());
            took(at(1));
        }
    }
    // What the timer asks for until nothing is left to keep.
    void keep() {
        while (story.release().missing > 0) {
            const int before = story.release().missing;
            story.due();
            took(at(1));
            ASSERT_LT(story.release().missing, before);
        }
    }
    void fire(v1::Purpose purpose, Time when) {
        story.claim("x1", when, purpose);
        took(when);
        const Deliveries deliveries = story.release().deliveries;
        for (const Delivery& delivery : deliveries) {
            if (!delivery.is(v1::DELIVERY_STATE_CLAIMED)) continue;
            story.outcome(delivery.id(), v1::OUTCOME_CONFIRMED, when);
            took(when);
        }
    }
};

void run_whole(Whole& all, std::size_t deliveries) {
    all.prepare();
    ASSERT_EQ(all.story.state(), v1::RELEASE_STATE_ARMED);
    all.keep();
    for (const Delivery& delivery : all.story.release().deliveries)
        ASSERT_TRUE(all.story.release().body(delivery)->intact()) << delivery.id();
    const Time fire_at = runtime::from_proto(all.story.release().head.fire_at());
    all.fire(v1::PURPOSE_MESSAGE, fire_at);
    ASSERT_EQ(all.story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_EQ(all.story.release().deliveries.size(), deliveries);
    EXPECT_EQ(all.story.release().bodies, nullptr) << "bytes are kept that nobody sends";
    all.story.stop(fire_at + 10s);
    all.took(fire_at + 10s);
    all.keep();
    all.fire(v1::PURPOSE_RETRACTION, *all.story.release().retract_at);
    EXPECT_EQ(all.story.state(), v1::RELEASE_STATE_RETRACTED);
    EXPECT_LT(all.largest, runtime::decision_bytes_max);
}

std::vector<v1::Event> many(int webhooks, std::vector<v1::Event> channels = {}) {
    for (int i = 0; i < webhooks; ++i)
        channels.push_back(channel(fmt::format("hook-{:04}", i), "webhook"));
    return channels;
}

TEST(LargeRelease, AThousandChannels) {
    Whole all{many(999, {channel("feed", "feed")}), samples::make_content()};
    run_whole(all, 1000);
}

// Names as long as they may be, of as many channels as there may be.
TEST(LargeRelease, CanBeStoppedHoweverManyOfItsChannelsChanged) {
    const std::string url = "https://hook.example.org/" + std::string(60, 'u');
    std::vector<v1::Event> channels{channel("feed", "feed")};
    for (int i = 1; i < deliveries_max - 100; ++i) {
        channels.push_back(
            channel(fmt::format("hook-{:04}-{}", i, std::string(30, 'h')), "webhook"));
        channels.back().mutable_channel_put()->mutable_channel()->set_url(url);
    }
    Whole all{channels, samples::make_content()};
    all.prepare();
    all.keep();
    const Time fire_at = runtime::from_proto(all.story.release().head.fire_at());
    all.fire(v1::PURPOSE_MESSAGE, fire_at);
    ASSERT_EQ(all.story.state(), v1::RELEASE_STATE_RELEASED);
    for (v1::Event& event : channels) {
        v1::Channel& changed = *event.mutable_channel_put()->mutable_channel();
        changed.set_name(std::string(200, 'n'));
        if (changed.kind() == "webhook") changed.set_credential(std::string(60, 'c'));
        all.story.given.happens(event);
    }
    all.story.stop(fire_at + 10s);
    all.took(fire_at + 10s);
    EXPECT_EQ(all.story.state(), v1::RELEASE_STATE_RETRACTING);
    EXPECT_LT(all.largest, runtime::decision_bytes_max);
}

TEST(LargeRelease, ThreeHundredWebhooksWithALongText) {
    auto content = samples::make_content();
    for (auto& text : *content.mutable_draft()->mutable_texts())
        text.set_description(std::string(8000, 'x'));
    Whole all{many(300), content};
    run_whole(all, 300);
}

TEST(LargeRelease, AContentAtTheLimitOnTheFeedsOfTwoAgencies) {
    const std::vector<v1::Event> channels{channel("feed", "feed"), channel("hook", "webhook"),
                                          channel("alberta-feed", "feed", "alberta"),
                                          channel("alberta-hook", "webhook", "alberta")};
    const auto content = with_polygons(content::draft_bytes_max, {"alberta"});
    ASSERT_LT(content::serialise(content).size(), content::content_bytes_max);
    ASSERT_GT(content::serialise(content).size(), content::draft_bytes_max - 20'000);
    // Not all fits into the decision that arms it, which leaves more time before T0.
    Whole all{channels, content};
    all.prepare();
    EXPECT_GT(all.story.release().missing, 0);
    EXPECT_GE(runtime::from_proto(all.story.release().head.fire_at()), at(1) + 350ms);
    // What is not kept yet is not claimed.
    all.story.claim();
    EXPECT_EQ(all.story.given.refused(), "");
    EXPECT_GT(all.story.release().count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_CLAIMED), 0);
    for (const Delivery& delivery : all.story.release().deliveries)
        EXPECT_EQ(delivery.is(v1::DELIVERY_STATE_CLAIMED),
                  all.story.release().body(delivery) != nullptr)
            << delivery.id();
    Whole again{channels, content};
    run_whole(again, 4);
}

TEST(LargeRelease, AContentOverTheLimitIsPlannedWithoutItAndAborted) {
    Story story{samples::feed_only(), with_polygons(385'000)};
    story.clear();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_EQ(story.release().content, nullptr);
    EXPECT_TRUE(story.release().head.reason().contains("262144"));
}

TEST(LargeRelease, AVersionThatRendersOtherBytesRefusesThem) {
    Story story{samples::feed_and_hook()};
    story.clear();
    // Armed by an older version, which had not kept the bytes yet.
    v1::Event event = event_of(story.id());
    auto& armed = *event.mutable_release_armed();
    *armed.mutable_fire_at() = runtime::to_proto(at(10));
    for (const char* id : {"feed", "hook"}) {
        v1::Event ready = event_of(story.id(), {id});
        ready.mutable_delivery_prepared()->set_ready(true);
        story.given.happens(ready);
        *armed.add_deliveries() = story.delivery(id).head;
        armed.add_rendition_of(armed.renditions_size());
        armed.add_renditions()->set_digest(std::string("not what is rendered now ") + id);
    }
    armed.add_fixed();
    State state = story.given.state();
    ASSERT_TRUE(Decider::evolve(state, event, at(1)));
    for (int i = 0; i < 2; ++i) {
        const auto due = Decider::next_due(state);
        ASSERT_TRUE(due);
        const auto decided = Decider::decide(
            state, {"bow", "service:publishing", "", {"service"}, "r"}, due->command, due->at);
        ASSERT_TRUE(decided);
        ASSERT_FALSE(decided->events.empty());
        for (const v1::Event& next : decided->events)
            ASSERT_TRUE(Decider::evolve(state, next, at(1)));
    }
    const Release& release = state.releases.by_id.at(story.id());
    EXPECT_EQ(release.head.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(release.find("hook")->is(v1::DELIVERY_STATE_REFUSED));
    EXPECT_TRUE(release.find("hook")->head.reason().contains("other bytes"));
    EXPECT_EQ(release.missing, 0);
}

TEST(LargeRelease, ManyLateOnesAreSettledInDecisionsThatFit) {
    Whole all{many(900), samples::make_content()};
    all.prepare();
    all.story.claim("x1", at(2));
    all.took(at(2));
    int decisions = 0;
    while (Decider::next_due(all.story.given.state()) && ++decisions < 20) {
        all.story.due();
        all.apply(all.story.given.events(), at(20));
        EXPECT_LE(std::ssize(all.story.given.events()), events_max + 2);
        if (all.story.release().count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_CLAIMED) == 0) break;
    }
    EXPECT_EQ(all.story.release().count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_UNKNOWN), 900);
    EXPECT_EQ(decisions, 3);
    EXPECT_LT(all.largest, runtime::decision_bytes_max);
}

// What decisions about one delivery each allocate, in a release of `n`.
std::size_t allocations_of_decisions(int n) {
    Story story{many(n), samples::make_content()};
    story.clear();
    v1::Command command;
    auto& result = *command.mutable_record_prepared();
    result.set_release_id(story.id());
    result.set_ready(true);
    const runtime::Asking asking{"bow", "service:publishing", "", {"service"}, "x"};
    State state = story.given.state();
    // Read once for all, which takes as long as it has channels.
    EXPECT_TRUE(story.release().content->parsed());
    const std::size_t before = testing::allocations().count;
    for (int i = 0; i < 60; ++i) {
        result.set_delivery_id(fmt::format("hook-{:04}", i));
        const auto decided = Decider::decide(state, asking, command, at(1));
        for (const v1::Event& event : decided->events) Decider::evolve(state, event, at(1));
    }
    return testing::allocations().count - before;
}

TEST(LargeRelease, ADecisionOnOneDeliveryCostsTheSameWhateverTheirNumber) {
    const std::size_t few = allocations_of_decisions(100);
    const std::size_t many = allocations_of_decisions(1400);
    RecordProperty("allocations_of_100", std::to_string(few));
    RecordProperty("allocations_of_1400", std::to_string(many));
    // 14 times as many, and the way to one is a step longer.
    EXPECT_LT(many, 2 * few) << few << " and " << many;
}

TEST(LargeRelease, ItsTextIsParsedAndHashedOnceForAllDeliveries) {
    Story story = samples::armed(many(50));
    story.claim();
    const Sealed* body = nullptr;
    for (const Delivery& delivery : story.release().deliveries) {
        const auto mine = story.release().body(delivery);
        if (!body) body = mine.get();
        EXPECT_EQ(mine.get(), body) << "kept more than once";
    }
    const auto* parsed = &story.release().content->parsed();
    EXPECT_EQ(parsed, &story.release().content->parsed());
}

TEST(Memory, AnEndedReleaseKeepsNoTexts) {
    Story story = samples::armed();
    ASSERT_NE(story.release().content, nullptr);
    story.stop(at(1));
    EXPECT_EQ(story.release().content, nullptr);
    EXPECT_EQ(story.release().bodies, nullptr);
    EXPECT_EQ(story.release().head.digest().size(), 64u);
    EXPECT_EQ(story.whole("feed").rendition_digest().size(), 64u);
}

TEST(Memory, AReleasedMessageCanBeRetractedUntilAWeekAfterItExpired) {
    Story story = samples::armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_CONFIRMED);
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_EQ(story.release().bodies, nullptr);
    Story late = story;
    story.stop(at(3600 + 7 * 24 * 3600 - 1));
    EXPECT_EQ(story.given.refused(), "");
    late.stop(at(3600 + 7 * 24 * 3600));
    EXPECT_EQ(late.given.refused(), "no_retraction");
}

TEST(Memory, TheNextDecisionAfterThatDropsTheTexts) {
    Story story = samples::armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_CONFIRMED);
    State state = story.given.state();
    ASSERT_TRUE(Decider::evolve(state, channel("other", "webhook"), at(3600 + 7 * 24 * 3600 - 1)));
    EXPECT_NE(state.releases.by_id.at(story.id()).content, nullptr);
    // Any event about any release.
    auto another = samples::make_content();
    another.set_message_id("msg-2");
    const auto planned = Decider::react(state, samples::clearance(samples::make_cleared(another)),
                                        at(3600 + 7 * 24 * 3600));
    ASSERT_TRUE(planned);
    for (const v1::Event& event : planned->events)
        ASSERT_TRUE(Decider::evolve(state, event, at(3600 + 7 * 24 * 3600)));
    EXPECT_FALSE(state.releases.by_id.contains(story.id()));
    EXPECT_TRUE(state.releases.faded.contains(story.id()));
    EXPECT_TRUE(state.releases.fading.empty());
    // It stays known: the same clearance plans nothing again, and a caller learns why not.
    EXPECT_FALSE(Decider::react(state, samples::clearance(samples::make_cleared(story.content)),
                                at(3600 + 7 * 24 * 3600)));
    v1::Command command;
    command.mutable_stop_release()->set_release_id(story.id());
    const auto refused = Decider::decide(state, {"bow", "ana", "calgary", {"publisher"}, "r9"},
                                         command, at(3600 + 7 * 24 * 3600));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "no_retraction");
    // That is for the agencies that it named.
    const auto outsider = Decider::decide(state, {"bow", "eve", "elsewhere", {"approver"}, "r9"},
                                          command, at(3600 + 7 * 24 * 3600));
    ASSERT_FALSE(outsider);
    EXPECT_EQ(outsider.error().code, "other_agency");
}

TEST(ChannelLimit, NoMoreThanOneMessageCanHaveDeliveriesFor) {
    std::vector<v1::Event> channels = many(deliveries_of_agency_max - 1);
    for (int i = static_cast<int>(std::ssize(channels)); i < deliveries_max; ++i)
        channels.push_back(
            channel(fmt::format("other-{:04}", i), "webhook", i % 2 ? "alberta" : "edmonton"));
    GivenRelease given{channels};
    v1::Command command;
    auto& put = *command.mutable_put_channel();
    put.set_channel_id("one-more");
    put.set_kind("webhook");
    put.set_name("One more");
    put.set_url("https://hook.example.org");
    put.set_credential("hook");
    given.by("ada", "calgary", {"admin"}).when(command);
    EXPECT_EQ(given.refused(), "too_many_channels");
    put.set_channel_id("hook-0001");
    given.when(command);
    EXPECT_EQ(given.refused(), "") << "it replaces one";
}

TEST(ChannelLimit, NoAgencyTakesAllPlacesFromTheOthers) {
    GivenRelease given{many(deliveries_of_agency_max)};
    const auto once_more = [&](const char* agency) {
        v1::Command command;
        auto& put = *command.mutable_put_channel();
        put.set_channel_id(fmt::format("{}-more", agency));
        put.set_kind("webhook");
        put.set_name("One more");
        put.set_url("https://hook.example.org");
        put.set_credential("hook");
        given.by("ada", agency, {"admin"}).when(command);
        return given.refused();
    };
    EXPECT_EQ(once_more("calgary"), "too_many_channels");
    EXPECT_EQ(once_more("alberta"), "");
}

// An agency that had more before there was this limit can still correct what it has.
TEST(ChannelLimit, WhatAddsNothingIsTaken) {
    GivenRelease given{many(deliveries_of_agency_max + 10)};
    v1::Command command;
    auto& put = *command.mutable_put_channel();
    put.set_channel_id("hook-0001");
    put.set_kind("webhook");
    put.set_name("The same, with a new key");
    put.set_url("https://hook.example.org");
    put.set_credential("hook-2");
    EXPECT_EQ(given.by("ada", "calgary", {"admin"}).when(command).refused(), "");
    put.set_channel_id("one-more");
    EXPECT_EQ(given.when(command).refused(), "too_many_channels");
}

TEST(Reasons, AreCutBetweenTwoCharacters) {
    EXPECT_EQ(shortened("short", 10), "short");
    EXPECT_EQ(shortened("éééééééé", 10), "ééé…");
    Account all;
    for (int i = 0; i < 25; ++i) all.add(fmt::format("hook-{}.", i));
    EXPECT_TRUE(all.text().starts_with("hook-0. hook-1."));
    EXPECT_TRUE(all.text().ends_with("hook-19. And 5 more."));
}

}  // namespace
}  // namespace tocsin::publishing
