// Whatever way the readings of a series come in, late, twice, out of order, corrected, split over
// polls, restarts and other instances: the crossings are those of the series as it was in the end.
#include "support/given.hpp"
#include "trigger/decider.hpp"
#include "trigger/event.hpp"
#include "trigger/window.hpp"

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace tocsin::trigger {
namespace {

using std::chrono::minutes;
using testing::at;

constexpr double threshold = 1000;
constexpr int step_minutes = 15;

struct Play {
    v1::Rule rule;
    double max_age_seconds = 7 * 86400;
    std::map<int, double> final;  // by place in time
    State state;
    Time now = at(0);
    std::vector<std::string> crossings;
    std::vector<Time> decided;  // when each was

    static Time time_of(int place) { return at(place * step_minutes * 60); }

    void begin(double hysteresis, int for_minutes, int cooldown_minutes) {
        rule.set_rule_id("high");
        rule.set_source_id("bow");
        rule.set_series("05BH004:discharge");
        rule.set_threshold(threshold);
        rule.set_hysteresis(hysteresis);
        rule.set_for_seconds(60.0 * for_minutes);
        rule.set_cooldown_seconds(60.0 * cooldown_minutes);
        rule.set_max_age_seconds(max_age_seconds);
        rule.set_max_gap_seconds(3600);
        rule.set_active(true);
        v1::Event event = event_of(rule.rule_id());
        *event.mutable_rule_put()->mutable_rule() = rule;
        Decider::evolve(state, event, now);
    }

    // One record with these, as the poller makes it: all that is known of the time before.
    void meet(const std::map<int, double>& known) {
        v1::Readings body;
        body.set_source_id("bow");
        body.set_series("05BH004:discharge");
        body.set_unit("m3/s");
        std::vector<std::pair<int, double>> order(known.begin(), known.end());
        if (!order.empty() && *rc::gen::inRange(0, 2) == 1) order.push_back(order.front());
        for (std::size_t i = order.size(); i > 1; --i)
            std::swap(order[i - 1],
                      order[static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(i)))]);
        // One that comes twice is the same both times.
        for (const auto& [place, value] : order) {
            auto& reading = *body.add_readings();
            *reading.mutable_read_at() = runtime::to_proto(time_of(place));
            reading.set_value(value);
        }
        auto record = testing::foreign<v1::Readings>("trigger", "bow", {body}, at(10'000'000));
        record.topic = "tocsin.trigger.readings.v1";
        const auto happened = Decider::react(state, record, now);
        if (!happened) return;
        for (const v1::Event& event : happened->events) {
            // As another instance folds it.
            v1::Event folded;
            folded.ParseFromString(event.SerializeAsString());
            Decider::evolve(state, folded, now);
            if (!event.has_rule_crossed()) continue;
            crossings.push_back(event.rule_crossed().crossing().crossing_id());
            decided.push_back(now);
        }
        RC_ASSERT(!Decider::react(state, record, now));
    }

    std::vector<Time> fired() const {
        std::vector<Time> times;
        for (const Fired& each : state.rules.find("high")->fired) times.push_back(each.at);
        return times;
    }
};

std::map<int, double> random_series(int length) {
    std::map<int, double> series;
    double level = 900;
    for (int place = 0; place < length; ++place) {
        level = std::clamp(level + *rc::gen::inRange(-150, 151), 600.0, 1400.0);
        series[place] = level;
    }
    return series;
}

// Every place, in a random order.
std::vector<int> shuffled(int length) {
    std::vector<int> order(static_cast<std::size_t>(length));
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1],
                  order[static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(i)))]);
    return order;
}

// By other code than the service's: from the first reading at or above to the last before the first
// below the threshold less the hysteresis.
std::vector<std::pair<Time, Time>> final_waves(const std::map<int, double>& series,
                                               double hysteresis) {
    std::vector<std::pair<Time, Time>> waves;
    bool high = false;
    for (const auto& [place, value] : series) {
        if (high && value < threshold - hysteresis) high = false;
        if (!high && value >= threshold) {
            high = true;
            waves.emplace_back(Play::time_of(place), Play::time_of(place));
        }
        if (high) waves.back().second = Play::time_of(place);
    }
    return waves;
}

// What was crossed at came to be low, and nothing else was before the wave: it is the same rise.
bool rises_on(const std::map<int, double>& series, double hysteresis, Time crossed, Time begin) {
    return crossed < begin && std::ranges::none_of(
                                  series,
                                  [&](const auto& reading) {
                                      const Time time = Play::time_of(reading.first);
                                      return time > crossed && time < begin &&
                                             reading.second < threshold - hysteresis;
                                  });
}

// Who met all of it sends the time before with each reading; who began since, where the source
// shows but its latest value, has nothing but the ledger.
RC_GTEST_PROP(FinalSeries, WhoBeganSinceCrossesWhereWhoMetAllOfItDoes, ()) {
    Play whole, restarted;
    const double hysteresis = *rc::gen::element(0.0, 100.0, 200.0);
    const int cooldown = *rc::gen::element(0, 60, 40 * 60);
    for (Play* play : {&whole, &restarted}) {
        play->max_age_seconds = 3 * 3600;
        play->begin(hysteresis, 0, cooldown);
    }
    std::map<int, double> known;
    int place = 0;
    for (const auto& [number, value] : random_series(*rc::gen::inRange(1, 40))) {
        place += *rc::gen::element(1, 3, 50, 92, 96, 99, 101, 105, 400);
        known[place] = value;
        whole.now = restarted.now = Play::time_of(place);
        whole.meet(known);
        const bool begins = *rc::gen::arbitrary<bool>();
        restarted.meet(begins ? std::map<int, double>{{place, value}} : known);
        RC_ASSERT(restarted.fired() == whole.fired());
    }
}

RC_GTEST_PROP(FinalSeries, EachOfItsWavesIsCrossedAtOnceHoweverItCameIn, ()) {
    Play play;
    const double hysteresis = *rc::gen::element(0.0, 50.0, 200.0);
    play.begin(hysteresis, 0, 0);
    const int length = *rc::gen::inRange(1, 60);
    play.final = random_series(length);
    const auto order = shuffled(length);
    std::map<int, double> known;
    for (std::size_t next = 0; next < order.size();) {
        const int more = *rc::gen::inRange(1, 8);
        for (int i = 0; i < more && next < order.size(); ++i, ++next)
            known[order[next]] = play.final.at(order[next]);
        play.meet(known);
    }
    const auto fired = play.fired();
    const auto waves = final_waves(play.final, hysteresis);
    RC_ASSERT(fired.size() == waves.size());
    for (std::size_t i = 0; i < waves.size(); ++i)
        RC_ASSERT(fired[i] >= waves[i].first && fired[i] <= waves[i].second);
}

RC_GTEST_PROP(FinalSeries, ItsWavesAreCrossedAtOrKeptByTheCooldownThoughValuesWereCorrected, ()) {
    Play play;
    const int for_minutes = *rc::gen::element(0, 30, 60);
    const int cooldown = *rc::gen::element(0, 60, 240);
    play.begin(50, for_minutes, cooldown);
    const int length = *rc::gen::inRange(1, 50);
    play.final = random_series(length);
    std::map<int, double> known;
    for (const int place : shuffled(length)) {
        // Some are wrong at first.
        const bool wrong = *rc::gen::inRange(0, 5) == 0;
        known[place] = wrong ? *rc::gen::inRange(600, 1400) : play.final.at(place);
        if (*rc::gen::inRange(0, 3) > 0) play.meet(known);
    }
    // At last everything is as it was.
    play.meet(play.final);
    auto ids = play.crossings;
    std::ranges::sort(ids);
    RC_ASSERT(std::ranges::adjacent_find(ids) == ids.end());
    const auto fired = play.fired();
    const auto gap = minutes{cooldown};
    for (std::size_t i = 1; i < fired.size(); ++i) RC_ASSERT(fired[i] - fired[i - 1] >= gap);
    for (const auto& [begin, end] : final_waves(play.final, 50)) {
        // Long enough above the threshold to count, from its beginning on.
        Time met = begin;
        bool counts = for_minutes == 0;
        std::optional<Time> since;
        for (const auto& [place, value] : play.final) {
            const Time time = Play::time_of(place);
            if (time < begin || time > end) continue;
            if (value < threshold) {
                if (!counts) since.reset();
                continue;
            }
            if (!since) since = time;
            if (!counts && time - *since >= minutes{for_minutes}) {
                counts = true;
                met = time;
            }
        }
        if (!counts) continue;
        const bool told = std::ranges::any_of(fired, [&](Time time) {
            return (time >= begin && time <= end) || (time < met + gap && met < time + gap) ||
                   rises_on(play.final, 50, time, begin);
        });
        RC_ASSERT(told);
    }
}

// As pollers send it: so much of the time before as the rule needs, and after a restart the whole
// file again. Whoever sees all of it each time decides the same.
RC_GTEST_PROP(FinalSeries, TheWindowMakesNoDifference, ()) {
    Play windows, whole;
    const double hysteresis = *rc::gen::element(0.0, 100.0, 200.0);
    const int for_minutes = *rc::gen::element(0, 30, 60, 240);
    const int cooldown = *rc::gen::element(0, 60, 600, 24 * 60);
    const int max_age_hours = *rc::gen::inRange(1, 5);
    for (Play* play : {&windows, &whole}) {
        play->max_age_seconds = 3600.0 * max_age_hours;
        play->begin(hysteresis, for_minutes, cooldown);
    }
    std::map<int, double> shown;
    std::vector<Reading> known;
    int place = 0;
    double level = 900;
    for (int i = *rc::gen::inRange(1, 150); i > 0; --i) {
        // Now and then nothing comes, up to longer than any wave lasts.
        place += *rc::gen::weightedElement<int>({{30, 1}, {3, 3}, {1, 5}, {1, 20}, {1, 120}});
        level = std::clamp(level + *rc::gen::inRange(-150, 151), 600.0, 1400.0);
        shown[place] = level;
        const Time newest = Play::time_of(place);
        windows.now = whole.now = newest;
        whole.meet(shown);
        const std::vector<Reading> news{{newest, level}};
        known = merged(known, news, newest - window_needed(windows.rule));
        if (*rc::gen::inRange(0, 20) == 0) {  // A restart.
            windows.meet(shown);
            continue;
        }
        std::map<int, double> window;
        for (const Reading& reading : known)
            window[static_cast<int>((reading.read_at - at(0)) / minutes{step_minutes})] =
                reading.value;
        windows.meet(window);
    }
    RC_LOG() << windows.rule.ShortDebugString() << '\n';
    for (const auto& [at_place, value] : shown) RC_LOG() << at_place << ": " << value << '\n';
    RC_ASSERT(windows.crossings == whole.crossings);
}

RC_GTEST_PROP(FinalSeries, NothingIsCrossedAtThatIsTooOld, ()) {
    Play play;
    const int max_age = *rc::gen::inRange(1, 20) * 3600;
    play.max_age_seconds = max_age;
    play.begin(0, 0, 0);
    const int length = *rc::gen::inRange(1, 100);
    play.final = random_series(length);
    std::map<int, double> known;
    for (const int place : shuffled(length)) {
        known[place] = play.final.at(place);
        play.now = Play::time_of(*rc::gen::inRange(0, length + 50));
        const auto before = play.fired();
        play.meet(known);
        for (const Time fired : play.fired())
            if (!std::ranges::binary_search(before, fired))
                RC_ASSERT(fired >= play.now - std::chrono::seconds{max_age});
    }
}

}  // namespace
}  // namespace tocsin::trigger
