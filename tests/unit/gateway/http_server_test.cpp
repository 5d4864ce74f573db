// The server alone, with limits small enough to be met.
#include "unit/gateway/serving.hpp"

#include <gtest/gtest.h>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <deque>
#include <functional>

namespace tocsin::gateway {
namespace {

using asio::ip::tcp;
using std::chrono::milliseconds;

// Asks, and reads only when it is told to.
class Client {
public:
    explicit Client(Serving& served, const std::string& target = {}) {
        // So that little of an answer fits into the kernel here.
        wire_.open(tcp::v4());
        wire_.set_option(tcp::socket::receive_buffer_size(4096));
        wire_.connect(served.address());
        if (!target.empty())
            asio::write(wire_, asio::buffer("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    // False: the server closed the connection.
    bool write(std::string_view bytes) {
        boost::system::error_code closed;
        asio::write(wire_, asio::buffer(bytes), closed);
        return !closed;
    }
    // So many bytes came until the connection ended, or `bytes` were there.
    std::size_t read(std::size_t bytes) {
        std::string all(bytes, '\0');
        boost::system::error_code ended;
        return asio::read(wire_, asio::buffer(all), ended);
    }

private:
    asio::io_context io_;
    tcp::socket wire_{io_};
};

TEST(HttpServer, TheLargestOfWhatIsUnreadIsGivenUpWhereItIsTheOldest) {
    Serving served({.unsent_bytes_max = 20 * mib, .unsent_grace = milliseconds(0)});
    Client large(served, "/15");
    ASSERT_TRUE(until([&] { return served.unsent() == 15 * mib; }));
    Client small(served, "/4");
    ASSERT_TRUE(until([&] { return served.unsent() == 19 * mib; }));
    EXPECT_EQ(served.times("unsent_bytes"), 0);
    Client one_more(served, "/4");
    ASSERT_TRUE(until([&] { return served.times("unsent_bytes") == 1; }));
    EXPECT_LT(large.read(15 * mib), 15 * mib);
    EXPECT_EQ(small.read(4 * mib), 4 * mib);
    EXPECT_EQ(one_more.read(4 * mib), 4 * mib);
    EXPECT_TRUE(until([&] { return served.unsent() == 0; }));
}

TEST(HttpServer, AResponseThatHasJustBegunIsNotGivenUp) {
    Serving served({.unsent_bytes_max = 20 * mib, .unsent_grace = milliseconds(0)});
    Client slow(served, "/4");
    ASSERT_TRUE(until([&] { return served.unsent() == 4 * mib; }));
    Client large(served, "/18");
    EXPECT_EQ(large.read(18 * mib), 18 * mib);
    EXPECT_EQ(served.times("unsent_bytes"), 1);
    EXPECT_LT(slow.read(4 * mib), 4 * mib);
}

// Sends `piece` again and again, as slowly as it can without being silent; how often it could.
int trickle(Client& client, std::string_view piece) {
    int sent = 0;
    const auto closed = [&] {
        const bool open = client.write(piece);
        if (open) ++sent;
        return !open;
    };
    EXPECT_TRUE(until(closed)) << "it goes on for ever";
    return sent;
}

TEST(HttpServer, AHeadHasItsTimeHoweverSlowlyItComes) {
    Serving served({.idle = milliseconds(100)});
    Client silent(served), slow(served), begun(served);
    begun.write("GET /1 HTTP/1.1\r\n");
    slow.write("GET /1 HTTP/1.1\r\nHost: x\r\n");
    EXPECT_LT(trickle(slow, "A: b\r\n"), 1000);
    EXPECT_TRUE(until([&] { return served.connections() == 0; }));
    EXPECT_EQ(silent.read(1), 0u);
    EXPECT_EQ(begun.read(1), 0u);
}

TEST(HttpServer, ABodyHasItsTimeHoweverSlowlyItComes) {
    Serving served({.read = milliseconds(100)});
    Client stuck(served), slow(served), chunked(served);
    stuck.write("POST /0 HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc");
    slow.write("POST /0 HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
    EXPECT_LT(trickle(slow, "a"), 900);
    chunked.write("POST /0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_LT(trickle(chunked, "1\r\na\r\n"), 900);
    EXPECT_TRUE(until([&] { return served.connections() == 0; }));
    EXPECT_EQ(stuck.read(1), 0u);
}

TEST(HttpServer, AConnectionKeptOpenHasItsTimeForTheNextHead) {
    Serving served({.idle = milliseconds(100)});
    Client kept(served, "/0");
    EXPECT_GT(kept.read(10), 0u);
    EXPECT_TRUE(until([&] { return served.connections() == 0; }));
}

TEST(HttpServer, WhatManyAreSentIsHeldOnce) {
    Serving served({.unsent_bytes_max = 20 * mib});
    std::deque<Client> readers;
    for (int i = 0; i < 20; ++i) readers.emplace_back(served, "/shared");
    ASSERT_TRUE(until([&] { return served.connections() == 20 && served.unsent() == 8 * mib; }));
    for (Client& one : readers) EXPECT_EQ(one.read(8 * mib), 8 * mib);
    EXPECT_EQ(served.times("unsent_bytes"), 0);
}

TEST(HttpServer, WhoDoesNotReadIsClosedAtTheWriteDeadline) {
    Serving served({.write = milliseconds(50)});
    Client silent(served, "/8");
    EXPECT_TRUE(until([&] { return served.times("write_time") == 1; }));
    EXPECT_TRUE(until([&] { return served.connections() == 0 && served.unsent() == 0; }));
}

TEST(HttpServer, AnAddressOpensOnlySoManyConnectionsASecond) {
    Serving served({.new_connections_per_address = 0.01});
    // Of one burst there is 0.02 of a connection: none.
    Client first(served, "/1");
    EXPECT_EQ(first.read(1), 0u);
    EXPECT_EQ(served.times("new_connections"), 1);
    EXPECT_EQ(served.connections(), 0u);
}

// Where many connections keep the loop busy, its turns are few.
TEST(HttpServer, ThoseWhoWaitAreAcceptedInAFewTurnsOfTheLoop) {
    constexpr std::size_t number = 200;
    Serving served({});
    std::promise<void> go;
    asio::post(served.io(), [&] { go.get_future().wait(); });
    std::deque<Client> waiting;
    while (waiting.size() < number) waiting.emplace_back(served);
    std::promise<int> turns;
    std::function<void(int)> turn = [&](int before) {
        if (served.accepted() == number) return turns.set_value(before);
        asio::post(served.io(), [&turn, before] { turn(before + 1); });
    };
    asio::post(served.io(), [&] { turn(0); });
    go.set_value();
    EXPECT_LT(turns.get_future().get(), 50);
}

TEST(HttpServer, NewConnectionsAreNoLimitWhereNoneIsSet) {
    Serving served({.new_connections_per_address = 0});
    for (int i = 0; i < 50; ++i) EXPECT_GT(Client(served, "/0").read(10), 0u);
}

}  // namespace
}  // namespace tocsin::gateway
