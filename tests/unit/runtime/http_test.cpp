#include "runtime/http/http.hpp"

#include "unit/runtime/local_server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace tocsin::runtime {
namespace {

using namespace std::chrono_literals;
using Kind = HttpError::Kind;

HttpRequest request_to(const std::string& url, const std::string& method = "GET",
                       const std::string& body = "") {
    HttpRequest request;
    request.method = method;
    request.url = url;
    request.body = body;
    request.timeout = 5s;
    request.allow_private_addresses = true;
    return request;
}

HttpResult send(HttpClient& client, HttpRequest request) {
    std::promise<HttpResult> promise;
    auto result = promise.get_future();
    client.send(std::move(request),
                [&promise](HttpResult answer) { promise.set_value(std::move(answer)); });
    if (result.wait_for(20s) != std::future_status::ready) {
        client.stop();  // else the promise would be set after it is gone
        return std::unexpected(HttpError{Kind::unknown_outcome, "TEST: never answered", {}});
    }
    return result.get();
}

bool ok(const std::string&, int socket) {
    LocalServer::write(socket, LocalServer::answer("200 OK", "fine", "X-One:  two \r\n"));
    return true;
}

TEST(Http, AnswersWithTimesAndHeaders) {
    const LocalServer server(ok);
    HttpClient client;
    const auto before = std::chrono::system_clock::now();
    HttpRequest request = request_to(server.url("/path"), "POST", "body");
    request.headers = {{"X-Test", "yes"}};
    const auto answer = send(client, std::move(request));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "fine");
    EXPECT_TRUE(answer->header("x-one").starts_with("two"));
    EXPECT_EQ(answer->header("absent"), "");
    EXPECT_GE(answer->written_at + 1ms, before);
    EXPECT_LE(answer->written_at, answer->answered_at);
    const auto seen = server.requests();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_TRUE(seen[0].starts_with("POST /path HTTP/1.1\r\n"));
    EXPECT_TRUE(seen[0].ends_with("\r\n\r\nbody"));
    EXPECT_NE(seen[0].find("X-Test: yes\r\n"), std::string::npos);
    EXPECT_NE(seen[0].find("User-Agent: tocsin/"), std::string::npos);
}

// One that was stored masked by mistake: it is what blots out.
TEST(Http, ASecretOfAsterisksEndsNothing) {
    const LocalServer server([](const std::string&, int socket) {
        LocalServer::write(socket, LocalServer::answer("403 No", "no ********/******** here"));
        return true;
    });
    HttpClient client;
    HttpRequest request = request_to(server.url());
    request.headers = {{"Authorization", "Bearer ********"}};
    const auto answer = send(client, std::move(request));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "no ********/******** here");
}

TEST(Http, KeepsConnections) {
    const LocalServer server(ok);
    HttpClient client;
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(send(client, request_to(server.url())));
    EXPECT_EQ(server.connections(), 1);
}

TEST(Http, AnErrorStatusIsAnAnswer) {
    const LocalServer server([](const std::string&, int socket) {
        LocalServer::write(socket, LocalServer::answer("500 No", "sorry"));
        return true;
    });
    HttpClient client;
    const auto answer = send(client, request_to(server.url()));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 500);
}

TEST(Http, RedirectsAreNotFollowed) {
    const LocalServer server([](const std::string&, int socket) {
        LocalServer::write(socket, LocalServer::answer("302 Found", "", "Location: /other\r\n"));
        return true;
    });
    HttpClient client;
    const auto answer = send(client, request_to(server.url()));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 302);
    EXPECT_EQ(answer->header("location"), "/other");
    EXPECT_EQ(server.requests().size(), 1U);
}

// As a poller does: what one answer said goes into the next request.
TEST(Http, AnAnswersBadTagHarmsNoLaterRequest) {
    const LocalServer server([](const std::string&, int socket) {
        LocalServer::write(socket, LocalServer::answer("200 OK", "fine", "ETag: \"a\rb\"\r\n"));
        return true;
    });
    HttpClient client;
    const auto first = send(client, request_to(server.url()));
    ASSERT_TRUE(first) << first.error().text;
    HttpRequest request = request_to(server.url());
    request.headers = {{"If-None-Match", first->header("etag")}};
    const auto second = send(client, std::move(request));
    ASSERT_TRUE(second) << second.error().text;
    EXPECT_EQ(second->body, "fine");
}

TEST(Http, SilenceAfterTheRequestIsUnknown) {
    const LocalServer server([](const std::string&, int) { return true; });
    HttpClient client;
    HttpRequest request = request_to(server.url(), "POST", "x");
    request.timeout = 200ms;
    const auto answer = send(client, std::move(request));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::unknown_outcome);
    EXPECT_GT(answer.error().written_at, Time{});
}

TEST(Http, ACutReplyIsUnknown) {
    const LocalServer server([](const std::string&, int socket) {
        LocalServer::write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        return false;
    });
    HttpClient client;
    const auto answer = send(client, request_to(server.url()));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::unknown_outcome);
    EXPECT_EQ(answer.error().received_bytes, 40U + 4U) << "of the header and of the body";
}

// Each says what happened and what to do, and none of them what libcurl alone understands.
TEST(Http, AFailureSaysWhatHappened) {
    const auto why = [](HttpRequest request) {
        HttpClient client;
        const auto answer = send(client, std::move(request));
        return answer ? "answered" : answer.error().text;
    };
    const auto answered_with = [&](const std::string& text) {
        const LocalServer server([&](const std::string&, int socket) {
            LocalServer::write(socket, text);
            return false;
        });
        return why(request_to(server.url()));
    };
    const auto says = [](const std::string& text, const std::string& part) {
        return text.contains(part) && !text.ends_with('.') ? "" : text;
    };
    EXPECT_EQ(says(answered_with("HTTP/1.1 200 OK\r\nX-Long: " + std::string(200'000, 'a') +
                                 "\r\nContent-Length: 0\r\n\r\n"),
                   "a header of the answer is too long"),
              "");
    EXPECT_EQ(says(answered_with("SSH-2.0-OpenSSH\r\n"), "not HTTP as it should be"), "");
    EXPECT_EQ(says(answered_with(""), "the answer ended early"), "");
    EXPECT_EQ(says(answered_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
                   "the answer ended early"),
              "");
    std::string gone;
    {
        const LocalServer server(ok);
        gone = server.url();
    }
    EXPECT_EQ(says(why(request_to(gone)), "no connection is accepted there"), "");
    const LocalServer silent([](const std::string&, int) { return true; });
    HttpRequest request = request_to(silent.url());
    request.timeout = 200ms;
    EXPECT_EQ(says(why(std::move(request)), "no whole answer came within 200 ms"), "");
}

TEST(Http, ARefusedConnectionOrNameIsNotSent) {
    HttpClient client;
    std::string url;
    {
        const LocalServer gone(ok);
        url = gone.url();
    }
    for (const std::string& bad :
         {url, std::string("http://name.invalid/"), std::string("ftp://127.0.0.1/"),
          std::string("file:///etc/passwd"), std::string("not a url")}) {
        const auto answer = send(client, request_to(bad));
        ASSERT_FALSE(answer) << bad;
        EXPECT_EQ(answer.error().kind, Kind::not_sent) << bad;
        EXPECT_FALSE(answer.error().text.empty());
        EXPECT_EQ(answer.error().received_bytes, 0U);
    }
}

TEST(Http, ALargeAnswerIsCutOff) {
    const LocalServer server([](const std::string&, int socket) {
        LocalServer::write(socket, LocalServer::answer("200 OK", std::string(5000, 'x')));
        return true;
    });
    HttpClient client;
    HttpRequest request = request_to(server.url());
    request.response_bytes_max = 4999;
    const auto answer = send(client, request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::refused_by_limit);
    EXPECT_GE(answer.error().received_bytes, 5000U);
    request.response_bytes_max = 5000;
    EXPECT_TRUE(send(client, request));
}

// "h\u00e9llo" and 5,000 zeros, as gzip makes them.
const std::string zipped_text(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x38\xbc\x32\x27\x27\x1f\x00\x36\x82"
    "\x3b\x9e\x06\x00\x00\x00",
    26);
const std::string zipped_zeros(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xf5"
    "\x4f\x6d\x0a\x3f\xa0\x00\x00\x00\x00\x80\xb7\x01\xa8\x0e\xe5\xd8\x88\x13\x00\x00",
    40);

TEST(Http, ACompressedAnswerIsReadAndBoundedByWhatComesOut) {
    for (const auto& [zipped, whole] : {std::pair{zipped_text, true}, {zipped_zeros, false}}) {
        const LocalServer server([zipped](const std::string& request, int socket) {
            EXPECT_NE(request.find("Accept-Encoding: gzip"), std::string::npos);
            LocalServer::write(socket,
                               LocalServer::answer("200 OK", zipped, "Content-Encoding: gzip\r\n"));
            return true;
        });
        HttpClient client;
        HttpRequest request = request_to(server.url());
        request.response_bytes_max = 1'000;
        const auto answer = send(client, std::move(request));
        ASSERT_EQ(answer.has_value(), whole);
        if (whole) {
            EXPECT_EQ(answer->body, "h\xC3\xA9llo");
        } else {
            EXPECT_EQ(answer.error().kind, Kind::refused_by_limit);
            EXPECT_GT(answer.error().received_bytes, 1'000U) << "as it came out";
        }
    }
}

// The answer is at fault, and nothing else is.
TEST(Http, AnUnknownEncodingConcernsItsAnswerAlone) {
    const LocalServer server([](const std::string& request, int socket) {
        const bool odd = request.starts_with("GET /odd");
        LocalServer::write(
            socket, LocalServer::answer("200 OK", "fine", odd ? "Content-Encoding: gzip\r\n" : ""));
        return true;
    });
    HttpClient client;
    EXPECT_FALSE(send(client, request_to(server.url("/odd"))));
    EXPECT_TRUE(send(client, request_to(server.url("/even"))));
}

TEST(Http, ThePostsAnswerCountsWhateverItsEncodingSays) {
    const LocalServer server([](const std::string& request, int socket) {
        EXPECT_EQ(request.find("Accept-Encoding"), std::string::npos);
        LocalServer::write(socket,
                           LocalServer::answer("200 OK", "fine", "Content-Encoding: br\r\n"));
        return true;
    });
    HttpClient client;
    const auto answer = send(client, request_to(server.url(), "POST", "body"));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->status, 200);
}

TEST(Http, AVetoIsAskedOnceConnectedAndKeepsEveryByteBack) {
    const LocalServer server(ok);
    HttpClient client;
    // On a new connection, and on one that was kept.
    for (int i = 0; i < 2; ++i) {
        HttpRequest request = request_to(server.url("/late"), "POST", "body");
        request.veto = [] { return std::string("It is too late."); };
        const auto answer = send(client, std::move(request));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::vetoed);
        EXPECT_EQ(answer.error().text, "It is too late.");
        HttpRequest good = request_to(server.url("/good"));
        good.veto = [] { return std::string(); };
        EXPECT_TRUE(send(client, std::move(good)));
    }
    for (const std::string& seen : server.requests()) EXPECT_TRUE(seen.starts_with("GET /good"));
}

// Asked any earlier, a slow handshake would stand between the question and the write.
TEST(Http, AVetoIsNotAskedWhileTheHandshakeIsUnderWay) {
    const LocalServer silent([](const std::string&, int) { return true; });
    HttpClient client;
    HttpRequest request = request_to("https" + silent.url().substr(4), "POST", "body");
    request.timeout = 300ms;
    std::atomic<int> asked = 0;
    request.veto = [&asked] {
        ++asked;
        return std::string();
    };
    const auto answer = send(client, std::move(request));
    ASSERT_FALSE(answer);
    EXPECT_EQ(silent.connections(), 1);
    EXPECT_EQ(asked, 0);
    EXPECT_EQ(answer.error().kind, Kind::not_sent) << answer.error().text;
}

TEST(Http, LineBreaksAreNotSent) {
    const LocalServer server(ok);
    HttpClient client;
    HttpRequest request = request_to(server.url());
    request.headers = {{"X-Test", "a\r\nX-Evil: b"}};
    const auto answer = send(client, request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::not_sent);
    EXPECT_TRUE(server.requests().empty());
}

TEST(Http, PrivateAddressesAreRefused) {
    const LocalServer server(ok);
    HttpClient client;
    HttpRequest request = request_to(server.url());
    request.allow_private_addresses = false;
    const auto answer = send(client, request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::not_sent);
    EXPECT_EQ(server.connections(), 0);
    for (const std::string inner : {"127.0.0.1",
                                    "10.1.2.3",
                                    "172.16.0.1",
                                    "172.31.255.255",
                                    "192.168.0.1",
                                    "169.254.169.254",
                                    "100.64.0.1",
                                    "100.127.255.255",
                                    "0.0.0.0",
                                    "224.0.0.1",
                                    "255.255.255.255",
                                    "::1",
                                    "::",
                                    "fe80::1",
                                    "fc00::1",
                                    "fd12::1",
                                    "ff02::1",
                                    "::ffff:10.0.0.1",
                                    "64:ff9b::a00:1",
                                    "2002:0a00:0001::",
                                    "nonsense",
                                    ""})
        EXPECT_TRUE(is_private_address(inner)) << inner;
    for (const std::string outer : {"1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
                                    "192.169.0.1", "::ffff:1.1.1.1"})
        EXPECT_FALSE(is_private_address(outer)) << outer;
}

// Ways to write this machine that a reader of addresses may not know; each leads here.
const std::vector<std::string> written_oddly{
    "127.0.0.1",       "127.1",
    "127.0.1",         "2130706433",
    "0x7f000001",      "0x7f.1",
    "017700000001",    "0177.0.0.01",
    "localhost",       "LOCALHOST",
    "localhost.",      "gauge.localhost",
    "0.0.0.0",         "0",
    "%31%32%37.0.0.1", "[::ffff:127.0.0.1]",
    "127.9.9.9",       "[::ffff:0:0]",
    "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]",
};

TEST(Http, NoWayToWriteAPrivateAddressReachesIt) {
    const LocalServer server(ok);
    const std::string here = server.url();
    const std::string port = here.substr(here.rfind(':'));
    HttpClient client;
    const auto refused = [&](const std::string& host) {
        HttpRequest request = request_to("http://" + host + port);
        request.allow_private_addresses = false;
        const auto answer = send(client, std::move(request));
        return !answer && answer.error().kind == Kind::not_sent;
    };
    for (const std::string& host : written_oddly) EXPECT_TRUE(refused(host)) << host;
    for (const std::string host :
         {"169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[fe80::1]",
          "[::ffff:169.254.169.254]", "[::1]", "[::]", "10.1", "192.168.1", "172.16.1", "[fd00::1]",
          "[64:ff9b::7f00:1]", "[2002:7f00:1::]"})
        EXPECT_TRUE(refused(host)) << host;
    EXPECT_EQ(server.connections(), 0);
}

// Without the check they would be reached: it is what keeps them off, and no fault of the form.
TEST(Http, TheOddWaysToWriteThisMachineLeadHere) {
    const LocalServer server(ok);
    const std::string here = server.url();
    const std::string port = here.substr(here.rfind(':'));
    HttpClient client;
    int reached = 0;
    for (const std::string host : {"127.1", "2130706433", "0x7f000001", "017700000001", "localhost",
                                   "[::ffff:127.0.0.1]", "0.0.0.0"})
        if (send(client, request_to("http://" + host + port))) ++reached;
    EXPECT_GE(reached, 6) << "a machine without IPv6 knows one less";
}

TEST(Http, APostIsNeverSentTwice) {
    std::atomic<int> count = 0;
    // The second request is acted upon, then the kept connection breaks without an answer.
    const LocalServer server([&](const std::string& request, int socket) {
        return ++count == 1 && ok(request, socket);
    });
    HttpClient client;
    EXPECT_TRUE(send(client, request_to(server.url(), "POST", "first")));
    const auto answer = send(client, request_to(server.url(), "POST", "second"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::unknown_outcome);
    EXPECT_EQ(server.requests().size(), 2U);
}

TEST(Http, AKeptConnectionDoesNotPassTheAddressCheck) {
    const LocalServer server(ok);
    HttpClient client;
    HttpRequest request = request_to(server.url());
    EXPECT_TRUE(send(client, request));
    request.allow_private_addresses = false;
    const auto answer = send(client, request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::not_sent);
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Http, ASecretThatTheServerSaysAgainIsBlottedOut) {
    const LocalServer server([](const std::string& request, int socket) {
        LocalServer::write(socket,
                           LocalServer::answer("401 No", "you said: " + request,
                                               "X-Told: Bearer secret-token, secret-token\r\n"));
        return true;
    });
    HttpClient client;
    HttpRequest request = request_to(server.url("/path"));
    request.headers = {{"Authorization", "Bearer secret-token"}, {"X-Own", "not a secret"}};
    const auto answer = send(client, std::move(request));
    ASSERT_TRUE(answer);
    EXPECT_TRUE(server.requests().at(0).contains("Bearer secret-token"));
    EXPECT_FALSE(answer->body.contains("secret-token"));
    EXPECT_TRUE(answer->body.contains("Bearer ************"));
    EXPECT_TRUE(answer->body.contains("not a secret"));
    EXPECT_EQ(answer->header("x-told"), "Bearer ************, ************");
}

TEST(Http, NoTimeLeftIsNotSent) {
    const LocalServer server(ok);
    HttpClient client;
    for (const auto timeout : {0ms, -5ms}) {
        HttpRequest request = request_to(server.url());
        request.timeout = timeout;
        const auto answer = send(client, std::move(request));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::not_sent);
    }
    EXPECT_TRUE(server.requests().empty());
}

Task<void> fetch_twice(HttpClient& client, std::string url, std::promise<std::string>& done) {
    const auto first = co_await client.send(request_to(url));
    co_await client.sleep_until(std::chrono::steady_clock::now() + 20ms);
    const auto second = co_await client.send(request_to(url));
    done.set_value(first && second ? first->body + second->body : "failed");
}

TEST(Http, CoroutinesAwaitAnswersAndTime) {
    const LocalServer server(ok);
    HttpClient client;
    std::promise<std::string> done;
    auto result = done.get_future();
    spawn(fetch_twice(client, server.url(), done));
    EXPECT_EQ(result.get(), "finefine");
}

TEST(Http, ManyAtOnce) {
    const LocalServer server(ok);
    HttpClient client;
    std::atomic<int> good = 0;
    std::promise<void> all;
    auto done = all.get_future();
    std::atomic<int> left = 50;
    for (int i = 0; i < 50; ++i)
        client.send(request_to(server.url()), [&](HttpResult answer) {
            if (answer) ++good;
            if (--left == 0) all.set_value();
        });
    done.get();
    EXPECT_EQ(good, 50);
}

TEST(Http, StoppingAnswersWhatWasNeverBegun) {
    const LocalServer server([](const std::string&, int) { return true; });
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> answered = 0;
        HttpClient client;
        for (int i = 0; i < 20; ++i)
            client.send(request_to(server.url()), [&](HttpResult) { ++answered; });
        client.stop();
        ASSERT_EQ(answered, 20);
    }
}

TEST(Http, StoppingEndsWhatIsUnderWay) {
    const LocalServer server([](const std::string&, int) { return true; });
    HttpClient client;
    std::promise<HttpResult> promise;
    auto result = promise.get_future();
    client.send(request_to(server.url(), "POST", "x"),
                [&](HttpResult answer) { promise.set_value(std::move(answer)); });
    while (server.requests().empty()) std::this_thread::yield();
    client.stop();
    const auto answer = result.get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::unknown_outcome);
    const auto late = send(client, request_to(server.url()));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, Kind::not_sent);
}

TEST(Http, AShownUrlHoldsNoSecret) {
    const std::string base = "https://a.example/old/x?key=1";
    EXPECT_EQ(shown_url(base, "http://eva:pw@B.example:81/p/q?key=1#f"), "http://B.example:81/p/q");
    EXPECT_EQ(shown_url(base, "https://b.example"), "https://b.example/");
    EXPECT_EQ(shown_url(base, "new?key=1"), "https://a.example/old/new");
    EXPECT_EQ(shown_url("", "https://[::1]/"), "https://[::1]/");
    for (const char* none : {"", "javascript:x", "file:///etc/passwd", "https://a%40b/"})
        EXPECT_EQ(shown_url(base, none), "") << none;
}

TEST(Http, AnOriginIsSchemeHostAndPort) {
    EXPECT_EQ(origin_of("HTTPS://Example.org/a?b#c"), "https://example.org:443");
    EXPECT_EQ(origin_of("http://[::1]:8080"), "http://[::1]:8080");
    for (const char* none : {"", "ftp://a/", "https://user@a/", "https://a%7fb/", "https://a%40b/",
                             "https://a%252eb/", "https://a%2fb/", "https://a%20b/",
                             // A name to its first reader, an address to the next.
                             "http://%39/", "http://0x%37f.1/"})
        EXPECT_EQ(origin_of(none), "") << none;
    EXPECT_EQ(origin_of("http://0x7f.1/"), "http://127.0.0.1:80");
}

}  // namespace
}  // namespace tocsin::runtime
