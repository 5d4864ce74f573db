// What each person of a realm did with messages, how fast and when last: by the milestones that
// people reach.
#pragma once

#include "measurement/card.hpp"
#include "runtime/base/shared_map.hpp"
#include "tocsin/measurement/v1/practice.pb.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::measurement {

// One kind of act of one person, in one world.
struct Practised {
    std::int64_t count = 0;
    Time last{};
    double median = -1;  // of the latest times that it took, in seconds; -1: none is known
};

// By subject and act, as one world tells another.
using PractisedActs = std::map<std::pair<std::string, v1::Act>, Practised>;

// One realm. A value whose copy costs O(1).
class Practice {
public:
    // A milestone of a message whose card has it already.
    void reached(const Card& card, const v1::MilestoneReached& reached);

    // Nothing where the person never did it.
    std::optional<Practised> of(const std::string& subject, v1::Act act) const;
    PractisedActs all() const;

private:
    // The medians are of so many.
    static constexpr std::size_t times_kept = 20;
    struct Kept {
        std::int64_t count = 0;
        Time last{};
        std::vector<double> times;  // seconds, oldest first
    };
    static Practised shown(const Kept& kept);

    void did(const std::string& subject, v1::Act act, Time at, std::optional<Time> since);

    runtime::SharedMap<std::pair<std::string, v1::Act>, Kept> kept_;
};

// Whether doing that keeps a person in practice as one of that role.
bool practises(std::string_view role, v1::Act act);
// Whether a role needs practice at all.
bool needs_practice(std::string_view role);

}  // namespace tocsin::measurement
