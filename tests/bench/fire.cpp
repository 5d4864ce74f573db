// fire.*, skew.1000: from T0 to the arrival of the last delivery at its receiver. All that is known
// before T0 is done before it, here and in the floor: that is what a release has its two phases
// for. What comes before T0 is in line.*, correct.p50 and what this says while it runs.
#include "bench/audience.hpp"
#include "bench/bare_sender.hpp"
#include "bench/benchmarks.hpp"
#include "bench/newsroom.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

namespace tocsin::bench {

using namespace std::chrono_literals;

namespace {

// The same receivers, by the newsroom and by the floor.
struct Salvo {
    std::string name;
    Newsroom::Agencies agencies;
    std::vector<double> ours{}, bare{}, ours_skew{}, bare_skew{}, cleared{};
    std::unique_ptr<BareSender> sender{};
};

// The arrivals of what is sent outside of Tocsin, in order.
std::vector<runtime::Time> arrivals(const Newsroom& newsroom, const Audience& audience,
                                    const Newsroom::Agencies& agencies) {
    std::vector<runtime::Time> all;
    for (const std::string& agency : agencies) {
        const auto some = audience.await(agency, newsroom.count({agency}), 60s);
        all.insert(all.end(), some.begin(), some.end());
    }
    std::ranges::sort(all);
    return all;
}

void send_bare(const Newsroom& newsroom, Audience& audience, Salvo& salvo) {
    if (!salvo.sender)
        salvo.sender = std::make_unique<BareSender>(newsroom.urls(salvo.agencies),
                                                    audience.last_request(salvo.agencies.front()));
    for (const std::string& agency : salvo.agencies) audience.forget(agency);
    const BareSender::Sent sent = salvo.sender->send();
    const auto all = arrivals(newsroom, audience, salvo.agencies);
    salvo.bare.push_back(ms_between(sent.at, all.back()));
    salvo.bare_skew.push_back(ms_between(all.front(), all.back()));
}

void send_ours(Newsroom& newsroom, Salvo& salvo) {
    const Newsroom::Sent sent = newsroom.send({salvo.agencies});
    salvo.ours.push_back(ms_between(sent.fire_at, sent.arrivals.back()));
    salvo.ours_skew.push_back(ms_between(sent.arrivals.front(), sent.arrivals.back()));
    salvo.cleared.push_back(ms_between(sent.called, sent.arrivals.back()));
}

}  // namespace

std::vector<Figure> fire(Stage& stage) {
    stage.clear();
    Audience audience;
    const AgencySizes sizes =
        stage.dose<AgencySizes>({{"ten", 10}, {"hundred", 100}, {"north", 450}, {"south", 450}},
                                {{"ten", 1}, {"hundred", 2}, {"north", 3}, {"south", 3}});
    Newsroom newsroom(stage, audience, sizes);
    std::vector<Salvo> salvos;
    salvos.push_back({"fire.10", {"ten"}});
    salvos.push_back({"fire.100", {"hundred"}});
    salvos.push_back({"fire.1000", {"hundred", "north", "south"}});
    for (int round = 0; round <= stage.dose(rounds, 1); ++round)
        for (Salvo& salvo : salvos) {
            send_ours(newsroom, salvo);
            send_bare(newsroom, audience, salvo);
            say(
                fmt::format("{}, round {}: {:.1f} ms from T0 to the last of {}, {:.1f} ms from "
                            "clearing; bare {:.1f} ms",
                            salvo.name, round, salvo.ours.back(), newsroom.count(salvo.agencies),
                            salvo.cleared.back(), salvo.bare.back()));
            // The first of each warms up.
            if (round == 0) salvo.ours = salvo.bare = salvo.ours_skew = salvo.bare_skew = {};
        }
    const std::string against = fmt::format(
        "bare libcurl-multi, bytes in memory, connections open; receivers answer after {} ms",
        Audience::thinking.count());
    std::vector<Figure> figures;
    for (const Salvo& salvo : salvos)
        figures.push_back(
            less_is_better(salvo.name, median(salvo.ours), median(salvo.bare), "ms", against, 1.5));
    figures.push_back(less_is_better("skew.1000", median(salvos.back().ours_skew),
                                     median(salvos.back().bare_skew), "ms", against, 1.5));
    return figures;
}

}  // namespace tocsin::bench
