// What is signed before it goes out.
#include "content/cap.hpp"
#include "fake_world.hpp"
#include "publishing/feed.hpp"
#include "publishing/xml_signature.hpp"
#include "support/signing_certificate.hpp"
#include "wire_bench.hpp"

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;
using samples::at;

v1::Event signing_feed() {
    v1::Event event = samples::channel("feed", "feed");
    event.mutable_channel_put()->mutable_channel()->set_credential("sign");
    return event;
}

std::string signing_file(const test::SigningPair& pair) {
    return R"({"kind":"feed","realm":"bow","agency":"calgary",)" + pair.members() + "}";
}

const std::string some_signature =
    "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><a/></Signature>";

// ---- the decider

Story armed_and_unsigned() {
    return samples::armed({signing_feed(), samples::channel("hook", "webhook")});
}

v1::Command signature_of(const Story& story, const std::string& element,
                         const std::string& delivery = "feed") {
    v1::Command command;
    v1::RecordSignature& made = *command.mutable_record_signature();
    made.set_release_id(story.id());
    made.set_delivery_id(delivery);
    made.set_rendition_digest(story.delivery(delivery).armed->digest);
    made.set_signature(element);
    if (element.empty()) made.set_reason("The certificate has expired: renew it.");
    return command;
}

TEST(Signing, NothingIsClaimedBeforeItIsSigned) {
    Story story = armed_and_unsigned();
    EXPECT_EQ(story.release().body(story.delivery("feed")), nullptr);
    EXPECT_EQ(story.whole("feed").rendition_digest(), "");
    story.claim();
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_ARMED));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_CLAIMED)) << "the others go";
    story.tell(signature_of(story, some_signature), at(2)).claim("x1", at(2));
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_CLAIMED));
}

TEST(Signing, AddsTheSignatureToTheArmedBytesAndChangesNothingElse) {
    Story story = armed_and_unsigned();
    const std::string armed = story.release().rendered(story.delivery("feed"))->bytes();
    story.tell(signature_of(story, some_signature), at(1));
    const auto body = story.release().body(story.delivery("feed"));
    ASSERT_NE(body, nullptr);
    EXPECT_EQ(body->bytes(), content::signed_cap(armed, some_signature));
    EXPECT_TRUE(body->intact());
    EXPECT_EQ(story.whole("feed").rendition_digest(), body->digest());
    EXPECT_EQ(story.whole("feed").rendition().body(), body->bytes());
    EXPECT_NE(body->digest(), story.delivery("feed").armed->digest);
}

TEST(Signing, TheFirstSignatureStays) {
    Story story = armed_and_unsigned();
    story.tell(signature_of(story, some_signature), at(1));
    const std::string digest = story.delivery("feed").digest();
    std::string other = some_signature;
    other.replace(other.find("<a/>"), 4, "<b/>");
    story.tell(signature_of(story, other), at(1));
    EXPECT_TRUE(story.given.events().empty());
    EXPECT_EQ(story.delivery("feed").digest(), digest);
    // Nor is there another one of a later attempt.
    story.claim().outcome("feed", v1::OUTCOME_STOOD_DOWN);
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_ARMED));
    story.tell(signature_of(story, other), at(3));
    EXPECT_EQ(story.delivery("feed").digest(), digest);
}

TEST(Signing, WhatCannotBeSignedIsRefusedAndIsSignedWhenItIsTriedAgain) {
    Story story = armed_and_unsigned();
    story.tell(signature_of(story, ""), at(1));
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_REFUSED));
    EXPECT_EQ(story.whole("feed").reason(), "The certificate has expired: renew it.");
    EXPECT_TRUE(story.delivery("feed").never_left());
    story.claim().outcome("hook", v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    // A person has it tried again; its bytes were dropped since.
    story.retry("feed", at(20));
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_ARMED));
    story.due();
    story.tell(signature_of(story, some_signature), at(21)).claim("x1", at(21));
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_CLAIMED));
    EXPECT_TRUE(story.release().body(story.delivery("feed"))->intact());
}

TEST(Signing, WithoutAnotherChannelAFailureEndsTheRelease) {
    Story story = samples::armed({signing_feed()});
    story.tell(signature_of(story, ""), at(1));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
}

TEST(Signing, OnlyASignatureOfTheArmedBytesIsTaken) {
    Story story = armed_and_unsigned();
    v1::Command command = signature_of(story, some_signature);
    command.mutable_record_signature()->set_rendition_digest("other");
    story.tell(command, at(1));
    EXPECT_EQ(story.given.refused(), "signed_otherwise");
    for (const std::string& element :
         {std::string("<Signature/>"), some_signature + "<info/>", "<info/>" + some_signature,
          some_signature + some_signature, some_signature + std::string(70'000, ' ')}) {
        story.tell(signature_of(story, element), at(1));
        EXPECT_EQ(story.given.refused(), "not_a_signature") << element.substr(0, 80);
    }
    EXPECT_EQ(story.delivery("feed").signature, nullptr);
    // Nobody asked for one of the other.
    story.tell(signature_of(story, some_signature, "hook"), at(1));
    EXPECT_EQ(story.delivery("hook").signature, nullptr);
}

TEST(Signing, ARetractionIsSignedToo) {
    Story story = armed_and_unsigned();
    story.tell(signature_of(story, some_signature), at(1)).claim();
    story.outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_CONFIRMED);
    story.stop(at(10));
    story.claim("x1", at(10), v1::PURPOSE_RETRACTION);
    EXPECT_TRUE(story.delivery("feed:cancel").is(v1::DELIVERY_STATE_ARMED));
    story.tell(signature_of(story, some_signature, "feed:cancel"), at(10));
    story.claim("x1", at(10), v1::PURPOSE_RETRACTION);
    EXPECT_TRUE(story.delivery("feed:cancel").is(v1::DELIVERY_STATE_CLAIMED));
}

// ---- the wire part

struct SigningBench : Bench {
    test::SigningPair pair = test::make_pair();

    SigningBench() : Bench("feed", "feed") {
        stored.put("sign", signing_file(pair));
        job.delivery.mutable_channel()->set_credential("sign");
    }
    Signed sign() { return run(channel.sign(wire, job)); }
};

TEST(SigningFeed, SignsWithTheCertificateOfItsChannel) {
    SigningBench bench;
    EXPECT_TRUE(bench.prepare().ready);
    const Signed made = bench.sign();
    EXPECT_EQ(made.reason, "");
    const std::string whole = content::signed_cap(bench.job.body->bytes(), made.element);
    EXPECT_TRUE(verifies(whole, {bench.pair.own}));
    EXPECT_EQ(bench.sign().element, made.element);
}

TEST(SigningFeed, WithoutACertificateItIsNotReadyAndSaysWhy) {
    SigningBench bench;
    const auto refused = [&](const std::string& why) {
        const Prepared prepared = bench.prepare();
        EXPECT_FALSE(prepared.ready) << why;
        EXPECT_TRUE(prepared.reason.contains(why)) << prepared.reason;
        const Signed made = bench.sign();
        EXPECT_EQ(made.element, "");
        EXPECT_TRUE(made.reason.starts_with("It could not be signed, so nothing was sent")) << why;
        EXPECT_TRUE(made.reason.contains(why)) << made.reason;
    };
    bench.stored.put("sign", signing_file(test::make_pair(0, 1000)));
    refused("has expired");
    bench.stored.put("sign", signing_file({bench.pair.key, bench.pair.authority, ""}));
    refused("not that of its key");
    bench.stored.put(
        "sign", R"({"kind":"feed","realm":"bow","agency":"alberta",)" + bench.pair.members() + "}");
    refused("does not exist for agency `calgary`");
    bench.stored.remove("sign");
    refused("does not exist");
    bench.job.delivery.mutable_channel()->clear_credential();
    EXPECT_TRUE(bench.prepare().ready) << "this channel names none";
}

TEST(SigningFeed, WhatWasChangedSinceItWasArmedIsNotSigned) {
    SigningBench bench;
    bench.job.body = std::make_shared<const Sealed>("<alert></alert>", bench.job.body->digest());
    EXPECT_TRUE(bench.sign().reason.contains("not those that were armed"));
}

TEST(SigningFeed, ACredentialOfAFeedNamesNoOrigins) {
    SigningBench bench;
    const CredentialUse use{"feed", "bow", "calgary", ""};
    EXPECT_TRUE(bench.credentials.load("sign", use));
    EXPECT_FALSE(bench.credentials.load("sign", {"feed", "bow", "alberta", ""}));
    EXPECT_FALSE(
        bench.credentials.load("sign", {"webhook", "bow", "calgary", "https://a.example"}));
    EXPECT_FALSE(bench.credentials.load("hook", use)) << "it is a webhook's";
}

// ---- the executor

struct SigningWorld {
    FakeWorld world;
    test::SigningPair pair = test::make_pair();

    explicit SigningWorld(bool with_file = true) {
        world.server = [](const runtime::HttpRequest&) { return response(204); };
        if (with_file) put_file();
        world.start("x1");
        const std::vector<v1::Event> channels{signing_feed(), samples::channel("hook", "webhook")};
        for (const v1::Event& event : channels) world.put(event);
        world.react(samples::clearance(
            samples::make_cleared(samples::going_to(channels, samples::make_content())),
            world.now));
    }
    void put_file() { world.stored.put("sign", signing_file(pair)); }
    std::string shown(const std::string& delivery = "feed") {
        const std::string identifier = world.release().find(delivery)->fixed().identifier();
        const auto alert = world.view.snapshot("bow")->alert(identifier, world.now);
        return alert && alert->body ? alert->body->bytes() : std::string{};
    }
    void pass_until(v1::DeliveryState state, const std::string& delivery = "feed") {
        world.pass(30s, [&] {
            const Delivery* there = world.release().find(delivery);
            return there && there->is(state);
        });
        ASSERT_NE(world.release().find(delivery), nullptr);
        EXPECT_EQ(world.state_of(delivery), state) << world.release().find(delivery)->head.reason();
    }
};

TEST(SigningExecutor, TheFeedShowsTheSignedAlertFromT0On) {
    SigningWorld there;
    Time shown_at{};
    there.world.pass(30s, [&] {
        if (!there.shown().empty() && shown_at == Time{}) shown_at = there.world.now;
        return there.world.state_of("feed") == v1::DELIVERY_STATE_CONFIRMED;
    });
    EXPECT_EQ(shown_at, runtime::from_proto(there.world.release().head.fire_at()));
    EXPECT_TRUE(verifies(there.shown(), {there.pair.own}));
    EXPECT_EQ(there.world.release().find("feed")->head.attempts(), 1);
}

TEST(SigningExecutor, TheRetractionIsSignedAsWell) {
    SigningWorld there;
    there.pass_until(v1::DELIVERY_STATE_CONFIRMED);
    v1::Command command;
    command.mutable_stop_release()->set_release_id(there.world.release().id());
    command.mutable_stop_release()->set_reason("wrong river");
    ASSERT_TRUE(there.world.decide({"bow", "olga", "calgary", {"approver"}, "r"},
                                   command.SerializeAsString()));
    there.pass_until(v1::DELIVERY_STATE_CONFIRMED, "feed:cancel");
    EXPECT_TRUE(there.shown("feed:cancel").contains("<msgType>Cancel</msgType>"));
    EXPECT_TRUE(verifies(there.shown("feed:cancel"), {there.pair.own}));
}

TEST(SigningExecutor, ACertificateThatIsLostAfterArmingIsARefusedDeliveryAndNeverUnsigned) {
    SigningWorld there;
    there.world.pass(30s, [&] { return there.world.release().is(v1::RELEASE_STATE_ARMED); });
    // The signature of before is not made yet, or not any more.
    const bool early = there.world.release().find("feed")->signature == nullptr;
    ASSERT_TRUE(early);
    there.world.stored.remove("sign");
    there.pass_until(v1::DELIVERY_STATE_REFUSED);
    EXPECT_TRUE(there.world.release().find("feed")->head.reason().contains("could not be signed"));
    there.world.pass(30s);
    EXPECT_EQ(there.shown(), "");
    EXPECT_EQ(there.world.state_of("hook"), v1::DELIVERY_STATE_CONFIRMED);
    // Once it is there again, a person has it tried again.
    there.put_file();
    v1::Command command;
    command.mutable_retry_delivery()->set_release_id(there.world.release().id());
    command.mutable_retry_delivery()->set_delivery_id("feed");
    command.mutable_retry_delivery()->set_reason("it is stored again");
    ASSERT_TRUE(there.world.decide({"bow", "olga", "calgary", {"duty-officer"}, "r"},
                                   command.SerializeAsString()));
    there.pass_until(v1::DELIVERY_STATE_CONFIRMED);
    EXPECT_TRUE(verifies(there.shown(), {there.pair.own}));
}

TEST(SigningExecutor, AChannelWithoutItsCertificateIsAStraggler) {
    SigningWorld there{false};
    there.pass_until(v1::DELIVERY_STATE_CONFIRMED, "hook");
    EXPECT_EQ(there.world.state_of("feed"), v1::DELIVERY_STATE_NOT_READY);
    there.put_file();
    there.world.pass(60s,
                     [&] { return there.world.state_of("feed") == v1::DELIVERY_STATE_CONFIRMED; });
    EXPECT_TRUE(verifies(there.shown(), {there.pair.own}));
}

TEST(SigningExecutor, AnotherProcessGoesOnWithTheSignatureThatWasMade) {
    SigningWorld there;
    there.world.pass(30s, [&] { return there.world.release().find("feed")->signature != nullptr; });
    const std::string digest = there.world.release().find("feed")->digest();
    // With another key from now on.
    const auto key = test::rsa_key();
    there.world.stored.put(
        "sign", signing_file({test::pem_of(key), test::certificate("new", key, "new", key), ""}));
    there.world.start("x2");
    there.pass_until(v1::DELIVERY_STATE_CONFIRMED);
    EXPECT_EQ(content::digest(there.shown()), digest);
    EXPECT_TRUE(verifies(there.shown(), {there.pair.own}));
}

}  // namespace
}  // namespace tocsin::publishing
