#include "approval/view.hpp"

namespace tocsin::approval {

void Realm::apply(const runtime::Counted& counted) {
    if (counted.service == "trigger")
        counted.each<trigger::v1::Event>([&](const auto& event) { reviews_.apply(event); });
    if (counted.service != "approval") return;
    counted.each<v1::Event>([&](const v1::Event& event) {
        apply(event);
        reviews_.apply(event, counted.decided_at);
    });
    reviews_.drop_old_contents(counted.decided_at);
}

void Realm::apply(const v1::Event& event) {
    if (event.has_roster_imported())
        roster_ = std::make_shared<const v1::Roster>(event.roster_imported().roster());
    if (event.has_policy_set()) {
        const v1::Policy& policy = event.policy_set().policy();
        policies_.set({policy.agency_id(), policy.severity()}, policy);
    }
}

const v1::Roster& Realm::roster() const {
    return roster_ ? *roster_ : v1::Roster::default_instance();
}

}  // namespace tocsin::approval
