// Nothing real from an exercise: each way to reach the live world from it, tried.

#include "publishing/planning.hpp"
#include "publishing/rpc.hpp"
#include "runtime/http/live_hosts.hpp"
#include "runtime/ledger/topics.hpp"
#include "services.inc"
#include "unit/runtime/local_server.hpp"
#include "wire_bench.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <set>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;
using runtime::HttpClient;
using runtime::LiveHosts;
using runtime::LocalServer;

constexpr const char* live_address = "203.0.113.7";

// A list of live hosts in a file that goes away with the test.
struct HostsFile {
    std::string path = [] {
        std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-XXXXXX").string();
        return std::string(mkdtemp(pattern.data()));
    }();
    std::string file = path + "/live-hosts.json";

    ~HostsFile() { std::filesystem::remove_all(path); }
    void write(const runtime::LiveHostsByName& hosts) const {
        std::ofstream(file + ".new") << runtime::hosts_json(hosts, 1'750'000'000).dump();
        std::filesystem::rename(file + ".new", file);
    }
    // `port`: of a live receiver on this machine.
    void write_usual(int port) const {
        write({{"live.example", {{443}, {}}},
               {"xn--mnchen-3ya.example", {{443}, {}}},
               {"feeds.example", {{443}, {live_address, "2001:db8::7"}}},
               {"198.51.100.9", {{443}, {}}},
               {"localhost", {{port}, {}}}});
    }
};

bool fine(const std::string&, int socket) {
    LocalServer::write(socket, LocalServer::answer("200 OK", "fine"));
    return true;
}

int port_of(const LocalServer& server) {
    const std::string url = server.url();
    return std::stoi(url.substr(url.rfind(':') + 1));
}

// Every name leads to this machine, but for the aliases of a live host.
runtime::Addresses look_up(const std::string& host) {
    if (host == "alias.example") return std::vector<std::string>{live_address};
    if (host == "alias6.example") return std::vector<std::string>{"2001:db8::7"};
    return std::vector<std::string>{"127.0.0.1"};
}

// The client of an exercise process, which may reach this machine.
struct ExerciseClient {
    HostsFile list;
    LiveHosts hosts{list.file};
    HttpClient http{look_up};

    ExerciseClient() {
        http.refuse([this](std::string_view host, int port) { return hosts.refusal(host, port); });
    }
    runtime::HttpResult send(const std::string& url) {
        HttpRequest request;
        request.method = "POST";
        request.url = url;
        request.body = "leak";
        request.timeout = 3s;
        request.allow_private_addresses = true;
        std::promise<runtime::HttpResult> promise;
        auto result = promise.get_future();
        http.send(std::move(request),
                  [&](runtime::HttpResult answer) { promise.set_value(std::move(answer)); });
        return result.get();
    }
};

// {}: the port at which the endpoint listens; [] that of a live receiver on this machine.
const std::vector<std::string> leaks{
    // The name, as it is and in other spellings.
    "http://live.example:{}/",
    "http://LIVE.Example:{}/",
    "http://live.example.:{}/",
    "http://live%2eexample:{}/",
    "http://%6Cive.example:{}/",
    "http://live.example:{}/../../in",
    "http://live.example:{}?to=@other.example",
    "http://live.example:{}#@other.example",
    "https://live.example:{}/",
    "http:live.example:{}",
    "live.example:{}",
    "http://user@live.example:{}/",
    "http://user:word@live.example:{}/",
    "http://other.example@live.example:{}/",
    "http://other.example%40live.example:{}/",
    "http://ｌｉｖｅ.example:{}/",
    "http://live。example:{}/",
    "http://live．example:{}/",
    "http://li\u00adve.example:{}/",
    "http://münchen.example:{}/",
    "http://MÜNCHEN.example:{}/",
    "http://mu\u0308nchen.example:{}/",
    "http://xn--mnchen-3ya.example:{}/",
    "http://XN--MNCHEN-3YA.example.:{}/",
    // Another name for it, and its addresses.
    "http://alias.example:{}/",
    "http://alias6.example:{}/",
    "http://203.0.113.7:{}/",
    "http://203.0.113.7.:{}/",
    "http://0xcb.0.0x71.7:{}/",
    "http://0313.0.0161.07:{}/",
    "http://3405803783:{}/",
    "http://[::ffff:203.0.113.7]:{}/",
    "http://[::ffff:cb00:7107]:{}/",
    "http://[2001:db8::7]:{}/",
    "http://[2001:0DB8:0:0:0::7]:{}/",
    "http://198.51.100.9:81/",
    // This machine, at the port of a live receiver.
    "http://127.0.0.1:[]/",
    "http://127.1:[]/",
    "http://2130706433:[]/",
    "http://0x7f000001:[]/",
    "http://017700000001:[]/",
    "http://127.9.9.9:[]/",
    "http://localhost:[]/",
    "http://LOCALHOST.:[]/",
    "http://hook.localhost:[]/",
    "http://other.example:[]/",
    "http://0.0.0.0:[]/",
    "http://0:[]/",
    "http://[::ffff:127.0.0.1]:[]/",
    "http://[::ffff:0:0]:[]/",
};

std::string with_port(std::string url, const std::string& mark, int port) {
    if (const auto at = url.find(mark); at != std::string::npos)
        url.replace(at, mark.size(), std::to_string(port));
    return url;
}

TEST(Exercise, NoWayToWriteALiveHostReachesIt) {
    const LocalServer endpoint(fine), receiver(fine), own(fine);
    ExerciseClient exercise;
    exercise.list.write_usual(port_of(receiver));
    for (const std::string& leak : leaks) {
        const std::string url =
            with_port(with_port(leak, "{}", port_of(endpoint)), "[]", port_of(receiver));
        const auto answer = exercise.send(url);
        ASSERT_FALSE(answer) << url;
        EXPECT_EQ(answer.error().kind, HttpError::Kind::not_sent) << url;
    }
    EXPECT_EQ(endpoint.connections() + receiver.connections(), 0);
    // What is not of the live world is reached, so that nothing else kept these back.
    EXPECT_TRUE(exercise.send(own.url()));
    EXPECT_TRUE(exercise.send(fmt::format("http://other.example:{}/", port_of(own))));
    EXPECT_TRUE(exercise.send(fmt::format("http://notlive.example:{}/", port_of(endpoint))));
}

TEST(Exercise, WithoutTheListEveryOneOfThemIsClosed) {
    const LocalServer endpoint(fine);
    ExerciseClient exercise;
    const auto reached = [&] { return exercise.send(endpoint.url()).has_value(); };
    EXPECT_FALSE(reached()) << "there is no list";
    for (const char* text : {"", "{}", "[]", "{\"world\":\"live\"}", "nonsense",
                             R"({"world":"exercise","written_at":1,"hosts":[]})",
                             R"({"world":"live","written_at":1,"hosts":[{"host":"a"}]})",
                             R"({"world":"live","hosts":[]})"}) {
        std::ofstream(exercise.list.file) << text;
        EXPECT_FALSE(reached()) << text;
    }
    exercise.list.write({});
    EXPECT_TRUE(reached());
    EXPECT_EQ(exercise.hosts.written_at(), 1'750'000'000);
    std::filesystem::remove(exercise.list.file);
    EXPECT_FALSE(reached()) << "it went away";
    EXPECT_EQ(exercise.hosts.written_at(), 0);
    EXPECT_EQ(endpoint.connections(), 1);
}

TEST(Exercise, ARedirectAndAKeptConnectionLeadNowhere) {
    const LocalServer receiver(fine);
    const LocalServer own([&](const std::string&, int socket) {
        LocalServer::write(socket, LocalServer::answer("307 Temporary Redirect", "",
                                                       "Location: " + receiver.url() + "\r\n"));
        return true;
    });
    ExerciseClient exercise;
    exercise.list.write_usual(port_of(receiver));
    const auto answer = exercise.send(own.url());
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 307);
    EXPECT_EQ(receiver.connections(), 0);
    // The live world puts a channel there: the connection that is kept is of no more use.
    exercise.list.write({{"localhost", {{port_of(own)}, {}}}});
    EXPECT_FALSE(exercise.send(own.url()));
    EXPECT_EQ(own.requests().size(), 1U);
}

// A delivery of the exercise, all of it as it should be.
struct ExerciseBench : Bench {
    using Bench::Bench;
    SampleCredentials own{"exercise"};
    Credentials opened{own.files(), {.world = "exercise"}};
    Wire there{.http = http,
               .credentials = opened,
               .world = "exercise",
               .off_limits = {},
               .now = wire.now,
               .steady_now = wire.steady_now,
               .on_feed = wire.on_feed,
               .account_ids = {}};

    void content(const std::string& world, content::v1::Status status) {
        content::Content changed;
        ASSERT_TRUE(changed.ParseFromString(job.approved->bytes()));
        changed.set_world(world);
        changed.mutable_draft()->set_status(status);
        const std::string bytes = content::serialise(changed);
        job.approved = std::make_shared<const Approved>(bytes, content::digest(bytes));
    }
    v1::Outcome fired() {
        answers(response(204));
        return run(channel.fire(there, job)).kind;
    }
};

struct Mix {
    std::string world;
    content::v1::Status status;
};

TEST(Exercise, OnlyItsOwnContentGoesOutInItAndNothingOfItInTheLiveWorld) {
    const std::vector<Mix> mixes{
        {"live", content::v1::STATUS_ACTUAL},       {"live", content::v1::STATUS_EXERCISE},
        {"live", content::v1::STATUS_TEST},         {"exercise", content::v1::STATUS_ACTUAL},
        {"exercise", content::v1::STATUS_TEST},     {"exercise", content::v1::STATUS_UNSPECIFIED},
        {"Exercise", content::v1::STATUS_EXERCISE}, {"exercise ", content::v1::STATUS_EXERCISE},
        {"", content::v1::STATUS_EXERCISE}};
    for (const auto& [kind, delivery] : {std::pair{"feed", "feed"}, std::pair{"webhook", "hook"},
                                         std::pair{"mastodon", "toot:fr-CA"}}) {
        ExerciseBench bench{kind, delivery};
        for (const auto& [world, status] : mixes) {
            bench.content(world, status);
            EXPECT_EQ(bench.fired(), v1::OUTCOME_REFUSED) << kind << world << status;
            bench.there.world = "live";
            const bool live = world == "live" && status != content::v1::STATUS_EXERCISE;
            if (!live) {
                EXPECT_EQ(bench.fired(), v1::OUTCOME_REFUSED) << kind << world << status;
            }
            bench.there.world = "exercise";
        }
        bench.content("exercise", content::v1::STATUS_EXERCISE);
        bench.shown = bench.job.body;
        EXPECT_TRUE(bench.http.sent.empty()) << kind;
        EXPECT_NE(bench.fired(), v1::OUTCOME_REFUSED) << kind;
    }
}

TEST(Exercise, TheAdapterKnowsLiveHostsBeforeItAsksForAnything) {
    for (const auto& [kind, delivery] :
         {std::pair{"webhook", "hook"}, std::pair{"mastodon", "toot:fr-CA"}}) {
        ExerciseBench bench{kind, delivery};
        bench.content("exercise", content::v1::STATUS_EXERCISE);
        const HostsFile list;
        LiveHosts hosts{list.file};
        bench.there.off_limits = [&](const std::string& url) { return hosts.refusal(url); };
        const std::string host = bench.job.delivery.channel_id() + ".example.org";
        list.write({{host, {{8443}, {}}}});
        bench.answers(response(204));
        const Prepared prepared = run(bench.channel.prepare(bench.there, bench.job));
        EXPECT_FALSE(prepared.ready);
        EXPECT_TRUE(prepared.reason.contains("live world")) << prepared.reason;
        EXPECT_EQ(bench.fired(), v1::OUTCOME_REFUSED);
        // No receiver of webhooks is asked what it has.
        const bool asks = bench.channel.kind != "webhook";
        EXPECT_EQ(run(bench.channel.find(bench.there, bench.job)).kind,
                  asks ? Found::Kind::cannot_tell : Found::Kind::absent);
        EXPECT_TRUE(bench.http.sent.empty());
        list.write({{"else." + host, {{443}, {}}}});
        EXPECT_NE(bench.fired(), v1::OUTCOME_REFUSED);
        EXPECT_FALSE(bench.http.sent.empty());
    }
}

TEST(Exercise, NoChannelOfItLeadsToALiveHost) {
    const HostsFile list;
    LiveHosts hosts{list.file};
    list.write({{"toot.example.org", {{443}, {}}}});
    const auto off_limits = [&](const std::string& url) { return hosts.refusal(url); };
    v1::PutChannelRequest put;
    put.set_kind("mastodon");
    put.set_url("https://TOOT.example.org./");
    const auto refused = require_allowed(off_limits, put);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    put.set_url("https://toots.example.org/");
    EXPECT_FALSE(require_allowed(off_limits, put));
    put.set_kind("feed");
    put.clear_url();
    EXPECT_FALSE(require_allowed(off_limits, put)) << "a feed leads nowhere";
}

TEST(Exercise, NoTopicIsOfBothWorlds) {
#define TOCSIN_NAME(service) #service,
    for (const std::string service : {TOCSIN_SERVICES(TOCSIN_NAME)}) {
#undef TOCSIN_NAME
        std::set<std::string> live;
        for (const auto& topic : runtime::topics_of({"live", 8, 1}, service, {"readings"}))
            live.insert(topic.name);
        for (const auto& topic : runtime::topics_of({"exercise", 8, 1}, service, {"readings"})) {
            EXPECT_TRUE(topic.name.starts_with("exercise.tocsin.")) << topic.name;
            EXPECT_FALSE(live.contains(topic.name)) << topic.name;
        }
    }
}

}  // namespace
}  // namespace tocsin::publishing
