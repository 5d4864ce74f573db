#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::channel;
using samples::GivenRelease;

v1::Command put(const std::string& id, const std::string& kind, const std::string& url,
                const std::string& credential) {
    v1::Command command;
    v1::PutChannelRequest& request = *command.mutable_put_channel();
    request.set_channel_id(id);
    request.set_kind(kind);
    request.set_name("name");
    request.set_url(url);
    request.set_credential(credential);
    return command;
}

v1::Command remove(const std::string& id) {
    v1::Command command;
    command.mutable_remove_channel()->set_channel_id(id);
    return command;
}

GivenRelease admin(std::vector<v1::Event> events = {}) {
    GivenRelease given{std::move(events)};
    given.by("adam", "calgary", {"admin"});
    return given;
}

TEST(Channels, AnAdminPutsOneForTheOwnAgency) {
    auto given = admin();
    given.when(put("hook", "webhook", "https://a.example.org/x", "hook"));
    ASSERT_EQ(given.refused(), "");
    EXPECT_EQ(given.state().channels.by_id.at("hook").channel.agency_id(), "calgary");
    EXPECT_EQ(given.etag(), "1");
}

TEST(Channels, PuttingTheSameAgainAddsNothing) {
    auto given = admin();
    const auto command = put("hook", "webhook", "https://a.example.org/x", "hook");
    given.when(command).when(command);
    EXPECT_TRUE(given.events().empty());
}

TEST(Channels, AnAgencyIsBoundedWithThoseThatWereRemoved) {
    auto given = admin();
    for (int i = 0; i < 200; ++i) {
        const std::string id = "hook-" + std::to_string(i);
        given.when(put(id, "webhook", "https://a.example.org/x", "hook")).when(remove(id));
        ASSERT_EQ(given.refused(), "") << i;
    }
    const auto once_more = [&](const std::string& id) {
        given.when(put(id, "webhook", "https://a.example.org/x", "hook"));
        return given.refused();
    };
    EXPECT_EQ(once_more("one-more"), "too_many_channels");
    EXPECT_EQ(once_more("hook-7"), "");
    given.by("amy", "alberta", {"admin"});
    EXPECT_EQ(once_more("one-more"), "") << "another agency has its own";
}

TEST(Channels, NobodyElseMay) {
    auto given = admin();
    given.by("ana", "calgary", {"author"}).when(put("feed", "feed", "", ""));
    EXPECT_EQ(given.refused(), "role_missing");
}

TEST(Channels, OfAnotherAgencyAreOutOfReach) {
    auto given = admin({channel("feed", "feed", "alberta")});
    given.when(put("feed", "feed", "", ""));
    EXPECT_EQ(given.refused(), "other_agency");
    given.when(remove("feed"));
    EXPECT_EQ(given.refused(), "other_agency");
}

TEST(Channels, AKindThatNobodyKnowsIsRefused) {
    auto given = admin();
    given.when(put("pigeon", "pigeon", "https://a.example.org", "x"));
    EXPECT_EQ(given.refused(), "unknown_kind");
}

TEST(Channels, AWebhookNeedsUrlAndCredentialAndNoSecretInTheUrl) {
    auto given = admin();
    given.when(put("hook", "webhook", "", "x"));
    EXPECT_EQ(given.refused(), "url_missing");
    given.when(put("hook", "webhook", "ftp://a.example.org", "x"));
    EXPECT_EQ(given.refused(), "url_missing");
    given.when(put("hook", "webhook", "https://a.example.org", ""));
    EXPECT_EQ(given.refused(), "credential_missing");
    given.when(put("hook", "webhook", "https://me:secret@a.example.org/", "x"));
    EXPECT_EQ(given.refused(), "url_with_secret");
}

TEST(Channels, AFeedHasNeitherAndThereIsOnePerAgency) {
    auto given = admin();
    given.when(put("feed", "feed", "https://a.example.org", ""));
    EXPECT_EQ(given.refused(), "url_not_wanted");
    // A feed signs with one, or does without.
    given.when(put("feed", "feed", "", "certificate"));
    EXPECT_EQ(given.refused(), "");
    given.when(put("feed", "feed", "", ""));
    EXPECT_EQ(given.refused(), "");
    given.when(put("feed-2", "feed", "", ""));
    EXPECT_EQ(given.refused(), "kind_taken");
}

TEST(Channels, ARemovedOneIsKeptButOutOfUse) {
    auto given = admin({channel("feed", "feed")});
    given.when(remove("feed"));
    EXPECT_FALSE(given.state().channels.by_id.at("feed").channel.active());
    given.when(remove("feed"));
    EXPECT_TRUE(given.events().empty());
    given.when(remove("nothing"));
    EXPECT_EQ(given.refused(), "not_found");
}

}  // namespace
}  // namespace tocsin::publishing
