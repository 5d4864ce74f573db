#include "gateway/request_head.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tocsin::gateway {

static const std::string start = "POST /livez HTTP/1.1\r\n";
static const std::string host = "Host: x\r\n";

TEST(RequestHead, TakesWhatClientsSend) {
    const std::vector<std::string> heads{
        start + host + "\r\n",
        start + "host:[::1]:8080\r\nContent-Length:\t5 \r\n\r\n",
        start + host + "Transfer-Encoding: Chunked\r\nX-Empty:\r\n\r\n",
        start + host + "X-Text: caf\xc3\xa9, \"a\tb\"\r\nAccept: a\r\nAccept: b\r\n\r\n",
        "GET http://x/livez HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /livez HTTP/1.0\r\n\r\n"};
    for (const std::string& head : heads) {
        const auto fault = head_fault(head);
        EXPECT_FALSE(fault) << head << fault->what;
    }
}

TEST(RequestHead, RefusesWhatTwoReadersMayUnderstandDifferently) {
    struct Case {
        std::string fields, field;
    };
    const std::vector<Case> cases{
        {"Transfer-Encoding: xchunked\r\n", "transfer-encoding"},
        {"Transfer-Encoding: gzip\r\n", "transfer-encoding"},
        {"Transfer-Encoding: identity\r\n", "transfer-encoding"},
        {"Transfer-Encoding: chunked, identity\r\n", "transfer-encoding"},
        {"Transfer-Encoding: gzip, chunked\r\n", "transfer-encoding"},
        {"Transfer-Encoding: chunked;a=b\r\n", "transfer-encoding"},
        {"Transfer-Encoding: \"chunked\"\r\n", "transfer-encoding"},
        {"Transfer-Encoding:\r\n", "transfer-encoding"},
        {"Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n", "transfer-encoding"},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "content-length"},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "content-length"},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", "content-length"},
        {"Content-Length: 5, 5\r\n", "content-length"},
        {"Content-Length: +5\r\n", "content-length"},
        {"Content-Length: -5\r\n", "content-length"},
        {"Content-Length: 0x5\r\n", "content-length"},
        {"Content-Length: 5 5\r\n", "content-length"},
        {"Content-Length:\r\n", "content-length"},
        {"Content-Length: 1234567890123456789\r\n", "content-length"},
        {"Host: x\r\n", "host"},
        {"Authorization: a\r\nAUTHORIZATION: b\r\n", "authorization"},
        {"Content-Encoding: identity\r\ncontent-encoding: gzip\r\n", "content-encoding"},
        {"Connect-Timeout-Ms: 1\r\nConnect-Timeout-Ms: 2\r\n", "connect-timeout-ms"},
        {"Connect-Protocol-Version: 1\r\nConnect-Protocol-Version: 2\r\n",
         "connect-protocol-version"},
        {"Content-Length : 5\r\n", ""},
        {" Content-Length: 5\r\n", ""},
        {"X: a\r\n b\r\n", ""},
        {"Transfer-Encoding:\r\n chunked\r\n", ""},
        {"X: a\r\n\tb\r\n", ""},
        {"X\r\n", ""},
        {": a\r\n", ""},
        {"X(: a\r\n", ""},
        {"X: a\nY: b\r\n", ""},
        {"X: a\rY: b\r\n", ""},
        {std::string("X: a\0b\r\n", 8), ""},
        {std::string("X\0: a\r\n", 7), ""},
        {"X: a\x0b\r\n", ""},
        {"Transfer-Encoding: \x0b"
         "chunked\r\n",
         ""},
        {"X: a\x7f\r\n", ""}};
    for (const Case& one : cases) {
        const auto fault = head_fault(start + host + one.fields + "\r\n");
        ASSERT_TRUE(fault) << one.fields;
        EXPECT_EQ(fault->field, one.field) << one.fields;
        EXPECT_FALSE(fault->what.empty());
    }
}

TEST(RequestHead, RefusesAHostThatIsNotOneName) {
    EXPECT_EQ(head_fault(start + "\r\n")->field, "host");
    for (const char* wrong : {"a b", "a,b", "a/b", "user@a", "http://a"})
        EXPECT_TRUE(head_fault(start + "Host: " + wrong + "\r\n\r\n")) << wrong;
}

TEST(RequestHead, RefusesATransferEncodingInAnOldRequest) {
    const auto fault =
        head_fault("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->field, "transfer-encoding");
}

TEST(RequestHead, RefusesWhatIsNoRequestLine) {
    for (const char* line :
         {"HELLO", "GET /", "GET  HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1",
          "GET /a b HTTP/1.1", "GET /\ta HTTP/1.1", "GET / HTTP/2.0", "GET / HTTP/1.2",
          "GET / http/1.1", "PRI * HTTP/2.0", "", "G(T / HTTP/1.1"})
        EXPECT_TRUE(head_fault(std::string(line) + "\r\nHost: x\r\n\r\n")) << line;
}

TEST(RequestHead, ATrailersFieldsAreWrittenAsThoseOfAHead) {
    for (const char* trailer : {"", "\r\n", "X: a\r\n\r\n", "Host: x\r\nHost: x\r\n\r\n"})
        EXPECT_FALSE(trailer_fault(trailer)) << trailer;
    for (const char* trailer :
         {"X: a\r\n b\r\n\r\n", " X: a\r\n\r\n", "X: a\r\n\tb\r\n\r\n", "X : a\r\n\r\n",
          "X\r\n\r\n", "X: a\nY: b\r\n\r\n", "X: \x01\r\n\r\n"})
        EXPECT_TRUE(trailer_fault(trailer)) << trailer;
}

TEST(RequestHead, ABadByteShowsBeforeTheHeadIsWhole) {
    EXPECT_TRUE(bytes_fault("GET / HTTP/1.1\n"));
    EXPECT_TRUE(bytes_fault("\x16\x03\x01"));
    EXPECT_TRUE(bytes_fault("GET /\r "));
    EXPECT_FALSE(bytes_fault("GET / HTTP/1.1\r"));
    EXPECT_FALSE(bytes_fault("GET / HTTP/1.1\r\nHo", 15));
}

}  // namespace tocsin::gateway
