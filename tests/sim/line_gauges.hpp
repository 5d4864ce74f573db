// Rivers whose gauges deliver late, twice, out of order, with gaps, corrections and backfills, and
// two pollers that bring what the files say, as services/trigger/source_stream.hpp does it: as much
// of the time before as the rules need, and all of it at first.
#pragma once

#include "sim/line_waves.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <array>
#include <map>
#include <string>
#include <vector>

namespace tocsin::sim {

class LineWorld;

inline const std::string line_source = "bow";
inline const std::array<std::string, 2> line_series = {"05BH004:discharge", "05BH004:level"};

class LineGauges {
public:
    explicit LineGauges(LineWorld& world) : world_(world) {}

    // Time passes at the gauges, and somebody polls one.
    void act();
    // Whoever polls next has just started: it brings all that there is.
    void finish();

private:
    // What a river does for a while.
    enum class Mood { low, rises, dances, high, falls, silent };
    using File = std::map<Time, double>;
    struct Gauge {
        std::string series;
        File file;  // as the provider publishes it
        File late;  // measured, and not published yet
        double level = 700;
        Mood mood = Mood::low;
        Time mood_until, measured_at;
        File earlier;  // as it was some time ago
    };
    struct Poller {
        std::map<std::string, File> known;            // by series
        std::map<std::string, std::int64_t> sent_of;  // the rules as they were when all was sent
    };

    void begin(Gauge& gauge);
    void flow(Gauge& gauge);
    void measure(Gauge& gauge, Time at);
    void publish(Gauge& gauge);
    void correct(Gauge& gauge);
    void poll(const Gauge& gauge, Poller& poller, File file);
    void put(const trigger::v1::Readings& readings);
    trigger::v1::Readings record_of(const std::string& series, const File& file);
    double dance(double about, int by);

    LineWorld& world_;
    std::array<Gauge, 2> gauges_{Gauge{line_series[0], {}, {}, 700, Mood::low, {}, {}, {}},
                                 Gauge{line_series[1], {}, {}, 700, Mood::low, {}, {}, {}}};
    std::array<Poller, 2> pollers_;
    std::vector<trigger::v1::Readings> sent_;
};

}  // namespace tocsin::sim
