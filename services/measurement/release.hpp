// Releases: where their deliveries stand, as far as milestones may still come of them.
#pragma once

#include "measurement/event.hpp"
#include "tocsin/publishing/v1/delivery.pb.h"

#include <map>
#include <optional>
#include <string>

namespace tocsin::measurement {

namespace published = publishing::v1;

// A delivery by the latest event of publishing on it.
struct KeptDelivery {
    std::string agency, channel, kind;
    published::Purpose purpose = published::PURPOSE_UNSPECIFIED;
    published::DeliveryState state = published::DELIVERY_STATE_UNSPECIFIED;
    std::optional<Time> confirmed_at;
};

struct KeptRelease {
    std::string message_id;  // Empty: its plan is not known.
    // Once a purpose is over, those of it that are final are not kept, unless they were refused:
    // nothing more comes of them.
    std::map<std::string, KeptDelivery> deliveries;
    std::map<published::Purpose, Time> fired_at;  // The earliest of each purpose.
    bool skew_measured = false;                   // Once only, when the release is complete.
};

struct Releases {
    std::map<std::string, KeptRelease> by_id;
};

// Whether a delivery stays in this state; one that stood down may still be armed again.
bool is_final(published::DeliveryState state);
// The kind of milestone that it is to come to this state; unspecified where it is none.
v1::MilestoneKind milestone_kind(published::DeliveryState state);
// The state of a delivery after a milestone of this kind; unspecified where it says nothing of
// that.
published::DeliveryState state_by(v1::MilestoneKind milestone_kind);

// ---- events

void evolve(Releases& releases, const v1::Event& event);

}  // namespace tocsin::measurement
