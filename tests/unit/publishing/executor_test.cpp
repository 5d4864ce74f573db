#include "fake_world.hpp"
#include "publishing/feed.hpp"
#include "publishing/leads.hpp"
#include "support/metric_value.hpp"

#include <nlohmann/json.hpp>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;
using runtime::HttpError;
using runtime::HttpRequest;
using runtime::HttpResult;

// A gateway that shows what is public, a receiver that remembers ids, an account with posts.
struct Public {
    FakeWorld world;
    std::set<std::string> webhook_ids;
    std::vector<std::pair<std::string, Time>> arrivals;
    nlohmann::json posts = nlohmann::json::array();
    bool readable = true;  // the account
    std::function<HttpResult(HttpResult)> webhook_answer = [](HttpResult result) { return result; };
    std::function<HttpResult(HttpResult)> post_answer = [](HttpResult result) { return result; };

    Public() {
        world.server = [this](const HttpRequest& request) { return serve(request); };
    }

    HttpResult serve(const HttpRequest& request) {
        // Its own feed is none of the servers that a release may wait for.
        EXPECT_FALSE(request.url.contains("/alerts/")) << request.url;
        if (request.url.contains("hook.example.org")) {
            if (request.method == "HEAD") return response(405);
            arrivals.emplace_back("hook", world.now);
            for (const auto& [name, value] : request.headers)
                if (name == "webhook-id") webhook_ids.insert(value);
            return webhook_answer(response(204));
        }
        if (request.url.ends_with("verify_credentials")) return response(200, R"({"id":"77"})");
        if (request.url.ends_with("instance")) return response(404);
        if (request.method == "GET" && !readable) return response(403);
        if (request.method == "GET")
            return response(200, request.url.contains("max_id") ? "[]" : posts.dump());
        arrivals.emplace_back("toot", world.now);
        const auto body = nlohmann::json::parse(request.body);
        const std::string id = std::to_string(posts.size() + 1);
        // As servers show them, the newest first.
        posts.insert(
            posts.begin(),
            nlohmann::json{{"id", id},
                           {"content", body["status"]},
                           {"language", body["language"]},
                           {"in_reply_to_id", body.value("in_reply_to_id", nlohmann::json{})}});
        return post_answer(response(200, R"({"id":")" + id + "\"}"));
    }

    void clear(const content::Content& content = samples::make_content()) {
        const std::vector<v1::Event> channels{samples::channel("feed", "feed"),
                                              samples::channel("hook", "webhook"),
                                              samples::channel("toot", "mastodon")};
        for (const auto& event : channels) world.put(event);
        world.react(samples::clearance(samples::make_cleared(samples::going_to(channels, content)),
                                       world.now));
    }
    bool released() const { return world.release().is(v1::RELEASE_STATE_RELEASED); }
    bool firing() const { return world.release().is(v1::RELEASE_STATE_FIRING); }
    void retract() {
        v1::Command command;
        command.mutable_stop_release()->set_release_id(world.release().id());
        command.mutable_stop_release()->set_reason("wrong river");
        ASSERT_TRUE(world.decide({"bow", "olga", "calgary", {"approver"}, "r"},
                                 command.SerializeAsString()));
    }
    // A person looked at the account: it is not there, and is to be sent again.
    void send_again(const std::string& delivery) {
        v1::Command looked, again;
        v1::ResolveDeliveryRequest& seen = *looked.mutable_resolve_delivery();
        seen.set_release_id(world.release().id());
        seen.set_delivery_id(delivery);
        seen.set_found(v1::FINDING_ABSENT);
        seen.set_reason("the account's page");
        *seen.mutable_looked_at() = runtime::to_proto(world.now);
        again.mutable_retry_delivery()->set_release_id(seen.release_id());
        again.mutable_retry_delivery()->set_delivery_id(delivery);
        again.mutable_retry_delivery()->set_reason("it is not there");
        const auto ask = [&](const v1::Command& command, const std::string& id) {
            return world.decide({"bow", "olga", "calgary", {"duty-officer"}, id},
                                command.SerializeAsString());
        };
        ASSERT_TRUE(ask(looked, "looked " + delivery));
        ASSERT_TRUE(ask(again, "again " + delivery));
    }
};

std::string first_page(const Realm& realm, const std::string& language, Time now) {
    FeedRows none;
    return build_feed(realm, "bow", {language}, "https://feed.example.org", now, none)
        .pages.at(0)
        .body;
}

std::string english_page(const Public& there, Time now) {
    return there.world.view.read(
        "bow", [&](const Realm& realm) { return first_page(realm, "en-CA", now); });
}

TEST(Executor, SendsTheTraceOfTheClearanceAlong) {
    Public there;
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    there.world.traceparent = trace;
    there.world.start("one");
    there.clear();
    there.world.pass(30s, [&] { return there.released(); });
    ASSERT_TRUE(there.released());
    int effects = 0;
    for (const HttpRequest& request : there.world.sent) {
        if (request.method != "POST") continue;
        ++effects;
        EXPECT_TRUE(std::ranges::count(request.headers,
                                       std::pair<std::string, std::string>{"traceparent", trace}))
            << request.url;
    }
    EXPECT_GT(effects, 1);
}

TEST(Executor, ClaimsShortlyBeforeT0AndNotBefore) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(30s, [&] { return there.firing() || there.released(); });
    const Time fire_at = runtime::from_proto(there.world.release().head.fire_at());
    for (const Delivery& delivery : there.world.release().deliveries) {
        ASSERT_TRUE(delivery.first_claimed_at);
        EXPECT_GE(*delivery.first_claimed_at, fire_at - lead(60ms, 4));
        EXPECT_LT(*delivery.first_claimed_at, fire_at);
    }
}

TEST(Executor, OfARemovedChannelNoSeriesIsLeftAndEachHasItsRealm) {
    Public there;
    const auto ready = [&](const char* channel) {
        return tocsin::testing::metric_value(there.world.metrics(), "tocsin_channel_ready",
                                             {{"realm", "bow"}, {"channel", channel}});
    };
    there.world.start("x1");
    there.clear();
    there.world.pass(20s);
    EXPECT_EQ(ready("hook"), 1);
    v1::Event removed;
    removed.mutable_channel_removed()->set_channel_id("hook");
    there.world.put(removed);
    there.world.pass(1s);
    EXPECT_FALSE(ready("hook"));
    EXPECT_EQ(ready("toot"), 1);
}

TEST(Executor, AfterAFoldTheSeriesOfAChannelIsThereIfTheChannelIs) {
    Public there;
    const auto ready = [&] {
        return tocsin::testing::metric_value(there.world.metrics(), "tocsin_channel_ready",
                                             {{"realm", "bow"}, {"channel", "hook"}});
    };
    there.world.start("x1");
    there.clear();
    there.world.pass(20s);
    EXPECT_EQ(ready(), 1);
    v1::Event removed;
    removed.mutable_channel_removed()->set_channel_id("hook");
    const v1::Event put = samples::channel("hook", "webhook");
    const auto meanwhile = [&] { there.world.pass(1s); };
    there.world.fold_again({put, removed, put}, meanwhile);
    there.world.pass(1s);
    EXPECT_EQ(ready(), 1) << "it was put anew";
    there.world.fold_again({put, removed}, meanwhile);
    there.world.pass(1s);
    EXPECT_FALSE(ready());
}

TEST(Executor, AChannelPutAnewAtOnceKeepsItsSeries) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s);
    v1::Event removed;
    removed.mutable_channel_removed()->set_channel_id("hook");
    there.world.put(removed);
    there.world.put(samples::channel("hook", "webhook"));
    there.world.pass(1s);
    EXPECT_EQ(tocsin::testing::metric_value(there.world.metrics(), "tocsin_channel_ready",
                                            {{"realm", "bow"}, {"channel", "hook"}}),
              1);
}

TEST(Executor, TakesAClearedMessageToEveryChannelOnceAndAtT0) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s);
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.webhook_ids.size(), 1u);
    EXPECT_EQ(there.posts.size(), 2u);
    ASSERT_EQ(there.arrivals.size(), 3u);
    for (const auto& [where, when] : there.arrivals)
        EXPECT_EQ(when, runtime::from_proto(there.world.release().head.fire_at())) << where;
    EXPECT_DOUBLE_EQ(there.world.release().head.skew_ms(), 0);
}

// When the first and the last request of a message of this severity left.
Duration spread(content::v1::Severity severity, std::size_t places) {
    Public there;
    there.world.places = places;
    there.world.start("x1");
    content::Content content = samples::make_content();
    content.mutable_draft()->set_severity(severity);
    there.clear(content);
    there.world.pass(30s, [&] { return there.released(); });
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.arrivals.size(), 3U);
    return there.arrivals.back().second - there.arrivals.front().second;
}

TEST(Executor, WhatIsNotUrgentWaitsForAPlaceAndWhatIsNeedsNone) {
    EXPECT_EQ(spread(content::v1::SEVERITY_MODERATE, 1), 10ms) << "each waits for an answer";
    EXPECT_EQ(spread(content::v1::SEVERITY_MODERATE, 2), 5ms);
    EXPECT_EQ(spread(content::v1::SEVERITY_MODERATE, 3), 0ms);
    EXPECT_EQ(spread(content::v1::SEVERITY_SEVERE, 1), 0ms);
    EXPECT_EQ(spread(content::v1::SEVERITY_EXTREME, 1), 0ms);
}

TEST(Executor, SendsNothingBeforeItIsArmedAndNothingAfterACancel) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s, [&] { return there.world.release().is(v1::RELEASE_STATE_ARMED); });
    EXPECT_TRUE(there.arrivals.empty());
    v1::Command command;
    command.mutable_stop_release()->set_release_id(there.world.release().id());
    command.mutable_stop_release()->set_reason("wrong river");
    ASSERT_TRUE(there.world.decide({"bow", "olga", "calgary", {"approver"}, "r"},
                                   command.SerializeAsString()));
    there.world.pass(60s);
    EXPECT_TRUE(there.arrivals.empty());
    EXPECT_TRUE(there.world.release().is(v1::RELEASE_STATE_CANCELLED));
}

// The claim was given, and nothing was sent yet: the retraction is in time.
TEST(Executor, SendsNothingOfWhatWasRetractedBetweenItsClaimAndItsTime) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s, [&] { return there.world.release().is(v1::RELEASE_STATE_FIRING); });
    ASSERT_TRUE(there.world.release().find("hook")->is(v1::DELIVERY_STATE_CLAIMED));
    v1::Command command;
    command.mutable_stop_release()->set_release_id(there.world.release().id());
    command.mutable_stop_release()->set_reason("wrong river");
    ASSERT_TRUE(there.world.decide({"bow", "olga", "calgary", {"approver"}, "r"},
                                   command.SerializeAsString()));
    there.world.pass(60s);
    EXPECT_TRUE(there.arrivals.empty());
    EXPECT_TRUE(there.world.release().find("hook")->is(v1::DELIVERY_STATE_STOOD_DOWN));
    // The feed shows it all the same, and so it is taken back there.
    EXPECT_TRUE(there.world.release().find("feed")->is(v1::DELIVERY_STATE_CONFIRMED));
    EXPECT_TRUE(there.world.release().find("feed:cancel")->is(v1::DELIVERY_STATE_CONFIRMED));
    EXPECT_TRUE(there.world.release().is(v1::RELEASE_STATE_RETRACTED));
}

TEST(Executor, DoesNothingWhereItDoesNotLead) {
    Public there;
    there.world.leader_realm = "elsewhere";
    there.world.start("x1");
    there.clear();
    there.world.pass(2s);
    EXPECT_TRUE(there.world.sent.empty());
    there.world.leader_realm = "bow";
    there.world.pass(60s);
    EXPECT_TRUE(there.released());
}

// Nobody leads in the place of a leader that died before something is asked.
TEST(Executor, WhatADeadLeaderLeftIsDoneByWhoeverSeesIt) {
    for (const auto left :
         {v1::RELEASE_STATE_PREPARING, v1::RELEASE_STATE_ARMED, v1::RELEASE_STATE_FIRING}) {
        SCOPED_TRACE(left);
        Public there;
        there.world.start("x1");
        there.clear();
        there.world.pass(20s, [&] { return there.world.release().is(left); });
        there.world.leader_realm = "elsewhere";
        there.world.start("x2");
        there.world.pass(120s);
        EXPECT_TRUE(there.released()) << there.world.release().whole().ShortDebugString();
        EXPECT_EQ(there.webhook_ids.size(), 1u);
        EXPECT_EQ(there.posts.size(), 2u);
    }
}

TEST(Executor, AMessageClearedWhileNobodyRanIsPublishedAtTheNextStart) {
    Public there;
    there.clear();
    there.world.start("x1");
    there.world.pass(30s);
    EXPECT_TRUE(there.released());
}

TEST(Executor, KilledAfterTheClaimItsSuccessorFindsOutAndNothingIsPostedTwice) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s, [&] { return there.firing(); });
    there.world.start("x2");
    there.world.pass(120s);
    EXPECT_TRUE(there.released()) << there.world.release().whole().ShortDebugString();
    EXPECT_EQ(there.webhook_ids.size(), 1u);
    EXPECT_EQ(there.posts.size(), 2u);
}

TEST(Executor, KilledBetweenSentAndToldItsSuccessorReadsThePostsBack) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s, [&] { return there.posts.size() == 2 && !there.webhook_ids.empty(); });
    EXPECT_TRUE(there.firing());
    there.world.start("x2");
    there.world.pass(120s);
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.webhook_ids.size(), 1u);
    EXPECT_EQ(there.posts.size(), 2u);
    EXPECT_EQ(there.world.count("POST", "toot"), 2);
    EXPECT_EQ(there.world.release().find("toot:fr-CA")->head.receipt(), "1");
}

TEST(Executor, ALostReplyIsResolvedByReadingBack) {
    Public there;
    there.post_answer = [](HttpResult) { return failure(HttpError::Kind::unknown_outcome); };
    there.world.start("x1");
    there.clear();
    there.world.pass(60s);
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.posts.size(), 2u);
    EXPECT_EQ(there.world.state_of("toot:fr-CA"), v1::DELIVERY_STATE_CONFIRMED);
}

// It commits later than any proxy waits.
TEST(Executor, ASlowServerIsNotPostedToAgain) {
    Public there;
    std::vector<HttpRequest> slow;
    there.world.server = [&](const HttpRequest& request) -> HttpResult {
        const bool toot = request.url.contains("toot.example.org");
        // Half a minute later it is there.
        while (!slow.empty() && there.world.now > there.arrivals.front().second + 30s) {
            there.serve(slow.back());
            slow.pop_back();
        }
        if (!toot || request.method != "POST") return there.serve(request);
        if (there.arrivals.empty()) there.arrivals.emplace_back("toot", there.world.now);
        slow.push_back(request);
        return response(504);
    };
    there.world.start("x1");
    there.clear();
    there.world.pass(200s);
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.posts.size(), 2u);
    EXPECT_EQ(there.world.count("POST", "toot"), 2);
}

content::Content long_content() {
    content::Content content = samples::make_content();
    for (auto& text : *content.mutable_draft()->mutable_texts())
        for (int i = 0; i < 20; ++i)
            text.mutable_description()->append(" Street " + std::to_string(i) + " is flooded.");
    return content;
}

TEST(Executor, AThreadThatBrokeOffGoesOnWhereItEnded) {
    Public there;
    int asked = 0;
    there.world.server = [&](const HttpRequest& request) -> HttpResult {
        const bool post = request.method == "POST" && request.url.contains("toot");
        // The second post of one language.
        return post && ++asked == 3 ? response(503) : there.serve(request);
    };
    there.world.start("x1");
    there.clear(long_content());
    there.world.pass(10s);
    EXPECT_TRUE(there.firing());
    EXPECT_EQ(there.posts.size(), 3u);
    there.world.pass(120s);
    EXPECT_TRUE(there.released()) << there.world.release().whole().ShortDebugString();
    EXPECT_EQ(there.posts.size(), 4u);
    EXPECT_EQ(asked, 5);
}

// Its first post is public, so that it is taken back, and the rest never goes out.
TEST(Executor, AThreadInPartIsRetracted) {
    Public there;
    int asked = 0;
    there.world.server = [&](const HttpRequest& request) -> HttpResult {
        const bool post = request.method == "POST" && request.url.contains("toot");
        return post && ++asked > 2 && asked <= 4 ? response(503) : there.serve(request);
    };
    there.world.start("x1");
    there.clear(long_content());
    there.world.pass(10s, [&] { return asked == 4; });
    there.world.pass(1s);
    there.retract();
    there.world.pass(200s);
    EXPECT_TRUE(there.world.release().is(v1::RELEASE_STATE_RETRACTED))
        << there.world.release().whole().ShortDebugString();
    // Of each language the first post and the retraction.
    EXPECT_EQ(there.posts.size(), 4u);
    EXPECT_EQ(there.world.state_of("toot:fr-CA:cancel"), v1::DELIVERY_STATE_CONFIRMED);
}

TEST(Executor, WhereOnlyAPersonCanLookThatPersonHasItSentAgain) {
    Public there;
    there.readable = false;
    there.post_answer = [](const HttpResult&) { return failure(HttpError::Kind::unknown_outcome); };
    there.world.start("one");
    there.clear();
    there.world.pass(120s);
    EXPECT_TRUE(there.firing());
    EXPECT_EQ(there.posts.size(), 2U);
    // They never were shown.
    there.posts.clear();
    there.post_answer = [](HttpResult result) { return result; };
    there.send_again("toot:fr-CA");
    there.send_again("toot:en-CA");
    there.world.pass(30s, [&] { return there.released(); });
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.posts.size(), 2U);
}

TEST(Executor, AnswersOfTheLedgerThatGetLostChangeNothing) {
    Public there;
    there.world.lost_answers = 7;
    there.world.start("x1");
    there.clear();
    there.world.pass(60s);
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.posts.size(), 2u);
    EXPECT_EQ(there.webhook_ids.size(), 1u);
    EXPECT_EQ(there.arrivals.size(), 3u);
}

TEST(Executor, AnOutcomeIsToldOnceTheLedgerIsBack) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s, [&] { return there.firing(); });
    there.world.frozen = true;
    there.world.pass(5s);
    EXPECT_EQ(there.arrivals.size(), 3u);
    EXPECT_TRUE(there.firing());
    there.world.frozen = false;
    there.world.pass(30s);
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.arrivals.size(), 3u);
}

TEST(Executor, OfWhatWasGivenUpTheReasonIsWhatTheReceiverAnswered) {
    Public there;
    there.webhook_answer = [](HttpResult) { return response(500); };
    there.world.start("x1");
    there.clear();
    there.world.pass(2h,
                     [&] { return there.world.state_of("hook") == v1::DELIVERY_STATE_REFUSED; });
    const v1::Delivery& hook = there.world.release().find("hook")->head;
    EXPECT_EQ(hook.state(), v1::DELIVERY_STATE_REFUSED);
    EXPECT_GT(hook.attempts(), 5);
    EXPECT_TRUE(
        hook.reason().ends_with("Last answer: The receiver answered 500: it may have it or not."))
        << hook.reason();
}

// It is shown to the public, to be followed.
TEST(Executor, OnlyAPageIsTakenForTheUrlOfAPost) {
    const std::pair<std::string, bool> cases[] = {
        {"https://toot.example.org/@a/1", true},
        {"http://toot.example.org:8080/@a/1", true},
        {"javascript:alert(1)", false},
        {"JavaScript://toot.example.org/%0aalert(1)", false},
        {"data:text/html,x", false},
        {"ftp://toot.example.org/1", false},
        {"https:///1", false},
        {"https://bank.example@evil.example/", false},
        {"/@a/1", false},
        {"toot.example.org/@a/1", false}};
    for (const auto& [url, taken] : cases) {
        Public there;
        there.post_answer = [&](HttpResult) {
            return response(200, nlohmann::json{{"id", "1"}, {"url", url}}.dump());
        };
        there.world.start("x1");
        there.clear();
        there.world.pass(120s);
        ASSERT_TRUE(there.released());
        const v1::Delivery& toot = there.world.release().find("toot:fr-CA")->head;
        EXPECT_EQ(toot.state(), v1::DELIVERY_STATE_CONFIRMED);
        EXPECT_EQ(toot.url(), taken ? url : "");
    }
}

// What a server said must not cost the outcome itself: without it the post would be made again.
TEST(Executor, AnOutcomeThatTheLedgerCannotReadIsToldPlainly) {
    for (const char* code : {"unreadable", "decision_too_large", "decider_failed"}) {
        SCOPED_TRACE(code);
        Public there;
        std::vector<v1::RecordOutcome> told;
        there.world.refuses = [&](const v1::Command& command) -> std::string {
            if (!command.has_record_outcome()) return {};
            if (command.record_outcome().delivery_id() != "toot:fr-CA") return {};
            told.push_back(command.record_outcome());
            return told.size() == 1 ? code : "";
        };
        there.world.start("x1");
        there.clear();
        there.world.pass(120s);
        ASSERT_EQ(told.size(), 2u);
        EXPECT_EQ(told[0].receipt(), "1");
        EXPECT_EQ(told[1].outcome(), told[0].outcome());
        EXPECT_EQ(told[1].reason(), "The channel's answer cannot be shown.");
        EXPECT_EQ(told[1].receipt() + told[1].url(), "");
        EXPECT_TRUE(there.released()) << there.world.release().whole().ShortDebugString();
        EXPECT_EQ(there.world.state_of("toot:fr-CA"), v1::DELIVERY_STATE_CONFIRMED);
        EXPECT_EQ(there.world.count("POST", "toot"), 2) << "one for each language";
    }
}

TEST(Executor, AnOutcomeThatIsRefusedPlainlyTooIsNotToldForEver) {
    Public there;
    int told = 0;
    there.world.refuses = [&](const v1::Command& command) -> std::string {
        return command.has_record_outcome() &&
                       command.record_outcome().delivery_id() == "toot:fr-CA" && ++told
                   ? "unreadable"
                   : "";
    };
    there.world.start("x1");
    there.clear();
    there.world.pass(5s);
    EXPECT_EQ(told, 2);
    EXPECT_EQ(there.world.count("POST", "toot"), 2);
}

TEST(Executor, OneFailingChannelDelaysNoOther) {
    Public there;
    int refusals = 3;
    there.webhook_answer = [&](HttpResult result) -> HttpResult {
        return refusals-- > 0 ? response(503, "", {{"retry-after", "2"}}) : result;
    };
    there.world.start("x1");
    there.clear();
    there.world.pass(2s);
    EXPECT_EQ(there.world.state_of("toot:fr-CA"), v1::DELIVERY_STATE_CONFIRMED);
    EXPECT_EQ(there.world.state_of("feed"), v1::DELIVERY_STATE_CONFIRMED);
    there.world.pass(60s);
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.webhook_ids.size(), 1u);
    EXPECT_EQ(there.world.release().find("hook")->head.attempts(), 4);
}

TEST(Executor, AStragglerIsPreparedAgainUntilItIsReady) {
    Public there;
    there.world.stored.remove("hook");
    there.world.start("x1");
    there.clear();
    there.world.pass(30s);
    EXPECT_TRUE(there.firing()) << "nothing waits for it";
    EXPECT_EQ(there.posts.size(), 2u);
    EXPECT_TRUE(there.world.release().find("hook")->is(v1::DELIVERY_STATE_NOT_READY));
    there.world.stored.put("hook", credential_text("webhook", "hook", webhook_secret));
    there.world.pass(60s);
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.webhook_ids.size(), 1u);
}

TEST(Executor, AFrozenOneThatThawsTooLateStandsDownAndClaimsAnew) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s, [&] { return there.firing(); });
    there.world.now += 11s;
    there.world.steady += 11s;
    there.world.pass(120s);
    EXPECT_TRUE(there.released());
    EXPECT_EQ(there.posts.size(), 2u);
    EXPECT_EQ(there.arrivals.size(), 3u);
    for (const Delivery& delivery : there.world.release().deliveries)
        EXPECT_EQ(delivery.head.attempts(), 2) << delivery.id();
}

TEST(Executor, ARetractionFollowsOnEveryChannel) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s);
    there.retract();
    there.world.pass(20s);
    EXPECT_TRUE(there.world.release().is(v1::RELEASE_STATE_RETRACTED))
        << there.world.release().whole().ShortDebugString();
    EXPECT_EQ(there.posts.size(), 4u);
    EXPECT_EQ(there.webhook_ids.size(), 2u);
    there.world.view.read("bow", [&](const Realm& realm) {
        const std::string page = first_page(realm, "fr-CA", there.world.now);
        EXPECT_TRUE(page.contains("-cancel.xml"));
        EXPECT_TRUE(page.contains("Inondation"));
        EXPECT_TRUE(page.contains("Annulée"));
    });
}

TEST(Executor, ARetractionAfterTheMessageExpiredIsOnTheFeedForADay) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(3700s);
    there.retract();
    there.world.pass(20s);
    EXPECT_TRUE(english_page(there, there.world.now).contains("-cancel.xml"));
    EXPECT_TRUE(english_page(there, there.world.now + 23h).contains("-cancel.xml"));
    EXPECT_FALSE(english_page(there, there.world.now + 24h).contains("-cancel.xml"));
}

TEST(Executor, AChannelThatIsCorrectedIsTriedAtOnce) {
    Public there;
    there.world.stored.remove("hook");
    there.world.start("x1");
    there.clear();
    there.world.pass(300s);
    EXPECT_TRUE(there.world.release().find("hook")->is(v1::DELIVERY_STATE_NOT_READY));
    there.world.stored.put("hook", credential_text("webhook", "hook", webhook_secret));
    v1::Command command;
    v1::PutChannelRequest& put = *command.mutable_put_channel();
    put.set_channel_id("hook");
    put.set_kind("webhook");
    put.set_url("https://hook.example.org");
    put.set_credential("hook");
    put.set_name("The radio station, tried again at once");
    ASSERT_TRUE(
        there.world.decide({"bow", "ada", "calgary", {"admin"}, "p"}, command.SerializeAsString()));
    there.world.pass(3s);
    EXPECT_TRUE(there.released()) << there.world.release().whole().ShortDebugString();
    EXPECT_EQ(there.webhook_ids.size(), 1u);
}

// The wall clock is set, and the machine stands still, while it waits for T0.
TEST(Executor, T0IsByTheClockAsItIsThen) {
    Public there;
    there.world.start("x1");
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_release_at() = runtime::to_proto(samples::at(100));
    there.clear(content);
    there.world.pass(50s);
    EXPECT_TRUE(there.world.release().is(v1::RELEASE_STATE_ARMED));
    there.world.now += 30s;  // corrected: it is 30 s later than this machine thought
    there.world.pass(15s);
    EXPECT_TRUE(there.posts.empty());
    there.world.pass(10s);
    EXPECT_TRUE(there.released());
    for (const auto& [what, when] : there.arrivals) EXPECT_LT(when - samples::at(100), 1s) << what;
}

TEST(Feed, ShowsNothingBeforeT0AndNothingAfterExpiry) {
    Public there;
    there.world.start("x1");
    there.clear();
    there.world.pass(20s, [&] { return there.firing(); });
    const Time fire_at = runtime::from_proto(there.world.release().head.fire_at());
    EXPECT_FALSE(english_page(there, fire_at - 1ms).contains("<entry>"));
    EXPECT_TRUE(english_page(there, fire_at).contains("<entry>"));
    EXPECT_FALSE(english_page(there, samples::at(3600)).contains("<entry>"));
    const std::string identifier = there.world.release().head.identifiers().at("calgary");
    there.world.view.read("bow", [&](const Realm& realm) {
        EXPECT_EQ(realm.alert(identifier, fire_at - 1ms), nullptr);
        EXPECT_NE(realm.alert(identifier, fire_at), nullptr);
    });
}

}  // namespace
}  // namespace tocsin::publishing
