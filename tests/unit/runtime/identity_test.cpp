#include "runtime/edge/identity.hpp"

#include "runtime/base/digest.hpp"
#include "runtime/edge/jwk.hpp"
#include "support/rsa_issuer.hpp"
#include "unit/runtime/local_server.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace tocsin::runtime {
namespace {

using nlohmann::json;

constexpr std::int64_t now_seconds = 1'800'000'000;

Time at(std::int64_t offset_seconds) {
    return Time{std::chrono::seconds(now_seconds + offset_seconds)};
}

json good_claims() {
    return {{"iss", "tocsin-dev"}, {"aud", "tocsin"},          {"sub", "eva@example.org"},
            {"realm", "province"}, {"agency", "city"},         {"roles", {"author", "approver"}},
            {"iat", now_seconds},  {"exp", now_seconds + 3600}};
}

class Identity : public ::testing::Test {
protected:
    Identity() { write(jwks_of_pem(pem)); }
    ~Identity() override { std::filesystem::remove(path); }

    // Moves the file's time on, as a later rotation would.
    void write(const std::string& jwks) {
        std::ofstream(path) << jwks;
        const auto stamp = std::filesystem::last_write_time(path);
        std::filesystem::last_write_time(path, stamp + std::chrono::seconds(++writes));
    }

    // The reason of a refusal, or the actor.
    std::string verify(const std::string& token, Time now = at(0)) {
        return verify_header("Bearer " + token, now);
    }
    std::string verify_header(const std::string& header, Time now = at(0)) {
        const auto caller = verifier().verify(header, now);
        return caller ? caller->actor : caller.error();
    }
    std::string with(const std::string& claim, const json& value) {
        json claims = good_claims();
        claims[claim] = value;
        return issue_token(pem, claims.dump());
    }
    TokenVerifier& verifier() {
        if (!verifier_)
            verifier_.emplace(TokenOptions{.jwks = path,
                                           .issuer = "tocsin-dev",
                                           .audience = "tocsin",
                                           .algorithms = algorithms,
                                           .known_max = known_max});
        return *verifier_;
    }

    const std::string pem = make_issuer_key_pem();
    const std::string path =
        ::testing::TempDir() + "identity_test_" + std::to_string(getpid()) + ".json";
    const std::size_t known_max = 20;
    std::vector<std::string> algorithms{"ES256", "EdDSA"};
    int writes = 0;
    std::optional<TokenVerifier> verifier_;
};

TEST_F(Identity, AKeySetIsFetchedThroughNoProxyOfTheEnvironment) {
    const std::string keys = jwks_of_pem(pem);
    const LocalServer server([&](const std::string&, int socket) {
        LocalServer::write(socket, LocalServer::answer("200 OK", keys));
        return true;
    });
    const LocalServer proxy([](const std::string&, int) { return false; });
    for (const char* name : {"http_proxy", "all_proxy"}) setenv(name, proxy.url("").c_str(), 1);
    unsetenv("no_proxy");
    TokenVerifier fetched(
        {.jwks = server.url("/keys"), .issuer = "tocsin-dev", .audience = "tocsin"});
    for (const char* name : {"http_proxy", "all_proxy"}) unsetenv(name);
    EXPECT_EQ(proxy.connections(), 0);
    EXPECT_TRUE(fetched.verify("Bearer " + issue_token(pem, good_claims().dump()), at(0)));
}

TEST_F(Identity, AGoodTokenNamesItsCaller) {
    const std::string token = issue_token(pem, good_claims().dump());
    for (int i = 0; i < 2; ++i) {  // the second from memory
        const auto caller = verifier().verify("Bearer " + token, at(0));
        ASSERT_TRUE(caller) << caller.error();
        EXPECT_EQ(caller->actor, "eva@example.org");
        EXPECT_EQ(caller->realm, "province");
        EXPECT_EQ(caller->agency, "city");
        EXPECT_TRUE(caller->has("author"));
        EXPECT_FALSE(caller->has("admin"));
    }
}

TEST_F(Identity, HeadersThatAreNone) {
    EXPECT_EQ(verify_header(""), "token_missing");
    const std::string token = issue_token(pem, good_claims().dump());
    for (const std::string& bad :
         {std::string("Basic abc"), token, std::string("Bearer "), std::string("Bearer a.b"),
          "Bearer " + token + ".x", "Bearer " + token + "=", "Bearer " + token + " ",
          "Bearer " + std::string(9000, 'a'), std::string("Bearer ..")})
        EXPECT_EQ(verify_header(bad), "token_malformed") << bad.substr(0, 60);
}

TEST_F(Identity, TheSchemeHasNoCase) {
    const std::string token = issue_token(pem, good_claims().dump());
    for (const char* scheme : {"bearer ", "BEARER "})
        EXPECT_EQ(verify_header(scheme + token), "eva@example.org") << scheme;
}

TEST_F(Identity, TimesAreKeptWithLeeway) {
    const std::string token = issue_token(pem, good_claims().dump());
    EXPECT_EQ(verify(token, at(3629)), "eva@example.org");
    EXPECT_EQ(verify(token, at(3631)), "token_expired");
    EXPECT_EQ(verify(token, at(-29)), "eva@example.org");
    EXPECT_EQ(verify(token, at(-31)), "token_not_yet_valid");
    EXPECT_EQ(verify(with("nbf", now_seconds + 60)), "token_not_yet_valid");
    EXPECT_EQ(verify(with("exp", now_seconds + 25 * 3600)), "token_claims");
    // A limit that is missing or cannot be read is not taken for no limit.
    json claims = good_claims();
    claims.erase("iat");
    EXPECT_EQ(verify(issue_token(pem, claims.dump())), "eva@example.org");
    claims["exp"] = now_seconds + 25 * 3600;
    EXPECT_EQ(verify(issue_token(pem, claims.dump())), "token_claims");
    EXPECT_EQ(verify(with("nbf", "2099-01-01")), "token_claims");
    EXPECT_EQ(verify(with("iat", "2099-01-01")), "token_claims");
}

TEST_F(Identity, ClaimsThatDoNotFit) {
    EXPECT_EQ(verify(with("iss", "other")), "token_issuer");
    EXPECT_EQ(verify(with("aud", "other")), "token_audience");
    EXPECT_EQ(verify(with("aud", {"other", "tocsin"})), "eva@example.org");
    EXPECT_EQ(verify(with("exp", nullptr)), "token_claims");
    EXPECT_EQ(verify(with("exp", "soon")), "token_claims");
    EXPECT_EQ(verify(with("sub", "")), "token_claims");
    EXPECT_EQ(verify(with("sub", "a b")), "token_claims");
    EXPECT_EQ(verify(with("sub", "service:timer")), "token_claims");
    EXPECT_EQ(verify(with("sub", std::string(129, 'a'))), "token_claims");
    EXPECT_EQ(verify(with("realm", "Province")), "token_claims");
    EXPECT_EQ(verify(with("agency", "-city")), "token_claims");
    EXPECT_EQ(verify(with("roles", "admin")), "token_claims");
    EXPECT_EQ(verify(with("roles", {"root"})), "token_claims");
    EXPECT_EQ(verify(with("roles", nullptr)), "token_claims");
}

TEST_F(Identity, OnlyAnOperatorNeedsNoRealm) {
    json claims = good_claims();
    claims["roles"] = {"operator"};
    EXPECT_EQ(verify(issue_token(pem, claims.dump())), "eva@example.org");
    claims.erase("realm");
    EXPECT_EQ(verify(issue_token(pem, claims.dump())), "token_claims");  // an agency of no realm
    claims.erase("agency");
    const auto caller = verifier().verify("Bearer " + issue_token(pem, claims.dump()), at(0));
    ASSERT_TRUE(caller) << caller.error();
    EXPECT_TRUE(caller->has(operator_role));
    EXPECT_EQ(caller->realm + caller->agency, "");
    claims["roles"] = {"admin"};
    EXPECT_EQ(verify(issue_token(pem, claims.dump())), "token_claims");
    claims["roles"] = json::array();
    EXPECT_EQ(verify(issue_token(pem, claims.dump())), "token_claims");
}

TEST_F(Identity, OtherKeysAndAlgorithmsAreRefused) {
    EXPECT_EQ(verify(issue_token(make_issuer_key_pem(), good_claims().dump())),
              "token_key_unknown");
    const std::string token = issue_token(pem, good_claims().dump());
    const std::string claims =
        token.substr(token.find('.') + 1, token.rfind('.') - token.find('.'));
    const auto forged = [&](const json& header, const std::string& key) {
        const std::string text = base64url(header.dump()) + "." + claims;
        const std::string signed_text = text.substr(0, text.size() - 1);
        return signed_text + "." + (key.empty() ? "" : base64url(hmac_sha256(key, signed_text)));
    };
    EXPECT_EQ(verify(forged({{"alg", "none"}}, "")), "token_signature");
    EXPECT_EQ(verify(forged({{"alg", "HS256"}}, jwks_of_pem(pem))), "token_signature");
    EXPECT_EQ(verify(forged({{"alg", "ES256"}}, "short")), "token_signature");
    // The set's only key is not an Ed25519 one.
    EXPECT_EQ(verify(forged({{"alg", "EdDSA"}}, "x")), "token_key_unknown");
    EXPECT_EQ(verify(forged({{"alg", "ES256"}, {"crit", {"b64"}}}, "x")), "token_malformed");
    std::string changed = token;
    changed[token.find('.') + 5] = changed[token.find('.') + 5] == 'A' ? 'B' : 'A';
    EXPECT_NE(verify(changed), "eva@example.org");
}

// A token brings no key of its own, and one signature has one form.
TEST_F(Identity, HostileFormsOfATokenAreRefused) {
    const std::string token = issue_token(pem, good_claims().dump());
    const std::string claims = token.substr(token.find('.'), token.rfind('.') - token.find('.'));
    const std::string other_pem = make_issuer_key_pem();
    const std::string other = issue_token(other_pem, good_claims().dump());
    const json other_key = json::parse(jwks_of_pem(other_pem))["keys"][0];
    const std::string kid = json::parse(jwks_of_pem(pem))["keys"][0]["kid"];
    const auto headed = [&](const json& header) {
        return base64url(header.dump()) + other.substr(other.find('.'));
    };
    for (const json& own : {json{{"jwk", other_key}}, json{{"jku", "https://evil.example/keys"}},
                            json{{"x5u", "https://evil.example/cert"}}, json{{"x5c", {"AA"}}}}) {
        json header{{"alg", "ES256"}, {"kid", kid}};
        header.update(own);
        EXPECT_EQ(verify(headed(header)), "token_signature") << own;
        header["kid"] = other_key["kid"];
        EXPECT_EQ(verify(headed(header)), "token_key_unknown") << own;
    }
    for (const json& algorithm :
         {json("es256"), json("none"), json("None"), json(""), json("ES384"), json("HS256"),
          json({"ES256"}), json(nullptr), json(256)})
        EXPECT_EQ(verify(headed({{"alg", algorithm}, {"kid", kid}})), "token_signature")
            << algorithm;
    for (const char* file : {"../../../dev/null", "' OR 1=1", "/etc/passwd"})
        EXPECT_EQ(verify(headed({{"alg", "ES256"}, {"kid", file}})), "token_key_unknown") << file;

    const std::string unsigned_text = token.substr(0, token.rfind('.') + 1);
    const std::string raw = *unbase64url(token.substr(token.rfind('.') + 1));
    for (const std::string& signature :
         {std::string(), std::string(64, '\0'), raw.substr(0, 63), raw + '\0', raw + raw,
          "\x30\x44\x02\x20" + raw.substr(0, 32) + "\x02\x20" + raw.substr(32)})
        EXPECT_EQ(verify(unsigned_text + base64url(signature)), "token_signature");
    EXPECT_EQ(verify(unsigned_text), "token_signature");
    // The last letter has bits to spare.
    const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string twin = token;
    twin.back() = letters[letters.find(twin.back()) ^ 1];
    EXPECT_EQ(verify(twin), "token_malformed");
    for (const std::string& form :
         {"." + token, token + ".", token + ".AA.AA", " " + token, token + "\n",
          "\"" + token + "\"", base64url("[1]") + claims + ".AA",
          base64url("{}{}") + claims + ".AA", base64url("{\"alg\":\"ES256\"") + claims + ".AA",
          base64url("\xef\xbb\xbf") + claims})
        EXPECT_EQ(verify(form), "token_malformed") << form.substr(0, 40);
}

TEST_F(Identity, RsaIsTakenWhereTheIssuerIsAllowedTo) {
    const test::RsaIssuer issuer;
    json set = json::parse(jwks_of_pem(pem));
    set["keys"].push_back(issuer.jwk());
    write(set.dump());
    EXPECT_EQ(verify(issuer.token("RS256", good_claims())), "token_signature");
    EXPECT_EQ(verify(issue_token(pem, good_claims().dump())), "eva@example.org");
    algorithms = {"RS256"};
    verifier_.reset();
    EXPECT_EQ(verify(issuer.token("RS256", good_claims())), "eva@example.org");
    EXPECT_EQ(verify(issuer.token("PS256", good_claims())), "token_signature");
    EXPECT_EQ(verify(issue_token(pem, good_claims().dump())), "token_signature");
    algorithms = {"ES256", "EdDSA", "RS256", "PS256"};
    verifier_.reset();
    for (const char* algorithm : {"RS256", "PS256"})
        EXPECT_EQ(verify(issuer.token(algorithm, good_claims())), "eva@example.org") << algorithm;
    // The header does not choose what the key is good for.
    set["keys"][1]["alg"] = "PS256";
    write(set.dump());
    verifier_.reset();
    EXPECT_EQ(verify(issuer.token("RS256", good_claims())), "token_key_unknown");
    set["keys"][1]["use"] = "enc";
    write(set.dump());
    verifier_.reset();
    EXPECT_EQ(verify(issuer.token("PS256", good_claims())), "token_key_unknown");
    // An algorithm of one key with the kid of another.
    const std::string token = issue_token(pem, good_claims().dump());
    const json header{{"alg", "RS256"}, {"kid", set["keys"][0]["kid"]}};
    EXPECT_EQ(verify(base64url(header.dump()) + token.substr(token.find('.'))),
              "token_key_unknown");
}

TEST_F(Identity, AReplacedKeyFileTakesEffect) {
    const std::string token = issue_token(pem, good_claims().dump());
    EXPECT_EQ(verify(token), "eva@example.org");
    const std::string next = make_issuer_key_pem();
    write(jwks_of_pem(next));
    // An unknown key makes it look at once; what the old key signed is then void, remembered or
    // not.
    EXPECT_EQ(verify(issue_token(next, good_claims().dump())), "eva@example.org");
    EXPECT_EQ(verify(token), "token_key_unknown");
    write("{ not a set");
    EXPECT_EQ(verify(issue_token(next, good_claims().dump())), "eva@example.org");
}

// What is remembered is not measured against its time of issue again. A token that does not say
// when it was issued is good at the time `at(0)` and would be too long a one two hours before.
TEST_F(Identity, TokensStayKnownWhenManyOthersCome) {
    json claims = good_claims();
    claims.erase("iat");
    claims["exp"] = now_seconds + 23 * 3600;
    const std::string used = issue_token(pem, claims.dump());
    ASSERT_EQ(verify(used, at(-7200)), "token_claims");
    ASSERT_EQ(verify(used), "eva@example.org");
    for (std::size_t i = 0; i < known_max; ++i) {
        const std::string name = "user-" + std::to_string(i);
        ASSERT_EQ(verify(with("sub", name)), name);
    }
    EXPECT_EQ(verify(used, at(-7200)), "eva@example.org");
    // Once more than two generations came that did not use it, it is forgotten.
    for (std::size_t i = 0; i < 2 * known_max; ++i)
        verify(with("sub", "other-" + std::to_string(i)));
    EXPECT_EQ(verify(used, at(-7200)), "token_claims");
}

TEST_F(Identity, ManyAreVerifiedAtOnceWhileTheKeysChange) {
    const std::string other = make_issuer_key_pem();
    const std::string good = issue_token(pem, good_claims().dump());
    json both = json::parse(jwks_of_pem(pem));
    both["keys"].push_back(json::parse(jwks_of_pem(other))["keys"][0]);
    std::vector<std::string> tokens;
    for (int i = 0; i < 200; ++i) tokens.push_back(with("sub", "user-" + std::to_string(i)));
    verifier();
    std::atomic<int> wrong = 0;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread)
            threads.emplace_back([&] {
                for (int i = 0; i < 200; ++i) {
                    if (verify(tokens[static_cast<std::size_t>(i)]) != "user-" + std::to_string(i))
                        ++wrong;
                    if (verify(good) != "eva@example.org") ++wrong;
                    if (verify(tokens[0] + "A") == "user-0") ++wrong;
                }
            });
        write(both.dump());
        // An unknown key makes the file be read.
        verify(issue_token(make_issuer_key_pem(), good_claims().dump()));
        EXPECT_EQ(verify(issue_token(other, good_claims().dump())), "eva@example.org");
    }
    EXPECT_EQ(wrong, 0);
    write(jwks_of_pem(other));
    verify(issue_token(make_issuer_key_pem(), good_claims().dump()));
    EXPECT_EQ(verify(good), "token_key_unknown") << "what was checked with the old keys is void";
}

TEST_F(Identity, AFileWithoutAKeyIsRefusedAtOnce) {
    write("{ not a set");
    EXPECT_THROW(verifier(), std::runtime_error);
    std::filesystem::remove(path);
    EXPECT_THROW(verifier(), std::runtime_error);
}

TEST_F(Identity, TwoKeysNeedAKid) {
    json set = json::parse(jwks_of_pem(pem));
    set["keys"].push_back(json::parse(jwks_of_pem(make_issuer_key_pem()))["keys"][0]);
    write(set.dump());
    const std::string token = issue_token(pem, good_claims().dump());
    EXPECT_EQ(verify(token), "eva@example.org");
    const std::string nameless = base64url(R"({"alg":"ES256"})") + token.substr(token.find('.'));
    EXPECT_EQ(verify(nameless), "token_key_unknown");
}

}  // namespace
}  // namespace tocsin::runtime
