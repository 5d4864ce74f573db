// fire.1000.apprise: the release of fire.1000 against the same receivers notified by apprise, from
// the call of its notify() with the receivers known.
#include "bench/audience.hpp"
#include "bench/benchmarks.hpp"
#include "bench/newsroom.hpp"
#include "bench/peers.hpp"
#include "bench/waiting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr int apprise_rounds = 5;

namespace {

runtime::Time read_time(const std::string& path) {
    double seconds = 0;
    if (!(std::ifstream(path) >> seconds)) throw std::runtime_error("apprise did not notify all");
    return runtime::Time{
        std::chrono::floor<runtime::Duration>(std::chrono::duration<double>(seconds))};
}

// Milliseconds until the last of `count` receivers had it.
double notify(Stage& stage, Audience& audience, const std::string& python, int count) {
    audience.forget("apprise");
    const std::string begun = stage.folder() + "/apprise.begun";
    std::filesystem::remove(begun);
    std::string receivers = audience.url("apprise", 0);
    receivers.replace(0, std::string("http").size(), "json");
    receivers.resize(receivers.size() - std::string("/0").size());
    const auto script = std::filesystem::path(TOCSIN_SOURCE_DIR) / "tests/bench/apprise/notify.py";
    const auto program = stage.start_other(
        python, "apprise",
        {script, receivers, std::to_string(count), begun,
         "Flooding in Calgary: leave the banks of the Bow River",
         "Leave the banks now. Go to higher ground. Do not walk or drive through water."});
    const auto arrivals = audience.await("apprise", static_cast<std::size_t>(count), 120s);
    wait_until(60s, [&] { return !program->running(); });
    return ms_between(read_time(begun), arrivals.back());
}

}  // namespace

std::vector<Figure> fire_apprise(Stage& stage) {
    const std::string python =
        needed("TOCSIN_APPRISE", "a Python with apprise", "fire.1000.apprise");
    stage.clear();
    Audience audience;
    Newsroom newsroom(
        stage, audience,
        stage.dose<AgencySizes>({{"north", 500}, {"south", 500}}, {{"north", 3}, {"south", 3}}));
    const Newsroom::Agencies everybody{"north", "south"};
    std::vector<double> ours, theirs, cleared;
    for (int round = 0; round <= stage.dose(apprise_rounds, 1); ++round) {
        const Newsroom::Sent sent = newsroom.send({everybody});
        ours.push_back(ms_between(sent.fire_at, sent.arrivals.back()));
        cleared.push_back(ms_between(sent.called, sent.arrivals.back()));
        theirs.push_back(
            notify(stage, audience, python, static_cast<int>(newsroom.count(everybody))));
        say(
            fmt::format("fire.1000.apprise, round {}: {:.1f} ms from T0, {:.0f} ms from clearing; "
                        "apprise {:.0f} ms",
                        round, ours.back(), cleared.back(), theirs.back()));
        if (round == 0) ours = theirs = cleared = {};  // warms up
    }
    return {less_is_better("fire.1000.apprise", median(ours), median(theirs), "ms",
                           fmt::format("apprise, from the call of notify(); ours is from T0, and "
                                       "{:.0f} ms from the call that clears the message",
                                       median(cleared)),
                           0.05)};
}

}  // namespace tocsin::bench
