#include "runtime/http/http_header.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

std::string value_of(const std::string& line) {
    const auto header = read_header(line);
    return header ? header->value : "(none)";
}

TEST(HttpHeader, NameInLowerCaseAndValueWithoutEdges) {
    EXPECT_EQ(read_header("ETag: \"a b\"\r\n"), (HttpHeader{"etag", "\"a b\""}));
    EXPECT_EQ(read_header("Retry-After:\t120 \r\n"), (HttpHeader{"retry-after", "120"}));
    EXPECT_EQ(value_of("Location:\r\n"), "");
    EXPECT_EQ(value_of("Location: http://a/b:c"), "http://a/b:c");
}

TEST(HttpHeader, AValueCanBeCutAndShownAndSentBack) {
    EXPECT_EQ(value_of("ETag: \"a\rb\"\r\n"), "\"a?b\"");
    EXPECT_EQ(value_of(std::string("ETag: \"\0\"\r\n", 11)), "\"?\"");
    EXPECT_EQ(value_of("Location: /caf\xc3\xa9\x1b[31m\x7f\r\n"), "/caf???[31m?");
}

TEST(HttpHeader, WhatIsNoHeaderIsPassedOver) {
    for (const char* line :
         {"HTTP/1.1 200 OK\r\n", "\r\n", "", "etag\r\n", ": a\r\n", "X Y: a\r\n", "X\x01: a\r\n"})
        EXPECT_FALSE(read_header(line)) << line;
    EXPECT_TRUE(read_header("X: " + std::string(header_bytes_max - 3, 'a')));
    EXPECT_FALSE(read_header("X: " + std::string(header_bytes_max - 2, 'a')));
}

}  // namespace
}  // namespace tocsin::runtime
