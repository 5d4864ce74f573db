#include "runtime/production.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace tocsin::runtime {
namespace {

class Production : public ::testing::Test {
protected:
    Production() {
        std::filesystem::create_directory(folder);
        config.production = true;
        config.jwt_issuer = "https://id.example.org";
        config.jwks = write("jwks.json", "{}");
        config.mac_key_file = write("mac.key", good_key);
        config.tls_cert = write("cert.pem", "");
        config.tls_key = write("key.pem", "");
        config.tls_client_ca = write("ca.pem", "");
        config.grpc_listen = "0.0.0.0:7000";
    }
    ~Production() override { std::filesystem::remove_all(folder); }

    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
        const std::string path = folder + "/" + name;
        std::ofstream(path) << text;
        chmod(path.c_str(), mode);
        return path;
    }
    std::string with(auto change) {
        RuntimeConfig other = config;
        change(other);
        return production_problem(other).value_or("");
    }

    const std::string good_key =
        "8f1c0a6be35d794220d7fa91cc64b83e17a95dd0f26b4873e4c01b9a6d5f8e32\n";
    const std::string folder = ::testing::TempDir() + "production_test_" + std::to_string(getpid());
    RuntimeConfig config;
};

TEST_F(Production, RunsWithSecretsOfItsOwn) {
    EXPECT_EQ(with([](auto&) {}), "");
    // A loopback listener needs no certificates of callers.
    EXPECT_EQ(with([](auto& c) {
                  c.grpc_listen = "127.0.0.1:0";
                  c.tls_client_ca = "";
              }),
              "");
    EXPECT_EQ(with([](auto& c) { c.jwks = "https://id.example.org/keys"; }), "");
    EXPECT_EQ(with([](auto& c) { c.jwks = "http://127.0.0.1:8080/keys"; }), "");
}

TEST_F(Production, NothingIsRefusedWithoutIt) {
    EXPECT_EQ(with([](auto& c) {
                  c = RuntimeConfig{};
                  c.metrics_listen = "0.0.0.0:1";
              }),
              "");
}

TEST_F(Production, RefusesTheDevelopmentIssuer) {
    EXPECT_TRUE(with([](auto& c) { c.jwt_issuer = "tocsin-dev"; }).starts_with("jwt-issuer"));
    EXPECT_TRUE(with([](auto& c) { c.jwks = "http://id.example.org/keys"; }).starts_with("jwks"));
    write("DEVELOPMENT", "");
    EXPECT_TRUE(with([](auto&) {}).starts_with("jwks"));
}

TEST_F(Production, RefusesPlainTextListeners) {
    EXPECT_TRUE(with([](auto& c) { c.tls_cert = ""; }).starts_with("tls-cert"));
    EXPECT_TRUE(with([](auto& c) { c.tls_client_ca = ""; }).starts_with("tls-client-ca"));
    EXPECT_TRUE(
        with([](auto& c) { c.metrics_listen = "0.0.0.0:9100"; }).starts_with("metrics-listen"));
}

TEST_F(Production, RefusesDefaultAndOpenSecrets) {
    const auto with_key = [&](const std::string& text, mode_t mode = 0600) {
        return with([&](auto& c) { c.mac_key_file = write("other.key", text, mode); });
    };
    std::string counting;
    for (int i = 0; i < 32; ++i) counting += fmt::format("{:02x}", i);
    for (const std::string& example :
         {std::string(64, '0'), std::string(64, 'f'), counting, std::string(64, 'a') + "0123"})
        EXPECT_TRUE(with_key(example).starts_with("mac-key-file")) << example;
    EXPECT_TRUE(with_key("0123").starts_with("mac-key-file"));
    EXPECT_TRUE(with_key(good_key, 0644).starts_with("mac-key-file"));
    EXPECT_EQ(with_key(good_key, 0640), "");
    chmod(config.tls_key.c_str(), 0644);
    EXPECT_TRUE(with([](auto&) {}).starts_with("tls-key"));
    chmod(config.tls_key.c_str(), 0600);
    EXPECT_TRUE(with([](auto& c) { c.kafka_allow_unsafe = true; }).starts_with("kafka-allow"));
    std::filesystem::create_directory(folder + "/dev");
    write("dev/mac.key", good_key);
    write("dev/DEVELOPMENT", "");
    EXPECT_TRUE(with([&](auto& c) {
                    c.mac_key_file = folder + "/dev/mac.key";
                }).starts_with("mac-key-file"));
}

TEST_F(Production, RefusesAnExampleAmongTheOlderKeysToo) {
    EXPECT_TRUE(with([&](auto& c) {
                    c.mac_key_file = write("m.key", good_key + "\n" + std::string(64, '0') + "\n");
                }).starts_with("mac-key-file"));
}

TEST(Loopback, IsALiteralOrLocalhost) {
    for (const char* here : {"localhost", "localhost:80", "127.0.0.1", "127.0.0.1:0", "127.9.8.7:1",
                             "[::1]:443", "[::1]", "::1", "[0:0:0:0:0:0:0:1]:1"})
        EXPECT_TRUE(is_loopback(here)) << here;
    for (const char* away : {"",
                             ":80",
                             "0.0.0.0:80",
                             "[::]:80",
                             "localhost.example",
                             "localhost.example:80",
                             "localhost.:80",
                             "notlocalhost",
                             "127.0.0.1.example:80",
                             "127.1.evil:80",
                             "127.evil",
                             "127.1",
                             "127.0.0.1@evil.example",
                             "127.0.0.1:80@evil.example",
                             "localhost:80@evil",
                             "127.0.0.256",
                             "0127.0.0.1",
                             "2130706433",
                             "0x7f.0.0.1",
                             "[::1",
                             "[::1]evil:80",
                             "[::1].evil",
                             "[127.0.0.1]:80",
                             "[::2]:80",
                             "::1:evil",
                             "128.0.0.1",
                             "127.0.0.1 ",
                             " 127.0.0.1",
                             "127.0.0.1:80:90",
                             "127.0.0.1\\.evil"})
        EXPECT_FALSE(is_loopback(away)) << away;
    for (const char* here : {"http://127.0.0.1:8080/keys", "http://localhost", "http://[::1]/x?y#z",
                             "https://localhost?x", "http://127.0.0.1#x"})
        EXPECT_TRUE(is_loopback_url(here)) << here;
    for (const char* away : {"http://127.evil.example/jwks", "http://localhost.example/",
                             "http://127.0.0.1@evil.example/", "http://u:p@127.0.0.1@evil/",
                             "http://127.0.0.1:80@evil/", "http://127.0.0.1\\@evil/", "http:///",
                             "127.0.0.1", "http:/127.0.0.1", "http://evil/#127.0.0.1"})
        EXPECT_FALSE(is_loopback_url(away)) << away;
}

TEST_F(Production, RefusesNamesThatOnlyLookLikeLoopback) {
    EXPECT_TRUE(with([](auto& c) { c.jwks = "http://127.evil.example/keys"; }).starts_with("jwks"));
    EXPECT_TRUE(with([](auto& c) {
                    c.metrics_listen = "localhost.example:1";
                }).starts_with("metrics-listen"));
    EXPECT_TRUE(with([](auto& c) {
                    c.grpc_listen = "127.0.0.1.example:1";
                    c.tls_client_ca = "";
                }).starts_with("tls-client-ca"));
}

TEST_F(Production, RefusesPlainTextToABrokerElsewhere) {
    const auto refusal = [&](const std::string& brokers, const std::string& properties) {
        return with([&](auto& c) {
            c.kafka_bootstrap = brokers;
            if (!properties.empty()) c.kafka_properties = write("kafka.properties", properties);
        });
    };
    const std::string elsewhere = "127.0.0.1:9092, kafka.example:9093";
    for (const char* brokers : {"kafka.example:9092", "127.evil:9092", "localhost.example:9092",
                                "127.0.0.1:9092,10.0.0.1:9092", "PLAINTEXT://kafka:9092"})
        EXPECT_TRUE(refusal(brokers, "").starts_with("kafka-properties: security.protocol"))
            << brokers;
    for (const char* plain : {"security.protocol=SASL_PLAINTEXT", "security.protocol = plaintext"})
        EXPECT_TRUE(refusal(elsewhere, plain).starts_with("kafka-properties: security.protocol"));
    for (const char* good : {"security.protocol=SSL", "security.protocol=sasl_ssl",
                             "security.protocol=SASL_SSL\nenable.ssl.certificate.verification=1\n"
                             "ssl.endpoint.identification.algorithm=https"})
        EXPECT_EQ(refusal(elsewhere, good), "") << good;
    for (const char* loose :
         {"ssl.endpoint.identification.algorithm=none", "ssl.endpoint.identification.algorithm=",
          "enable.ssl.certificate.verification=false", "enable.ssl.certificate.verification=F"})
        EXPECT_TRUE(refusal(elsewhere, fmt::format("security.protocol=ssl\n{}", loose))
                        .starts_with("kafka-properties"))
            << loose;
    EXPECT_EQ(refusal("127.0.0.1:9092,localhost:9093", "sasl.password=x"), "");
    EXPECT_TRUE(refusal("127.0.0.1:9092", "no setting").starts_with("kafka-properties"));
}

// A bootstrap address of this machine says nothing of the brokers that it names.
TEST_F(Production, RefusesPlainTextToABrokerThatAdvertisesItselfElsewhere) {
    config.production = true;
    config.kafka_properties.clear();
    EXPECT_EQ(brokers_problem(config, {"127.0.0.1:9092", "localhost:9093"}).value_or(""), "");
    EXPECT_TRUE(brokers_problem(config, {"127.0.0.1:9092", "10.0.0.2:9092"})
                    .value_or("")
                    .starts_with("kafka-properties: security.protocol"));
    config.kafka_properties = write("kafka.properties", "security.protocol=ssl");
    EXPECT_EQ(brokers_problem(config, {"kafka-2.example:9093"}).value_or(""), "");
    config.production = false;
    config.kafka_properties.clear();
    EXPECT_EQ(brokers_problem(config, {"10.0.0.2:9092"}).value_or(""), "");
}

TEST_F(Production, RefusesFilesOfKafkaThatOthersRead) {
    const auto refusal = [&](const std::string& properties, mode_t mode = 0600) {
        return with(
            [&](auto& c) { c.kafka_properties = write("kafka.properties", properties, mode); });
    };
    EXPECT_TRUE(refusal("sasl.password=x", 0644).starts_with("kafka-properties"));
    for (const char* secret : {"ssl.key.location", "ssl.keystore.location", "sasl.kerberos.keytab"})
        EXPECT_NE(refusal(fmt::format("{}={}", secret, write("client.key", "", 0644))).find(secret),
                  std::string::npos);
    EXPECT_EQ(refusal("ssl.ca.location=" + write("kafka-ca.pem", "", 0644)), "");
    EXPECT_NE(refusal("ssl.ca.location=" + write("kafka-ca.pem", "", 0666)), "");
}

TEST_F(Production, RefusesKeySetsThatOthersCouldReplace) {
    chmod(config.jwks.c_str(), 0644);
    EXPECT_EQ(with([](auto&) {}), "") << "a key set is public";
    for (const mode_t mode : {0646, 0666, 0664}) {
        chmod(config.jwks.c_str(), mode);
        EXPECT_TRUE(with([](auto&) {}).starts_with("jwks")) << std::oct << mode;
    }
    chmod(config.jwks.c_str(), 0644);
    for (std::string RuntimeConfig::* ca : {&RuntimeConfig::tls_client_ca, &RuntimeConfig::tls_ca})
        EXPECT_TRUE(
            with([&](auto& c) { c.*ca = write("loose.pem", "", 0666); }).starts_with("tls"));
    std::filesystem::create_directories(folder + "/open/inner");
    write("open/inner/mac.key", good_key);
    write("open/inner/jwks.json", "{}");
    chmod((folder + "/open").c_str(), 0777);
    EXPECT_TRUE(with([&](auto& c) {
                    c.mac_key_file = folder + "/open/inner/mac.key";
                }).starts_with("mac-key-file"));
    std::filesystem::create_symlink("open/inner/jwks.json", folder + "/link.json");
    EXPECT_TRUE(with([&](auto& c) { c.jwks = folder + "/link.json"; }).starts_with("jwks"));
    chmod((folder + "/open").c_str(), 01777);
    EXPECT_EQ(with([&](auto& c) { c.jwks = folder + "/link.json"; }), "")
        << "in a sticky folder nobody replaces what belongs to others";
}

TEST_F(Production, RefusesFoldersThatAGroupCouldChange) {
    if (geteuid() != 0) GTEST_SKIP() << "only root gives folders to any group";
    const std::string shared = folder + "/shared";
    std::filesystem::create_directories(shared + "/inner");
    write("shared/inner/jwks.json", "{}", 0644);
    write("shared/inner/mac.key", good_key);
    const auto said = [&](mode_t mode, gid_t group) {
        EXPECT_EQ(chown(shared.c_str(), 0, group), 0);
        chmod(shared.c_str(), mode);
        return std::pair{with([&](auto& c) { c.jwks = shared + "/inner/jwks.json"; }),
                         with([&](auto& c) { c.mac_key_file = shared + "/inner/mac.key"; })};
    };
    constexpr gid_t staff = 50;
    const auto [key_set, secret] = said(0775, staff);
    EXPECT_TRUE(key_set.starts_with("jwks")) << key_set;
    EXPECT_NE(key_set.find("group 50; remove that right (chmod g-w)"), std::string::npos)
        << key_set;
    EXPECT_TRUE(secret.starts_with("mac-key-file")) << secret;
    EXPECT_EQ(said(0755, staff), std::pair(std::string{}, std::string{}));
    EXPECT_EQ(said(01775, staff), std::pair(std::string{}, std::string{})) << "sticky";
    EXPECT_EQ(said(0775, 0), std::pair(std::string{}, std::string{})) << "root's own group";
}

TEST_F(Production, RefusesFilesOfAnotherUser) {
    if (geteuid() != 0) GTEST_SKIP() << "only root gives files away";
    constexpr uid_t nobody = 65534;
    const auto given_away = [&](const std::string& file) {
        EXPECT_EQ(chown(file.c_str(), nobody, nobody), 0);
        const std::string said = with([](auto&) {});
        EXPECT_EQ(chown(file.c_str(), 0, 0), 0);
        return said;
    };
    EXPECT_TRUE(given_away(config.jwks).starts_with("jwks"));
    EXPECT_TRUE(given_away(config.mac_key_file).starts_with("mac-key-file"));
    EXPECT_TRUE(given_away(config.tls_key).starts_with("tls-key"));
    EXPECT_NE(given_away(config.jwks).find("belongs to user 65534"), std::string::npos);
    EXPECT_NE(given_away(folder), "");
    EXPECT_EQ(with([](auto&) {}), "");
}

}  // namespace
}  // namespace tocsin::runtime
