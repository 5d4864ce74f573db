// The benchmarks, one function each; main.cpp has the table of their names.
#pragma once

#include "bench/figure.hpp"
#include "bench/stage.hpp"

#include <vector>

namespace tocsin::bench {

// Rounds in which the measured thing and its reference take turns; figures are medians over them.
inline constexpr int rounds = 7;

std::vector<Figure> command_latency(Stage& stage);
std::vector<Figure> command_first(Stage& stage);
std::vector<Figure> command_rate(Stage& stage);
std::vector<Figure> command_restate(Stage& stage);
std::vector<Figure> correct(Stage& stage);
std::vector<Figure> deliveries(Stage& stage);
std::vector<Figure> edge_hostile(Stage& stage);
std::vector<Figure> readings_rate(Stage& stage);
std::vector<Figure> feed_nginx(Stage& stage);
std::vector<Figure> fire(Stage& stage);
std::vector<Figure> fire_alertmanager(Stage& stage);
std::vector<Figure> fire_apprise(Stage& stage);
std::vector<Figure> fold_beside(Stage& stage);
std::vector<Figure> lane(Stage& stage);
std::vector<Figure> memory(Stage& stage);
std::vector<Figure> reads_beside(Stage& stage);
std::vector<Figure> release_beside(Stage& stage);
std::vector<Figure> replay(Stage& stage);
std::vector<Figure> takeover(Stage& stage);
std::vector<Figure> line(Stage& stage);

}  // namespace tocsin::bench
