#include "runtime/production.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace tocsin::runtime {
namespace {

class Production : public testing::Test {
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
    const std::string folder = testing::TempDir() + "production_test_" + std::to_string(getpid());
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

}  // namespace
}  // namespace tocsin::runtime
