#include "publishing/credentials.hpp"

#include "publishing/rpc.hpp"
#include "wire_bench.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {
namespace {

// The channel that the files of the folder are for.
CredentialUse use_of(const std::string& kind, const std::string& id) {
    return {kind, "bow", "calgary", fmt::format("https://{}.example.org/in?x=1", id)};
}

TEST(CredentialFile, OfAnotherWorldIsNeverLoaded) {
    CredentialFolder folder;
    Credentials live{folder.path, {}}, exercise{folder.path, {.world = "exercise"}};
    const CredentialUse use = use_of("mastodon", "toot");
    EXPECT_TRUE(live.load("toot", use));
    EXPECT_FALSE(exercise.load("toot", use));
    folder.write("toot",
                 credential_text("mastodon", "toot", mastodon_secret + R"(,"world":"exercise")"));
    EXPECT_TRUE(exercise.load("toot", use));
    EXPECT_FALSE(live.load("toot", use));
}

TEST(CredentialFile, NamesItsOwnerAndWhereItMayGo) {
    CredentialFolder folder;
    const auto loads = [&](const std::string& owner, const std::string& url) {
        folder.write("toot", "{\"kind\":\"mastodon\",\"token\":\"t\"" + owner + "}");
        return Credentials{folder.path, {}}
            .load("toot", {"mastodon", "bow", "calgary", url})
            .has_value();
    };
    const std::string url = "https://a.example/in";
    EXPECT_TRUE(loads(R"(,"realm":"bow","agency":"calgary","origins":["https://a.example"])", url));
    EXPECT_TRUE(loads(R"(,"realm":"bow","agency":"calgary","origins":["HTTPS://A.example:8443"])",
                      "https://a.example:8443/in"));
    for (const char* owner :
         {"", R"(,"realm":"bow","agency":"calgary")",
          R"(,"realm":"","agency":"calgary","origins":["https://a.example"])",
          R"(,"realm":"bow","origins":["https://a.example"])",
          R"(,"realm":"bow","agency":"calgary","origins":[])",
          R"(,"realm":"bow","agency":"calgary","origins":"https://a.example")",
          R"(,"realm":"bow","agency":"calgary","origins":["https://a.example/path"])",
          R"(,"realm":"bow","agency":"calgary","origins":["https://u:p@a.example"])",
          R"(,"realm":"bow","agency":"calgary","origins":["a.example"])",
          R"(,"realm":"bow","agency":"calgary","origins":["ftp://a.example"])",
          R"(,"realm":"bow","agency":"calgary","origins":["*"])",
          R"(,"realm":"bow","agency":"calgary","origins":["https://"])"})
        EXPECT_FALSE(loads(owner, url)) << owner;
}

TEST(CredentialFile, AWrongOneNeverShowsItsSecret) {
    CredentialFolder folder;
    for (const std::string& text :
         {credential_text("webhook", "hook", R"("secrets":["hunter2"])"), std::string("hunter2"),
          credential_text("webhook", "hook", R"("secrets":["whsec_aHVudGVyMg=="])"),
          std::string(R"({"kind":"hunter2"})")}) {
        folder.write("hook", text);
        const auto credential =
            Credentials{folder.path, {}}.load("hook", use_of("webhook", "hook"));
        ASSERT_FALSE(credential);
        EXPECT_FALSE(credential.error().contains("hunter2"));
    }
}

TEST(CredentialFile, IsReadAgainWhenItChanges) {
    CredentialFolder folder;
    Credentials credentials{folder.path, {}};
    EXPECT_EQ(credentials.load("toot", use_of("mastodon", "toot"))->token, "secret-token");
    folder.write("toot", credential_text("mastodon", "toot", R"("token":"another-token")"));
    EXPECT_EQ(credentials.load("toot", use_of("mastodon", "toot"))->token, "another-token");
    EXPECT_FALSE(credentials.load("../toot", use_of("mastodon", "toot")));
}

// A wrong use, and what the refusal says.
struct Misuse {
    CredentialUse use;
    std::string said;
};

TEST(CredentialFile, IsGivenToItsOwnersChannelAlone) {
    CredentialFolder folder;
    Credentials credentials{folder.path, {}};
    const CredentialUse own = use_of("mastodon", "toot");
    ASSERT_TRUE(credentials.load("toot", own));
    const auto at = [&](const std::string& url) {
        CredentialUse use = own;
        use.url = url;
        return use;
    };
    CredentialUse realm = own, agency = own, kind = own;
    realm.realm = "elbow";
    agency.agency = "alberta";
    kind.kind = "webhook";
    for (const auto& [use, said] : std::vector<Misuse>{
             {realm, "does not exist for agency `calgary` of realm `elbow`"},
             {agency, "does not exist for agency `alberta` of realm `bow`"},
             {kind, "is not for the channel kind `webhook`"},
             {at("https://evil.example"), "may not be sent to https://evil.example:443"},
             {at("https://toot.example.org:444/"), "may not be sent to"},
             {at("https://toot.example.org.evil.example/"), "may not be sent to"},
             {at("https://evil.example/https://toot.example.org"), "may not be sent to"},
             {at("https://evil.example#@toot.example.org"), "may not be sent to"},
             {at("https://toot.example.org@evil.example/"), "is for an http or https URL"},
             {at("http://toot.example.org/"), "is never sent in plain text"},
             {at("toot.example.org"), "is for an http or https URL"},
             {at(""), "is for an http or https URL"}}) {
        const auto refused = credentials.load("toot", use);
        ASSERT_FALSE(refused) << use.url;
        EXPECT_TRUE(refused.error().contains(said)) << refused.error();
        EXPECT_FALSE(refused.error().contains("secret-token"));
    }
    // To a stranger it is as absent as one that there never was.
    EXPECT_EQ(credentials.load("toot", realm).error().substr(26),
              credentials.load("nope", realm).error().substr(26));
    EXPECT_TRUE(credentials.load("toot", at("https://TOOT.example.org:443")));
}

// So is one that cannot be used: what is wrong with it is shown to its owner alone.
TEST(CredentialFile, ThatCannotBeUsedIsAbsentToStrangers) {
    CredentialFolder folder;
    const std::string other_world = R"("token":"t","world":"exercise")";
    for (const std::string& text :
         {std::string("{"), credential_text("mastodon", "toot", R"("token":"")"),
          credential_text("mastodon", "toot", other_world)}) {
        folder.write("toot", text);
        Credentials credentials{folder.path, {}};
        CredentialUse stranger = use_of("mastodon", "toot");
        stranger.realm = "elbow";
        const auto refused = credentials.load("toot", stranger);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().substr(26),
                  credentials.load("nope", stranger).error().substr(26));
    }
    Credentials credentials{folder.path, {}};
    EXPECT_TRUE(credentials.load("toot", use_of("mastodon", "toot"))
                    .error()
                    .contains("does not belong to the live world"));
}

TEST(CredentialFile, GoesInPlainTextOnlyWherePrivateAddressesAreAllowed) {
    CredentialFolder folder;
    folder.write("near", R"({"kind":"mastodon","realm":"bow","agency":"calgary",)"
                         R"("origins":["http://127.0.0.1:8081"],"token":"t"})");
    const CredentialUse use{"mastodon", "bow", "calgary", "http://127.0.0.1:8081/"};
    EXPECT_FALSE((Credentials{folder.path, {}}.load("near", use)));
    EXPECT_TRUE((Credentials{folder.path, {.allow_private_addresses = true}}.load("near", use)));
    chmod((folder.path + "/near").c_str(), 0600);
    EXPECT_FALSE(
        (Credentials{folder.path, {.production = true, .allow_private_addresses = true}}.load(
            "near", use)));
}

TEST(CredentialFile, InProductionIsNoExampleAndClosedToOthers) {
    CredentialFolder folder;
    Credentials credentials{folder.path, {.production = true}};
    const auto load = [&](const std::string& secret, mode_t mode) {
        folder.write("own",
                     credential_text("webhook", "own", R"("secrets":["whsec_)" + secret + R"("])"));
        chmod((folder.path + "/own").c_str(), mode);
        return credentials.load("own", use_of("webhook", "own"));
    };
    EXPECT_TRUE(load("q83vEjRWeJASNFZ4kBI0VniQEjRWeJASq1N5w2m8xTA=", 0600));
    EXPECT_FALSE(load("q83vEjRWeJASNFZ4kBI0VniQEjRWeJASq1N5w2m8xTQ=", 0644));
    // What the refusal asks for helps.
    chmod((folder.path + "/own").c_str(), 0600);
    EXPECT_TRUE(credentials.load("own", use_of("webhook", "own")));
    chmod((folder.path + "/own").c_str(), 0604);
    EXPECT_FALSE(credentials.load("own", use_of("webhook", "own")));
    EXPECT_FALSE(load("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw", 0600));
    EXPECT_FALSE(load("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0600));
    // Elsewhere an example does for a trial.
    EXPECT_TRUE((Credentials{folder.path, {}}.load("own", use_of("webhook", "own"))));
}

TEST(CredentialFile, IsAskedForWhenAChannelIsPut) {
    CredentialFolder folder;
    Credentials credentials{folder.path, {}};
    v1::PutChannelRequest put;
    put.set_kind("mastodon");
    put.set_url("https://toot.example.org");
    put.set_credential("toot");
    EXPECT_FALSE(require_credential(credentials, {"ada", "bow", "calgary", {"admin"}}, put));
    const auto refused = require_credential(credentials, {"eve", "thief", "solo", {"admin"}}, put);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    put.clear_credential();
    EXPECT_FALSE(require_credential(credentials, {"eve", "thief", "solo", {"admin"}}, put));
}

TEST(CredentialFile, OfAnotherIsRefusedInTheAdapterToo) {
    for (const char* kind : {"webhook", "mastodon"}) {
        Bench bench(kind, kind == std::string_view("webhook") ? "hook" : "toot:fr-CA");
        bench.job.realm = "thief";
        EXPECT_FALSE(bench.prepare().ready);
        EXPECT_EQ(bench.fire().kind, v1::OUTCOME_RETRY_LATER);
        EXPECT_TRUE(bench.http.sent.empty());
    }
}

}  // namespace
}  // namespace tocsin::publishing
