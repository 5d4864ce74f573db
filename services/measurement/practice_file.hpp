// How the exercise world tells the live one what people practised: a file, since the worlds share
// no topic and no service. A measurement of the exercise writes it
// (measurement-practice-file), one of the live world reads it (measurement-exercise-practice-file).
#pragma once

#include "measurement/practice.hpp"

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>

namespace tocsin::measurement {

// Of one world, by realm.
struct PracticeElsewhere {
    std::int64_t written_at = 0;  // unix seconds; 0: nothing is known
    std::map<std::string, PractisedActs> realms;
};

// {"world": "exercise", "written_at": unix seconds, "realms": {...}}.
std::string practice_json(const PracticeElsewhere& practice);
// Why it is no such file.
std::expected<PracticeElsewhere, std::string> practice_of(std::string_view json);

}  // namespace tocsin::measurement
