// correct.p50: from the call that retracts a message to the arrival of the retraction at the last
// of 100 receivers; against the same of the message: from the call that clears it.
#include "bench/audience.hpp"
#include "bench/benchmarks.hpp"
#include "bench/newsroom.hpp"

#include <fmt/format.h>

namespace tocsin::bench {

using namespace std::chrono_literals;

std::vector<Figure> correct(Stage& stage) {
    stage.clear();
    Audience audience;
    Newsroom newsroom(stage, audience, {{"hundred", stage.dose(100, 3)}});
    std::vector<double> corrected, sent, from_t0;
    for (int round = 0; round <= stage.dose(rounds, 1); ++round) {
        const Newsroom::Sent message = newsroom.send({{"hundred"}});
        audience.forget("hundred");
        const auto called = newsroom.stop(message.release);
        const auto arrivals = audience.await("hundred", newsroom.count({"hundred"}), 60s);
        newsroom.await(message.message, publishing::v1::RELEASE_STATE_RETRACTED);
        const double taken = ms_between(called, arrivals.back());
        const double first = ms_between(message.called, message.arrivals.back());
        say(
            fmt::format("correct, round {}: {:.0f} ms from the call to the last retraction; the "
                        "message {:.0f} ms, of which {:.1f} ms from T0",
                        round, taken, first, ms_between(message.fire_at, message.arrivals.back())));
        if (round == 0) continue;  // warms up
        corrected.push_back(taken);
        sent.push_back(first);
        from_t0.push_back(ms_between(message.fire_at, message.arrivals.back()));
    }
    return {less_is_better("correct.p50", median(corrected), median(sent), "ms",
                           fmt::format("the message itself, from the call that clears it to the "
                                       "last of the same; {:.1f} ms of that from T0",
                                       median(from_t0)),
                           2)};
}

}  // namespace tocsin::bench
