// One poll: what is asked for, and which answers are of use.
#include "trigger/source_poll.hpp"

#include "content/graphemes.hpp"
#include "unit/trigger/poller_stage.hpp"

namespace tocsin::trigger {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(PollerTest, ARequestIsBoundedAndKeptOffInnerAddresses) {
    transport_.answers = {answer(rows(0, 1))};
    begin();
    const auto& request = transport_.requests.at(0);
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url, "http://gauges.example/ab.csv");
    EXPECT_EQ(request.timeout, milliseconds{10'000});
    EXPECT_EQ(request.response_bytes_max, body_bytes_max);
    EXPECT_FALSE(request.allow_private_addresses);
}

TEST_F(PollerTest, AsksOnlyForWhatChanged) {
    transport_.answers = {answer(rows(0, 1), "\"v1\""), status(304)};
    begin();
    until_request();
    const auto& headers = transport_.requests.at(1).headers;
    EXPECT_TRUE(std::ranges::count(headers,
                                   std::pair<std::string, std::string>{"If-None-Match", "\"v1\""}));
    EXPECT_EQ(report().error(), "") << "304 is no error";
    EXPECT_EQ(readings(), 1U);
}

TEST_F(PollerTest, ErrorsAreRetriedEverMoreSlowlyAndSuccessResets) {
    transport_.answers = {status(503)};
    begin();
    EXPECT_EQ(report().error(), "HTTP status 503");
    milliseconds last{0};
    for (int i = 0; i < 12; ++i) last = until_request();
    EXPECT_GE(last, milliseconds{150'000});
    EXPECT_LE(last, milliseconds{300'000});
    transport_.answers = {answer(rows(0, 1))};
    until_request();
    EXPECT_EQ(report().error(), "");
    EXPECT_EQ(until_request(), milliseconds{60'000});
}

TEST_F(PollerTest, RetryAfterIsObeyed) {
    transport_.answers = {status(429, "120")};
    begin();
    EXPECT_EQ(until_request(), milliseconds{120'000});
}

TEST_F(PollerTest, AMalformedBodyIsAnErrorThatSaysWhere) {
    auto other = answer("");
    other->body = "ID,Water Level (m)\nA,1\n";
    transport_.answers = {other};
    begin();
    EXPECT_EQ(report().error(), "line 1: no column Date");
    EXPECT_EQ(readings(), 0U);
}

TEST_F(PollerTest, ABadRowCostsItselfAndIsCounted) {
    transport_.answers = {answer("A,2026-05-01T00:00:00Z,1\nA,20")};
    begin();
    EXPECT_EQ(report().error(), "");
    EXPECT_EQ(report().skipped(), 1);
    EXPECT_EQ(readings(), 1U);
}

TEST_F(PollerTest, AnAnswerIsReadAwayFromTheLoop) {
    transport_.answers = {answer(rows(0, 2))};
    reads_aside = true;
    begin();
    ASSERT_THAT(aside_, SizeIs(1));
    EXPECT_THAT(posted_, IsEmpty());
    EXPECT_EQ(readings(), 0U);
    aside_.front()();
    EXPECT_EQ(readings(), 0U) << "it goes on on the loop only";
    drain();
    EXPECT_EQ(readings(), 2U);
}

TEST_F(PollerTest, AnAnswerReadForALoopThatWasReplacedIsDropped) {
    transport_.answers = {answer(rows(0, 2))};
    reads_aside = true;
    begin();
    poller_.refresh({});
    aside_.front()();
    drain();
    EXPECT_EQ(readings(), 0U);
}

TEST_F(PollerTest, AValidatorThatCannotBeSentBackIsForgotten) {
    const std::string controls("\"a\0b\"", 5);
    std::int64_t revision = 0;
    for (const std::string& bad : {std::string{"\"a\rb\""}, controls, std::string{"\"\xff\xfe\""},
                                   std::string{"\"a\tb\""}, '"' + std::string(2000, 'a') + '"'}) {
        transport_.requests.clear();
        transport_.answers = {answer(rows(0, 1), bad)};
        begin(wanted(++revision));
        until_request();
        EXPECT_EQ(report().error(), "");
        for (const auto& [name, value] : transport_.requests.at(1).headers)
            EXPECT_NE(name, "If-None-Match") << value;
    }
}

TEST_F(PollerTest, AfterAFailureAWholeAnswerIsAskedFor) {
    transport_.answers = {answer(rows(0, 1), "\"v1\""), status(412), answer(rows(0, 2), "\"v2\"")};
    begin();
    until_request();
    EXPECT_EQ(report().error(), "HTTP status 412");
    until_request();
    for (const auto& [name, value] : transport_.requests.at(2).headers)
        EXPECT_NE(name, "If-None-Match");
    EXPECT_EQ(readings(), 2U);
}

TEST_F(PollerTest, WhatAServerSaysIsReportedAsText) {
    runtime::HttpResponse moved;
    moved.status = 302;
    moved.headers.emplace("location", "http://x/" + std::string(190, 'a') + "\xc3\xa9\xc3\xa9");
    transport_.answers = {moved};
    begin();
    // 200 bytes end within the letter.
    EXPECT_THAT(report().error(), HasSubstr("it moved to http://x/" + std::string(190, 'a') + ";"));
    EXPECT_TRUE(content::is_printable(report().error())) << report().error();
    transport_.answers = {std::unexpected(runtime::HttpError{
        runtime::HttpError::Kind::not_sent, std::string(499, 'a') + "\xc3\xa9\xff", {}})};
    until_request();
    EXPECT_TRUE(content::is_printable(report().error()));
    EXPECT_LE(report().error().size(), 500U);
}

TEST_F(PollerTest, OfARedirectOnlyWhatIsNoSecretIsShown) {
    const std::pair<std::string, std::string> cases[] = {
        {"https://eva:secret@x:8443/new/file.csv?key=secret#secret",
         "it moved to https://x:8443/new/file.csv; put that address"},
        {"//x/other?key=secret", "//x/other; put that address"},
        {"/elsewhere?key=secret", "/elsewhere; put that address"},
        {"javascript:secret", "it moved; ask its operator"},
        {"ftp://x/secret", "it moved; ask its operator"},
        {"", "it moved; ask its operator"}};
    for (const auto& [location, shown] : cases) {
        runtime::HttpResponse moved;
        moved.status = 301;
        if (!location.empty()) moved.headers.emplace("location", location);
        transport_.answers.emplace_back(moved);
    }
    begin();
    for (const auto& [location, shown] : cases) {
        EXPECT_THAT(report().error(), HasSubstr(shown)) << location;
        EXPECT_THAT(report().error(), Not(HasSubstr("secret"))) << location;
        until_request();
    }
}

}  // namespace
}  // namespace tocsin::trigger
