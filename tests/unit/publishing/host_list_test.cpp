#include "publishing/host_list.hpp"

#include "runtime/http/live_hosts.hpp"
#include "samples.hpp"
#include "support/until.hpp"

#include <ctime>
#include <filesystem>

namespace tocsin::publishing {
namespace {

void put(PublishingView& view, const std::string& realm, v1::Event event, const std::string& url) {
    event.mutable_channel_put()->mutable_channel()->set_url(url);
    ledger::v1::Decision decision;
    decision.set_realm(realm);
    decision.mutable_accepted()->add_events(event.SerializeAsString());
    view.apply({"publishing", 0, 0, samples::at(1), decision, true});
}

TEST(HostList, ClosesTheHostsOfAllRealmsAndTheirAddressesToTheExercise) {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-XXXXXX").string();
    const std::string folder = mkdtemp(pattern.data()), file = folder + "/hosts.json";
    PublishingView view{1};
    put(view, "bow", samples::channel("feed", "feed"), "");
    put(view, "bow", samples::channel("hook", "webhook"), "https://Hooks.Example.org:8443/in?x=1");
    const auto look_up = [](const std::string& host) -> runtime::Addresses {
        if (host == "hooks.example.org") return std::vector<std::string>{"203.0.113.9", "::1"};
        return std::unexpected("no such name");
    };
    runtime::LiveHosts exercise{file};
    const auto closed = [&](const char* host) { return !exercise.refusal(host, 443).empty(); };
    {
        HostList list{file, view, look_up};
        EXPECT_TRUE(closed("other.example"));
        list.start();
        EXPECT_TRUE(
            tocsin::testing::until([&] { return closed("203.0.113.9") && !closed("a.example"); }));
        EXPECT_TRUE(closed("hooks.example.org"));
        EXPECT_FALSE(closed("toots.example.org"));
        // Another realm adds one.
        put(view, "elbow", samples::channel("toot", "mastodon"), "https://toots.example.org");
        EXPECT_TRUE(tocsin::testing::until([&] { return closed("toots.example.org"); }));
        EXPECT_NEAR(static_cast<double>(exercise.written_at()), static_cast<double>(time(nullptr)),
                    60);
    }
    // What was written stays.
    EXPECT_TRUE(closed("hooks.example.org"));
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tocsin::publishing
