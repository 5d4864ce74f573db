#include "runtime/host/config.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tocsin::runtime {
namespace {

class Config : public ::testing::Test {
protected:
    ~Config() override {
        for (const char* name : {"TOCSIN_WORD", "TOCSIN_COUNT", "TOCSIN_SWITCH_ON",
                                 "TOCSIN_KAFKA_BOOTSTRAP", "KAFKA_BOOTSTRAP_SERVERS"})
            unsetenv(name);
        std::filesystem::remove(path);
    }

    // Parses the command line `arguments`; what was written stays in `out` and `err`.
    std::optional<int> parse(std::vector<std::string> arguments) {
        Settings settings("program", "does a thing");
        settings.add("word", word, "a word");
        settings.add("count", count, "how many", 1, 10);
        settings.add("switch-on", switch_on, "whether");
        settings.add("kafka-bootstrap", bootstrap, "brokers");
        arguments.insert(arguments.begin(), "program");
        std::vector<char*> pointers;
        for (std::string& argument : arguments) pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        const auto code = settings.parse(static_cast<int>(arguments.size()), pointers.data());
        out = ::testing::internal::GetCapturedStdout();
        err = ::testing::internal::GetCapturedStderr();
        return code;
    }

    std::string file(const std::string& text) {
        std::ofstream(path) << text;
        return path;
    }

    std::string path = ::testing::TempDir() + "config_test_" + std::to_string(getpid()) + ".conf";
    std::string word = "default";
    std::int64_t count = 5;
    bool switch_on = false;
    std::string bootstrap = "127.0.0.1:9092";
    std::string out, err;
};

TEST_F(Config, FlagsWinOverEnvironmentOverFileOverDefault) {
    EXPECT_FALSE(parse({}));
    EXPECT_EQ(word, "default");
    const std::string settings = file("# comment\n\nword=file\ncount = 7\n");
    EXPECT_FALSE(parse({"--config", settings}));
    EXPECT_EQ(word, "file");
    EXPECT_EQ(count, 7);
    setenv("TOCSIN_WORD", "environment", 1);
    EXPECT_FALSE(parse({"--config", settings}));
    EXPECT_EQ(word, "environment");
    EXPECT_EQ(count, 7);
    EXPECT_FALSE(parse({"--config", settings, "--word", "flag"}));
    EXPECT_EQ(word, "flag");
}

TEST_F(Config, FileValuesAreTakenAsWritten) {
    for (const std::string value : {"a:1,b:2", "two words", "[::1]:80", "a#b", "'q'", "a=b"}) {
        EXPECT_FALSE(parse({"--config", file("kafka-bootstrap = " + value + " \n")})) << err;
        EXPECT_EQ(bootstrap, value);
    }
}

TEST_F(Config, KafkaIsFoundByItsUsualName) {
    setenv("KAFKA_BOOTSTRAP_SERVERS", "a:1,b:2", 1);
    EXPECT_FALSE(parse({}));
    EXPECT_EQ(bootstrap, "a:1,b:2");
    setenv("TOCSIN_KAFKA_BOOTSTRAP", "c:3", 1);
    EXPECT_FALSE(parse({}));
    EXPECT_EQ(bootstrap, "c:3");
}

TEST_F(Config, SwitchesTakeEveryForm) {
    EXPECT_FALSE(parse({"--switch-on"}));
    EXPECT_TRUE(switch_on);
    EXPECT_FALSE(parse({"--switch-on=false"}));
    EXPECT_FALSE(switch_on);
    setenv("TOCSIN_SWITCH_ON", "true", 1);
    EXPECT_FALSE(parse({}));
    EXPECT_TRUE(switch_on);
    unsetenv("TOCSIN_SWITCH_ON");
    switch_on = false;
    EXPECT_FALSE(parse({"--config", file("switch-on=true\n")}));
    EXPECT_TRUE(switch_on);
}

TEST_F(Config, BadValuesAreRefusedByName) {
    for (const std::string bad : {"0", "11", "x", "", "99999999999999999999"}) {
        EXPECT_EQ(parse({"--count=" + bad}), 2) << bad;
        EXPECT_NE(err.find("count"), std::string::npos) << err;
    }
    setenv("TOCSIN_COUNT", "11", 1);
    EXPECT_EQ(parse({}), 2);
    unsetenv("TOCSIN_COUNT");
    EXPECT_EQ(parse({"--config", file("count=11\n")}), 2);
    EXPECT_EQ(parse({"--count", "2", "--count", "3"}), 2);
}

TEST_F(Config, UnknownNamesAreRefusedWithTheNearest) {
    EXPECT_EQ(parse({"--cuont", "2"}), 2);
    EXPECT_NE(err.find("cuont"), std::string::npos);
    EXPECT_NE(err.find("did you mean count"), std::string::npos) << err;
    EXPECT_EQ(parse({"--config", file("wrod=x\n")}), 2);
    EXPECT_NE(err.find("wrod"), std::string::npos);
    EXPECT_NE(err.find("did you mean word"), std::string::npos) << err;
    EXPECT_EQ(parse({"--config", file("word=x\nword=y\n")}), 2);
    EXPECT_NE(err.find("twice"), std::string::npos) << err;
    EXPECT_EQ(parse({"--config", file("word\n")}), 2);
    EXPECT_EQ(parse({"--config", "/nonexistent"}), 2);
    EXPECT_EQ(parse({"stray"}), 2);
    // What reads the logs reads this too.
    const auto line = nlohmann::json::parse(err);
    EXPECT_EQ(line["level"], "error");
    EXPECT_EQ(line["service"], "program");
}

TEST_F(Config, HelpAndVersion) {
    EXPECT_EQ(parse({"--help"}), 0);
    for (const std::string_view part : {"--count", "how many", "default 5", "1..10", "TOCSIN_COUNT",
                                        "TOCSIN_SWITCH_ON", "does a thing"})
        EXPECT_NE(out.find(part), std::string::npos) << part;
    EXPECT_EQ(parse({"--version"}), 0);
    EXPECT_EQ(out, "program " TOCSIN_VERSION "\n");
}

TEST_F(Config, ANameIsDeclaredOnce) {
    Settings settings("program", "");
    settings.add("word", word, "a word");
    EXPECT_ANY_THROW(settings.add("word", word, "a word"));
}

TEST(RuntimeConfig, NamesItsProblem) {
    RuntimeConfig config;
    config.instance = "a";
    EXPECT_TRUE(config.problem()->starts_with("jwks"));
    config.jwks = "keys.json";
    EXPECT_TRUE(config.problem()->starts_with("mac-key-file"));
    config.mac_key_file = "mac.key";
    EXPECT_FALSE(config.problem());
    const auto with = [&](auto change) {
        RuntimeConfig other = config;
        change(other);
        return other.problem().value_or("");
    };
    EXPECT_TRUE(with([](auto& c) { c.world = "test"; }).starts_with("world"));
    EXPECT_TRUE(with([](auto& c) { c.instance = "a b"; }).starts_with("instance"));
    EXPECT_TRUE(with([](auto& c) { c.log_level = "loud"; }).starts_with("log-level"));
    EXPECT_TRUE(with([](auto& c) { c.tls_cert = "a"; }).starts_with("tls-cert"));
    for (const char* wrong : {"", ",", "HS256", "RS256;PS256", "es256", "none"})
        EXPECT_TRUE(with([&](auto& c) { c.jwt_algorithms = wrong; }).starts_with("jwt-algorithms"))
            << wrong;
    EXPECT_EQ(with([](auto& c) { c.jwt_algorithms = "RS256, PS256"; }), "");
}

TEST(RuntimeConfig, DeclaresItsDefaultsWithinItsBounds) {
    RuntimeConfig config;
    Settings settings("program", "");
    config.declare(settings);
    char program[] = "program";
    char* arguments[] = {program, nullptr};
    EXPECT_FALSE(settings.parse(1, arguments));
    EXPECT_EQ(config.kafka_partitions, 8);
    EXPECT_EQ(config.call_deadline_ms_default, 5000);
}

}  // namespace
}  // namespace tocsin::runtime
