// What a benchmark measured, and how it is told.
#pragma once

#include <string>
#include <vector>

namespace tocsin::bench {

struct Figure {
    std::string name;
    double value = 0;
    std::string unit;
    std::string against;   // what the reference is
    double reference = 0;  // in the same unit, measured in the same run
    double ratio = 0;      // how many times worse than the reference; below 1 is better
    double aim = 0;        // of the ratio; 0: none
};

// Of something that is better when it is less, such as a time.
Figure less_is_better(std::string name, double value, double reference, std::string unit,
                      std::string against, double aim);
// Of a rate.
Figure more_is_better(std::string name, double value, double reference, std::string unit,
                      std::string against, double aim);

double median(std::vector<double> values);
// Nearest rank; `share` from 0 to 1. The values must not be empty.
double percentile(std::vector<double> values, double share);

// For people, with the aims.
std::string table(const std::vector<Figure>& figures);
// [{"name","value","unit","against","reference","ratio","aim"}]; `aim` is null where there is none.
std::string json(const std::vector<Figure>& figures);

}  // namespace tocsin::bench
