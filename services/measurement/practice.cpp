#include "measurement/practice.hpp"

#include "texts/enum_names.hpp"

#include <algorithm>

namespace tocsin::measurement {

void Practice::reached(const Card& card, const v1::MilestoneReached& reached) {
    const v1::Milestone& point = reached.milestone();
    // A service is in practice without a rule's help.
    if (point.person().empty() || point.person().starts_with("service:")) return;
    const Time at = runtime::from_proto(point.at());
    const auto since = [&](v1::MilestoneKind kind) { return card.first(kind); };
    switch (point.kind()) {
        case v1::MILESTONE_KIND_SUBMITTED:
            did(point.person(), v1::ACT_SUBMITTED, at, since(v1::MILESTONE_KIND_DRAFTED));
            if (reached.corrects())
                did(point.person(), v1::ACT_CORRECTED, at, since(v1::MILESTONE_KIND_DRAFTED));
            return;
        case v1::MILESTONE_KIND_APPROVED:
            return did(point.person(), v1::ACT_APPROVED, at, since(v1::MILESTONE_KIND_SUBMITTED));
        case v1::MILESTONE_KIND_CLEARED:
            return did(point.person(), v1::ACT_RELEASED, at, since(v1::MILESTONE_KIND_SUBMITTED));
        case v1::MILESTONE_KIND_STOPPED:
            return did(point.person(), v1::ACT_CORRECTED, at, since(v1::MILESTONE_KIND_CLEARED));
        case v1::MILESTONE_KIND_RETRACTION_ORDERED:
            return did(point.person(), v1::ACT_CORRECTED, at, card.public_since());
        case v1::MILESTONE_KIND_CROSSED:
        case v1::MILESTONE_KIND_DRAFTED:
        case v1::MILESTONE_KIND_ARMED:
        case v1::MILESTONE_KIND_FIRED:
        case v1::MILESTONE_KIND_CONFIRMED:
        case v1::MILESTONE_KIND_REFUSED:
        case v1::MILESTONE_KIND_UNKNOWN:
        case v1::MILESTONE_KIND_CORRECTED:
        case v1::MILESTONE_KIND_REMARK:
        case v1::MILESTONE_KIND_UNSPECIFIED:
        case v1::MilestoneKind_INT_MIN_SENTINEL_DO_NOT_USE_:
        case v1::MilestoneKind_INT_MAX_SENTINEL_DO_NOT_USE_:
            return;  // No act of a person.
    }
}

void Practice::did(const std::string& subject, v1::Act act, Time at, std::optional<Time> since) {
    Kept& kept = kept_.edit({subject, act});
    ++kept.count;
    kept.last = std::max(kept.last, at);
    if (!since) return;
    if (kept.times.size() == times_kept) kept.times.erase(kept.times.begin());
    // Clocks of different machines can differ by more than what lies between.
    kept.times.push_back(std::max(0.0, static_cast<double>((at - *since).count()) / 1e6));
}

Practised Practice::shown(const Kept& kept) {
    Practised practised{kept.count, kept.last, -1};
    std::vector<double> times = kept.times;
    if (times.empty()) return practised;
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::ranges::nth_element(times, middle);
    practised.median = *middle;
    return practised;
}

std::optional<Practised> Practice::of(const std::string& subject, v1::Act act) const {
    const Kept* kept = kept_.find({subject, act});
    if (!kept) return std::nullopt;
    return shown(*kept);
}

PractisedActs Practice::all() const {
    PractisedActs acts;
    kept_.ascend(nullptr, [&](const auto& key, const Kept& kept) {
        acts.emplace(key, shown(kept));
        return true;
    });
    return acts;
}

bool practises(std::string_view role, v1::Act act) {
    if (role == "author") return act == v1::ACT_SUBMITTED;
    if (role == "approver")
        return act == v1::ACT_APPROVED || act == v1::ACT_RELEASED || act == v1::ACT_CORRECTED;
    return role == "duty-officer";
}

bool needs_practice(std::string_view role) {
    return std::ranges::any_of(texts::enum_values<v1::Act>(),
                               [&](v1::Act act) { return practises(role, act); });
}

}  // namespace tocsin::measurement
