#include "publishing/credentials.hpp"

#include "publishing/rpc.hpp"
#include "support/signing_certificate.hpp"
#include "wire_bench.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

namespace tocsin::publishing {
namespace {

// The channel that the stored ones are for.
CredentialUse use_of(const std::string& kind, const std::string& id) {
    return {kind, "bow", "calgary", fmt::format("https://{}.example.org/in?x=1", id)};
}

TEST(Credentials, NameTheirOwnerAndWhereTheyMayGo) {
    CredentialFile stored;
    const auto loads = [&](const std::string& owner, const std::string& url) {
        stored.put("toot", "{\"kind\":\"mastodon\",\"token\":\"t\"" + owner + "}");
        return Credentials{stored.files(), {}}
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

TEST(Credentials, AWrongOneNeverShowsItsSecret) {
    SampleCredentials stored;
    for (const std::string& text :
         {credential_text("webhook", "hook", R"("secrets":["hunter2"])"), std::string("hunter2"),
          credential_text("webhook", "hook", R"("secrets":["whsec_aHVudGVyMg=="])"),
          std::string(R"({"kind":"hunter2"})")}) {
        stored.put("hook", text);
        const auto credential =
            Credentials{stored.files(), {}}.load("hook", use_of("webhook", "hook"));
        ASSERT_FALSE(credential);
        EXPECT_FALSE(credential.error().contains("hunter2"));
    }
}

TEST(Credentials, AreReadAgainWhenTheyChange) {
    SampleCredentials stored;
    Credentials credentials{stored.files(), {}};
    EXPECT_EQ(credentials.load("toot", use_of("mastodon", "toot"))->token, "secret-token");
    stored.put("toot", credential_text("mastodon", "toot", R"("token":"another-token")"));
    EXPECT_EQ(credentials.load("toot", use_of("mastodon", "toot"))->token, "another-token");
    stored.remove("toot");
    EXPECT_FALSE(credentials.load("toot", use_of("mastodon", "toot")));
}

TEST(Credentials, SayWhenTheFirstCertificateOfAnAgencyRunsOut) {
    SampleCredentials stored;
    Credentials credentials{stored.files(), {}};
    const auto put = [&](const std::string& name, const std::string& agency, long long until) {
        stored.put(name, R"({"kind":"feed","realm":"bow","agency":")" + agency + "\"," +
                             test::make_pair(0, until).members() + "}");
    };
    put("sign", "calgary", 3'000'000'000);
    put("sign-next", "calgary", 3'500'000'000);
    put("other", "alberta", 3'200'000'000);
    const auto ends = credentials.certificates_end();
    ASSERT_EQ(ends.size(), 2U) << "the others have none";
    EXPECT_EQ(ends.at({"bow", "calgary"}), runtime::Time{std::chrono::seconds{3'000'000'000}});
    EXPECT_EQ(ends.at({"bow", "alberta"}), runtime::Time{std::chrono::seconds{3'200'000'000}});
}

constexpr const char* other_key =
    "0f1c5a7be2d94c3386f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f7";

TEST(Credentials, TheLastGoodOnesCountWhileTheFileCannotBeOpened) {
    SampleCredentials stored;
    Credentials credentials{stored.files(), {}};
    const auto loads = [&] { return credentials.load("toot", use_of("mastodon", "toot")); };
    ASSERT_TRUE(loads());
    EXPECT_EQ(credentials.problem(), "");
    for (const std::string bytes : {"", "tocsin-sealed 1 live 0123\n", "not sealed at all"}) {
        std::ofstream(stored.files().sealed) << bytes;
        EXPECT_NE(credentials.problem(), "") << bytes;
        EXPECT_TRUE(loads());
    }
    stored.store();
    EXPECT_EQ(credentials.problem(), "");
    stored.write_keys(other_key);
    EXPECT_TRUE(credentials.problem().contains("which the key file does not hold"));
    EXPECT_TRUE(loads());
    // A process that starts then has none.
    Credentials later{stored.files(), {}};
    const auto none = later.load("toot", use_of("mastodon", "toot"));
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.error().contains("as no credential can"));
    stored.store();
    EXPECT_TRUE(later.load("toot", use_of("mastodon", "toot")));
}

TEST(Credentials, OfOneWorldDoNotOpenInTheOther) {
    for (const std::string world : {"live", "exercise"}) {
        const SampleCredentials stored{world};
        const std::string other = world == "live" ? "exercise" : "live";
        Credentials own{stored.files(), {.world = world}};
        Credentials strange{stored.files(), {.world = other}};
        EXPECT_TRUE(own.load("toot", use_of("mastodon", "toot")));
        EXPECT_FALSE(strange.load("toot", use_of("mastodon", "toot")));
        EXPECT_TRUE(
            strange.problem().contains(fmt::format("does not belong to the {} world", other)));
        // Nor with another first line: it is sealed with the rest.
        std::ifstream file(stored.files().sealed, std::ios::binary);
        std::string bytes{std::istreambuf_iterator<char>(file), {}};
        bytes.replace(bytes.find(world), world.size(), other);
        std::ofstream(stored.files().sealed, std::ios::binary) << bytes;
        EXPECT_FALSE(strange.load("toot", use_of("mastodon", "toot")));
        EXPECT_TRUE(strange.problem().contains("was changed since it was sealed"));
    }
}

TEST(Credentials, AnyByteThatWasChangedIsNoticed) {
    const SampleCredentials stored;
    std::ifstream file(stored.files().sealed, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        std::ofstream(stored.files().sealed, std::ios::binary) << changed;
        EXPECT_FALSE(read_credentials(stored.files(), "live")) << at;
        std::ofstream(stored.files().sealed, std::ios::binary) << bytes.substr(0, at);
        EXPECT_FALSE(read_credentials(stored.files(), "live")) << at;
    }
    std::ofstream(stored.files().sealed, std::ios::binary) << bytes;
    EXPECT_TRUE(read_credentials(stored.files(), "live"));
}

TEST(Credentials, AnOlderKeyOpensThemUntilItIsTakenAway) {
    SampleCredentials stored;
    const std::string old = [&] {
        std::ifstream file(stored.files().keys);
        return std::string{std::istreambuf_iterator<char>(file), {}};
    }();
    stored.write_keys(fmt::format("# since today\n{}\n\n{}\r\n", other_key, old));
    EXPECT_TRUE(read_credentials(stored.files(), "live"));
    stored.store();
    stored.write_keys(other_key);
    EXPECT_TRUE(read_credentials(stored.files(), "live"));
    for (const std::string& keys : {std::string(), std::string("hunter2"), std::string(62, 'a'),
                                    std::string(66, 'a'), std::string(other_key) + "\n" + other_key,
                                    std::string(20'000, '\n'), std::string(other_key) + " "}) {
        stored.write_keys(keys);
        const auto refused = read_credentials(stored.files(), "live");
        ASSERT_FALSE(refused) << keys;
        EXPECT_FALSE(refused.error().contains("hunter2"));
        EXPECT_FALSE(refused.error().contains(other_key));
    }
}

// A wrong use, and what the refusal says.
struct Misuse {
    CredentialUse use;
    std::string said;
};

TEST(Credentials, AreGivenToTheirOwnersChannelAlone) {
    SampleCredentials stored;
    Credentials credentials{stored.files(), {}};
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
    EXPECT_EQ(credentials.load("toot", realm).error().substr(21),
              credentials.load("nope", realm).error().substr(21));
    EXPECT_TRUE(credentials.load("toot", at("https://TOOT.example.org:443")));
}

// So is one that cannot be used: what is wrong with it is shown to its owner alone.
TEST(Credentials, ThatCannotBeUsedAreAbsentToStrangers) {
    SampleCredentials stored;
    for (const std::string& text :
         {std::string("{"), credential_text("mastodon", "toot", R"("token":"")")}) {
        stored.put("toot", text);
        Credentials credentials{stored.files(), {}};
        CredentialUse stranger = use_of("mastodon", "toot");
        stranger.realm = "elbow";
        const auto refused = credentials.load("toot", stranger);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().substr(21),
                  credentials.load("nope", stranger).error().substr(21));
    }
    Credentials credentials{stored.files(), {}};
    EXPECT_TRUE(
        credentials.load("toot", use_of("mastodon", "toot")).error().contains("needs `token`"));
}

TEST(Credentials, GoInPlainTextOnlyWherePrivateAddressesAreAllowed) {
    CredentialFile stored;
    stored.put("near", R"({"kind":"mastodon","realm":"bow","agency":"calgary",)"
                       R"("origins":["http://127.0.0.1:8081"],"token":"t"})");
    const CredentialUse use{"mastodon", "bow", "calgary", "http://127.0.0.1:8081/"};
    const auto loads = [&](bool production, bool allow) {
        Credentials credentials{stored.files(),
                                {.production = production, .allow_private_addresses = allow}};
        return credentials.load("near", use).has_value();
    };
    EXPECT_FALSE(loads(false, false));
    EXPECT_TRUE(loads(false, true));
    EXPECT_FALSE(loads(true, true));
}

TEST(Credentials, InProductionAreNoExamplesAndClosedToOthers) {
    CredentialFile stored;
    Credentials credentials{stored.files(), {.production = true}};
    const CredentialUse own = use_of("webhook", "own");
    const auto put = [&](const std::string& secret) {
        stored.put("own",
                   credential_text("webhook", "own", R"("secrets":["whsec_)" + secret + R"("])"));
    };
    put("q83vEjRWeJASNFZ4kBI0VniQEjRWeJASq1N5w2m8xTA=");
    for (const std::string& file : {stored.files().sealed, stored.files().keys}) {
        for (const mode_t mode : {0644, 0604, 0620}) {
            chmod(file.c_str(), mode);
            EXPECT_FALSE((Credentials{stored.files(), {.production = true}}.load("own", own)));
            EXPECT_NE(credentials.problem(), "");
        }
        // What the refusal asks for helps.
        chmod(file.c_str(), 0600);
        EXPECT_TRUE(credentials.load("own", own)) << credentials.problem();
    }
    put("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw");
    EXPECT_FALSE(credentials.load("own", own));
    put("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    EXPECT_FALSE(credentials.load("own", own));
    // Elsewhere an example does for a trial.
    EXPECT_TRUE((Credentials{stored.files(), {}}.load("own", own)));
}

TEST(Credentials, AreAskedForWhenAChannelIsPut) {
    SampleCredentials stored;
    Credentials credentials{stored.files(), {}};
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

TEST(Credentials, OfAnotherAreRefusedInTheAdapterToo) {
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
