#include "bench/figure.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace tocsin::bench {

Figure less_is_better(std::string name, double value, double reference, std::string unit,
                      std::string against, double aim) {
    return {std::move(name),   value, std::move(unit), std::move(against), reference,
            value / reference, aim};
}

Figure more_is_better(std::string name, double value, double reference, std::string unit,
                      std::string against, double aim) {
    return {std::move(name),   value, std::move(unit), std::move(against), reference,
            reference / value, aim};
}

double percentile(std::vector<double> values, double share) {
    const auto rank = static_cast<std::size_t>(
        std::max(std::ceil(share * static_cast<double>(values.size())), 1.0));
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

double median(std::vector<double> values) { return percentile(std::move(values), 0.5); }

std::string table(const std::vector<Figure>& figures) {
    std::string text = fmt::format("{:<20} {:>12} {:>12} {:>8} {:>5}  {}\n", "name", "value",
                                   "reference", "ratio", "aim", "against");
    for (const Figure& figure : figures)
        text += fmt::format("{:<20} {:>12} {:>12} {:>8.2f} {:>5}  {}\n", figure.name,
                            fmt::format("{:.4g} {}", figure.value, figure.unit),
                            fmt::format("{:.4g} {}", figure.reference, figure.unit), figure.ratio,
                            figure.aim > 0 ? fmt::format("{:g}", figure.aim) : "", figure.against);
    return text;
}

std::string json(const std::vector<Figure>& figures) {
    auto list = nlohmann::ordered_json::array();
    for (const Figure& figure : figures)
        list.push_back({{"name", figure.name},
                        {"value", figure.value},
                        {"unit", figure.unit},
                        {"against", figure.against},
                        {"reference", figure.reference},
                        {"ratio", figure.ratio},
                        {"aim", figure.aim > 0 ? nlohmann::ordered_json(figure.aim)
                                               : nlohmann::ordered_json(nullptr)}});
    return list.dump(2) + "\n";
}

}  // namespace tocsin::bench
