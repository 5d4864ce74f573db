#include "runtime/http/name_lookups.hpp"

#include "runtime/http/http.hpp"
#include "unit/runtime/local_server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace tocsin::runtime {
namespace {

using namespace std::chrono_literals;
using Kind = HttpError::Kind;

// Names that begin with "stuck" are not answered until it is let go; all others are this machine.
class Dns {
public:
    LookUp look_up() {
        return [here = here_](const std::string& host) -> Addresses {
            std::unique_lock lock(here->mutex);
            here->asked.push_back(host);
            here->most = std::max(here->most, ++here->under_way);
            here->changed.notify_all();
            if (host.starts_with("stuck")) here->changed.wait(lock, [&] { return here->free; });
            --here->under_way;
            here->changed.notify_all();
            if (host.starts_with("none")) return std::unexpected("no such name");
            if (host.starts_with("broken")) throw std::runtime_error("no memory");
            return std::vector<std::string>{"127.0.0.1"};
        };
    }
    ~Dns() { let_go(); }

    void let_go() {
        std::unique_lock lock(here_->mutex);
        here_->free = true;
        here_->changed.notify_all();
        here_->changed.wait(lock, [&] { return here_->under_way == 0; });
    }
    bool wait_until_asked(std::size_t times) {
        std::unique_lock lock(here_->mutex);
        return here_->changed.wait_for(lock, 10s, [&] { return here_->asked.size() >= times; });
    }
    std::vector<std::string> asked() {
        const std::lock_guard lock(here_->mutex);
        return here_->asked;
    }
    int most() {
        const std::lock_guard lock(here_->mutex);
        return here_->most;
    }

private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<std::string> asked;
        int under_way = 0, most = 0;
        bool free = false;
    };
    std::shared_ptr<State> here_ = std::make_shared<State>();
};

HttpRequest lookup_for(const std::string& url, const std::string& owner = "bow") {
    HttpRequest request;
    request.owner = owner;
    request.url = url;
    request.timeout = 10s;
    request.allow_private_addresses = true;
    return request;
}

std::future<HttpResult> begin(HttpClient& client, HttpRequest request) {
    auto promise = std::make_shared<std::promise<HttpResult>>();
    auto result = promise->get_future();
    client.send(std::move(request),
                [promise](HttpResult answer) { promise->set_value(std::move(answer)); });
    return result;
}

bool answers_fine(const std::string&, int socket) {
    LocalServer::write(socket, LocalServer::answer("200 OK", "fine"));
    return true;
}

std::string port_of(const LocalServer& server) {
    const std::string url = server.url("");
    return url.substr(url.rfind(':'));
}

TEST(NameLookups, ANameLeadsToItsAddressAndIsRemembered) {
    const LocalServer server(answers_fine);
    Dns dns;
    HttpClient client(dns.look_up());
    for (const std::string host : {"a.example", "A.Example", "%61.example", "xn--b-xga.example"}) {
        const auto answer = begin(client, lookup_for("http://" + host + port_of(server))).get();
        ASSERT_TRUE(answer) << host << ": " << answer.error().text;
        EXPECT_EQ(answer->body, "fine");
    }
    EXPECT_EQ(dns.asked(), (std::vector<std::string>{"a.example", "xn--b-xga.example"}));
    EXPECT_TRUE(server.requests().at(0).contains("Host: a.example"));
}

TEST(NameLookups, AnAddressAndThisMachineNeedNone) {
    const LocalServer server(answers_fine);
    Dns dns;
    HttpClient client(dns.look_up());
    for (const std::string host : {"127.0.0.1", "127.1", "0x7f000001", "localhost"})
        EXPECT_TRUE(begin(client, lookup_for("http://" + host + port_of(server))).get()) << host;
    EXPECT_TRUE(dns.asked().empty());
}

TEST(NameLookups, APrivateAddressOfANameIsRefused) {
    const LocalServer server(answers_fine);
    Dns dns;
    HttpClient client(dns.look_up());
    HttpRequest request = lookup_for("http://inner.example" + port_of(server));
    request.allow_private_addresses = false;
    // Known only the second time.
    for (int i = 0; i < 2; ++i) {
        const auto answer = begin(client, request).get();
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::not_sent);
        EXPECT_TRUE(answer.error().text.contains("private")) << answer.error().text;
    }
    EXPECT_EQ(server.connections(), 0);
}

TEST(NameLookups, WhyANameHasNoAddressIsTold) {
    const std::string no_host =
        "the URL names no host that can be looked up; check it, and write a name beyond ASCII as "
        "xn--...";
    Dns dns;
    HttpClient client(dns.look_up());
    const auto why = [&](const std::string& host) {
        const auto answer = begin(client, lookup_for("http://" + host + "/")).get();
        return answer ? "answered" : answer.error().text;
    };
    EXPECT_EQ(why("none.example"),
              "the name none.example cannot be looked up (no such name); check the name and this "
              "machine's DNS");
    EXPECT_TRUE(why("broken.example").contains("no memory"));
    EXPECT_EQ(why("a%20b"), no_host);
}

TEST(NameLookups, OneThatIsNeverAnsweredHoldsUpNobody) {
    const LocalServer server(answers_fine);
    Dns dns;
    HttpClient client(dns.look_up());
    std::vector<std::future<HttpResult>> stuck;
    for (int i = 0; i < 100; ++i) {
        HttpRequest request = lookup_for("http://stuck" + std::to_string(i) + ".example/", "other");
        request.timeout = 300ms;
        stuck.push_back(begin(client, std::move(request)));
    }
    ASSERT_TRUE(dns.wait_until_asked(NameLookups::of_owner_max));
    EXPECT_TRUE(begin(client, lookup_for("http://a.example" + port_of(server))).get());
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(stuck[i].wait_for(10s), std::future_status::ready);
        const auto answer = stuck[i].get();
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::not_sent);
        EXPECT_EQ(answer.error().text,
                  "the name stuck" + std::to_string(i) +
                      ".example cannot be looked up (it was not answered within 300 ms); check the "
                      "name and this machine's DNS");
    }
    // And after their deadline, when libcurl would wait for its threads.
    EXPECT_TRUE(begin(client, lookup_for("http://b.example" + port_of(server))).get());
    EXPECT_EQ(dns.most(), NameLookups::of_owner_max + 1);
    // What was given up in the queue is not asked for any more.
    dns.let_go();
    EXPECT_EQ(dns.asked().size(), NameLookups::of_owner_max + 2U);
}

TEST(NameLookups, TheNumberOfThreadsIsBoundedAndSharedOut) {
    const LocalServer server(answers_fine);
    Dns dns;
    HttpClient client(dns.look_up());
    std::vector<std::future<HttpResult>> stuck;
    for (int owner = 0; owner < 12; ++owner)
        for (int i = 0; i < 10; ++i)
            stuck.push_back(
                begin(client, lookup_for("http://stuck" + std::to_string(i) + ".example/",
                                         "owner" + std::to_string(owner))));
    ASSERT_TRUE(dns.wait_until_asked(16 + 8));
    // Four owners have four each, eight one each: there is room for others still.
    EXPECT_TRUE(begin(client, lookup_for("http://a.example" + port_of(server))).get());
    EXPECT_EQ(dns.most(), 16 + 8 + 1);
    dns.let_go();
    client.stop();
    for (auto& one : stuck) one.get();
    EXPECT_LE(dns.most(), NameLookups::at_once_max);
}

TEST(NameLookups, WhoAsksForTheSameSharesTheLookup) {
    Dns dns;
    HttpClient client(dns.look_up());
    std::vector<std::future<HttpResult>> all;
    for (int i = 0; i < 50; ++i) {
        HttpRequest request = lookup_for("http://stuck.example:1/");
        request.timeout = i % 2 == 0 ? 100ms : 10s;
        all.push_back(begin(client, std::move(request)));
    }
    for (int i = 0; i < 50; i += 2) EXPECT_TRUE(all[i].get().error().text.contains("looked up"));
    dns.let_go();
    for (int i = 1; i < 50; i += 2) EXPECT_FALSE(all[i].get().error().text.contains("looked up"));
    EXPECT_EQ(dns.asked().size(), 1U);
}

TEST(NameLookups, StoppingWaitsForNone) {
    Dns dns;
    const auto began = std::chrono::steady_clock::now();
    std::future<HttpResult> under_way, queued;
    {
        HttpClient client(dns.look_up());
        for (int i = 0; i < 4; ++i)
            under_way = begin(client, lookup_for("http://stuck" + std::to_string(i) + ".example/"));
        ASSERT_TRUE(dns.wait_until_asked(4));
        queued = begin(client, lookup_for("http://stuck4.example/"));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
    for (auto* one : {&under_way, &queued}) {
        const auto answer = one->get();
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::not_sent);
        EXPECT_EQ(answer.error().text, "the process is stopping");
    }
    // What comes now reaches nobody.
    dns.let_go();
    EXPECT_EQ(dns.asked().size(), 4U);
}

TEST(NameLookups, TheSystemKnowsThisMachine) {
    const auto found = look_up_by_system("localhost");
    ASSERT_TRUE(found) << found.error();
    for (const std::string& address : *found)
        EXPECT_TRUE(address == "127.0.0.1" || address == "::1") << address;
}

}  // namespace
}  // namespace tocsin::runtime
