#include "measurement/practice_file.hpp"

#include "texts/enum_names.hpp"

#include <nlohmann/json.hpp>

namespace tocsin::measurement {

using nlohmann::json;

std::string practice_json(const PracticeElsewhere& practice) {
    json realms = json::object();
    for (const auto& [realm, acts] : practice.realms) {
        json& rows = realms[realm] = json::array();
        for (const auto& [key, practised] : acts)
            rows.push_back({{"subject", key.first},
                            {"act", texts::enum_name(key.second)},
                            {"count", practised.count},
                            {"last", std::chrono::floor<std::chrono::seconds>(
                                         practised.last.time_since_epoch())
                                         .count()},
                            {"median", practised.median}});
    }
    const json whole = {
        {"world", "exercise"}, {"written_at", practice.written_at}, {"realms", std::move(realms)}};
    return whole.dump(1) + "\n";
}

std::expected<PracticeElsewhere, std::string> practice_of(std::string_view text) {
    const json whole = json::parse(text, nullptr, false);
    PracticeElsewhere practice;
    try {
        if (whole.at("world") != "exercise") return std::unexpected("it is not of the exercise");
        practice.written_at = whole.at("written_at").get<std::int64_t>();
        for (const auto& [realm, rows] : whole.at("realms").items())
            for (const json& row : rows) {
                const auto name = row.at("act").get<std::string>();
                const auto count = row.at("count").get<std::int64_t>();
                const auto last = std::chrono::seconds{row.at("last").get<std::int64_t>()};
                const auto median = row.at("median").get<double>();
                for (const v1::Act act : texts::enum_values<v1::Act>())
                    if (texts::enum_name(act) == name)
                        practice.realms[realm][{row.at("subject").get<std::string>(), act}] = {
                            count, Time{last}, median};
            }
    } catch (const json::exception&) {
        return std::unexpected("it is no list of what people practised");
    }
    return practice;
}

}  // namespace tocsin::measurement
