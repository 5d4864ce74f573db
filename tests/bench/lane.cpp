// lane.overtake: what 10,000 deliveries that are under way cost a message of the severity Extreme.
// The bulk has one time of release; at the first arrival of it the other message is cleared.
#include "bench/audience.hpp"
#include "bench/benchmarks.hpp"
#include "bench/newsroom.hpp"
#include "runtime/host/clock.hpp"

#include <fmt/format.h>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr int lane_rounds = 5;
static constexpr int bulk_releases = 12;
// Less than the time in which a claim must be settled.
static constexpr std::chrono::milliseconds slow{8000};

namespace {

// Many releases to the same 900 slow receivers at one time, until their last outcome.
class Bulk {
public:
    Bulk(Newsroom& newsroom, Audience& audience, int releases)
        : newsroom_(newsroom),
          audience_(audience),
          releases_(releases),
          // Long enough to prepare it all.
          fire_at_(std::chrono::floor<std::chrono::seconds>(runtime::system_now()) +
                   std::chrono::seconds(6 + 2 * releases)) {
        for (const std::string& agency : agencies()) {
            audience_.answer_after(agency, slow);
            audience_.forget(agency);
        }
        for (int i = 0; i < releases_; ++i) {
            const Newsroom::Draft draft{agencies(), content::v1::SEVERITY_MINOR, fire_at_};
            messages_.push_back(newsroom_.submit(draft));
            newsroom_.clear(messages_.back(), agencies());
        }
    }

    void await_first() const { audience_.await("north", 1, 90s); }
    // How many arrived by now, and whether all will.
    std::size_t arrived() const {
        std::size_t sum = 0;
        for (const std::string& agency : agencies()) sum += audience_.await(agency, 0, 1s).size();
        return sum;
    }
    void await_end() const {
        for (const auto& message : messages_)
            newsroom_.await(message, publishing::v1::RELEASE_STATE_RELEASED);
    }
    std::size_t deliveries() const {
        return newsroom_.count(agencies()) * static_cast<std::size_t>(releases_);
    }

private:
    static Newsroom::Agencies agencies() { return {"north", "south"}; }

    Newsroom& newsroom_;
    Audience& audience_;
    int releases_;
    runtime::Time fire_at_;
    std::vector<drafting::v1::Message> messages_;
};

// Milliseconds from the call that clears an Extreme message to its last arrival.
double overtake(Newsroom& newsroom, Audience& audience, const drafting::v1::Message& message) {
    const auto called = newsroom.clear(message, {"hundred"});
    const auto arrivals = audience.await("hundred", newsroom.count({"hundred"}), 60s);
    return ms_between(called, arrivals.back());
}

}  // namespace

std::vector<Figure> lane(Stage& stage) {
    stage.clear();
    Audience audience;
    Newsroom newsroom(stage, audience,
                      stage.dose<AgencySizes>({{"hundred", 100}, {"north", 450}, {"south", 450}},
                                              {{"hundred", 3}, {"north", 3}, {"south", 3}}));
    const Newsroom::Draft extreme{{"hundred"}, content::v1::SEVERITY_EXTREME};
    newsroom.send(extreme);
    std::vector<double> beside, alone;
    for (int round = 0; round < stage.dose(lane_rounds, 1); ++round) {
        const Newsroom::Sent quiet = newsroom.send(extreme);
        alone.push_back(ms_between(quiet.called, quiet.arrivals.back()));
        audience.forget("hundred");
        const Bulk bulk(newsroom, audience, stage.dose(bulk_releases, 2));
        const auto message = newsroom.submit(extreme);
        bulk.await_first();
        beside.push_back(overtake(newsroom, audience, message));
        const std::size_t arrived = bulk.arrived();
        newsroom.await(message, publishing::v1::RELEASE_STATE_RELEASED);
        bulk.await_end();
        say(
            fmt::format("lane.overtake, round {}: {:.0f} ms beside {} deliveries, {} of which had "
                        "arrived by then; {:.0f} ms alone",
                        round + 1, beside.back(), bulk.deliveries(), arrived, alone.back()));
    }
    return {less_is_better("lane.overtake", median(beside), median(alone), "ms",
                           "the same without 10,800 deliveries of the severity Minor under way; "
                           "from the call that clears it to the last of 100 receivers",
                           2)};
}

}  // namespace tocsin::bench
