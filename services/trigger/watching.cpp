#include "trigger/watching.hpp"

namespace tocsin::trigger {

static std::pair<std::string, std::string> series_of(const v1::Rule& rule) {
    return {rule.source_id(), rule.series()};
}

void watch(Watching& watching, const v1::Rule& rule) {
    watching.edit(series_of(rule)).insert(rule.rule_id());
}

void unwatch(Watching& watching, const v1::Rule& rule) {
    const auto series = series_of(rule);
    if (!watching.contains(series)) return;
    std::set<std::string>& rules = watching.edit(series);
    rules.erase(rule.rule_id());
    if (rules.empty()) watching.erase(series);
}

std::string reader_of(const Watching& watching, const std::string& source_id) {
    std::string reader;
    each_series_read(watching, source_id, [&](const std::string&, const auto& rules) {
        reader = *rules.begin();
        return false;
    });
    return reader;
}

}  // namespace tocsin::trigger
