#include "runtime/host/logs.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <regex>
#include <sstream>
#include <thread>
#include <vector>

namespace tocsin::runtime {
namespace {

// What `write` puts on stderr, one object a line; a line that is none fails the test.
template <class Write>
std::vector<nlohmann::ordered_json> lines_of(Write write) {
    ::testing::internal::CaptureStderr();
    write();
    std::istringstream text(::testing::internal::GetCapturedStderr());
    std::vector<nlohmann::ordered_json> lines;
    for (std::string line; std::getline(text, line);)
        lines.push_back(nlohmann::ordered_json::parse(line));
    return lines;
}

TEST(Logs, OneObjectALineWithFields) {
    logs::start("drafting", "info");
    const auto lines = lines_of([] {
        logs::info("started", {{"port", 8080}, {"ratio", 0.5}, {"safe", true}, {"name", "a"}});
    });
    ASSERT_EQ(lines.size(), 1U);
    std::vector<std::string> keys;
    for (const auto& item : lines[0].items()) keys.push_back(item.key());
    EXPECT_EQ(keys, (std::vector<std::string>{"ts", "level", "msg", "service", "version", "port",
                                              "ratio", "safe", "name"}));
    EXPECT_EQ(lines[0]["level"], "info");
    EXPECT_EQ(lines[0]["service"], "drafting");
    EXPECT_EQ(lines[0]["port"], 8080);
    EXPECT_EQ(lines[0]["ratio"], 0.5);
    EXPECT_EQ(lines[0]["safe"], true);
    EXPECT_TRUE(std::regex_match(lines[0]["ts"].get<std::string>(),
                                 std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z)")));
}

TEST(Logs, EscapesAndRepairs) {
    logs::start("drafting", "info");
    const auto lines = lines_of([] {
        logs::warn("a \"quote\"\nand {} a brace", {{"bytes", std::string("\xff\x00x", 3)}});
    });
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0]["msg"], "a \"quote\"\nand {} a brace");
    EXPECT_EQ(lines[0]["bytes"], std::string("\xef\xbf\xbd\x00x", 5));
}

TEST(Logs, KeepsToTheLevel) {
    logs::start("drafting", "warn");
    const auto lines = lines_of([] {
        logs::debug("no");
        logs::info("no");
        logs::warn("yes");
        logs::error("yes");
    });
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0]["level"], "warn");
    EXPECT_EQ(lines[1]["level"], "error");
    logs::start("drafting", "debug");
    EXPECT_EQ(lines_of([] { logs::debug("yes"); }).size(), 1U);
    logs::start("drafting", "info");
}

TEST(Logs, ThreadsDoNotMixLines) {
    logs::start("drafting", "info");
    const auto lines = lines_of([] {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([t] {
                for (int i = 0; i < 200; ++i) logs::info(std::string(300, 'x'), {{"thread", t}});
            });
    });
    EXPECT_EQ(lines.size(), 800U);
}

}  // namespace
}  // namespace tocsin::runtime
