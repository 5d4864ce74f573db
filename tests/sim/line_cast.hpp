// The people of the line and what they start from.
#pragma once

#include "content/content.hpp"
#include "runtime/base/time.hpp"
#include "tocsin/approval/v1/approval_service.pb.h"

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::sim {

struct Person {
    std::string subject, agency;
    std::vector<std::string> roles;
};

// With what the token of each says; for the last ones the roster says otherwise.
const std::vector<Person>& people();
const Person& named(std::string_view subject);
// With a change that somebody made to it: 0 none, 1 and 2 one each, 3 both.
inline constexpr int roster_changes = 4;
approval::v1::Roster roster(int change = 0);
// A draft without any finding for the next hours.
content::Draft draft_of(int number, runtime::Time now, bool both_agencies);
// The one that is opened first.
std::string first_incident();

}  // namespace tocsin::sim
