#include "publishing/view.hpp"

#include <utility>

namespace tocsin::publishing {

void Realm::apply(const runtime::Counted& counted) {
    if (counted.service != "publishing" || !counted.decision.has_accepted()) return;
    // A command that this service sends to itself carries no trace of its own.
    const std::string& trace = counted.decision.cause().traceparent();
    bool of_releases = false;
    releases_.begin_decision();
    counted.each<v1::Event>([&](const v1::Event& event) {
        apply(event, counted.decided_at, trace);
        of_releases = of_releases || !event.release_id().empty();
    });
    decided_at_ = counted.decided_at;
    alerts_.unlist_expired(counted.decided_at);
    // With the same decisions as the decider: until then it may still decide on them.
    if (of_releases)
        releases_.drop_faded(counted.decided_at,
                             [this](const Release& release) { alerts_.drop(release); });
}

void Realm::apply(const v1::Event& event, Time decided_at, const std::string& trace) {
    if (is_of_hold(event)) return apply_hold(event, decided_at);
    if (event.release_id().empty()) return apply_channel(event, decided_at);
    const auto channel = [this](const std::string& id) {
        const NumberedChannel* known = channels_.find(id);
        return known ? known->shared : nullptr;
    };
    const Release* release = releases_.apply(event, channel, decided_at, trace);
    if (release && event.has_deliveries_claimed()) {
        alerts_.claimed(*release, event, decided_at);
        evolve(budgets_, *release, event, decided_at);
    }
    if (release && event.has_release_superseded())
        alerts_.supersede(*release, releases_.release(event.release_superseded().by()), decided_at);
}

void Realm::apply_hold(const v1::Event& event, Time decided_at) {
    Holds after = *holds_;
    evolve(after, event, decided_at);
    holds_ = std::make_shared<const Holds>(std::move(after));
}

void Realm::apply_channel(const v1::Event& event, Time decided_at) {
    const std::string& id = channel_of(event);
    if (event.has_channel_put()) alerts_.apply(event.channel_put(), decided_at);
    if (event.has_channel_put() || channels_.contains(id)) evolve(channels_.edit(id), event);
}

}  // namespace tocsin::publishing
