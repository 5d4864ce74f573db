#include "drafting/published_alerts.hpp"

#include "content/cap.hpp"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

namespace tocsin::drafting {

std::vector<content::Finding> unknown_references(
    const PublishedAlerts& alerts, const std::vector<content::v1::Reference>& references) {
    std::vector<content::Finding> result;
    for (std::size_t i = 0; i < references.size(); ++i) {
        const std::string wanted = content::cap_reference(references[i]);
        if (alerts.contains(wanted)) continue;
        result.push_back(
            {content::Finding::Level::warning, "reference_not_published",
             fmt::format("references[{}]", i),
             fmt::format("This realm published no alert {}. Start the message anew with sender, "
                         "identifier and sent as they were published, or acknowledge this if "
                         "another system published it.",
                         wanted)});
    }
    return result;
}

// ---- reactions to publishing

bool concerns_alerts(const runtime::Foreign& foreign) {
    return runtime::has_any<publishing::v1::Event>(foreign,
                                                   {publishing::v1::Event::kDeliveriesClaimed});
}

void follow_publishing(const PublishedAlerts& alerts, const runtime::Foreign& foreign,
                       Happened& happened) {
    foreign.each<publishing::v1::Event>([&](const publishing::v1::Event& event) {
        v1::Event published = event_of({});
        for (const auto& alert : event.deliveries_claimed().alerts())
            if (!alerts.contains(content::cap_reference(alert)))
                *published.mutable_alerts_published()->add_alerts() = alert;
        if (!published.has_alerts_published()) return;
        happened.subject = event.release_id();
        happened.etag.clear();
        happened.events.push_back(std::move(published));
    });
}

// ---- events

void evolve(PublishedAlerts& alerts, const v1::AlertsPublished& published) {
    for (const auto& alert : published.alerts()) alerts.insert(content::cap_reference(alert));
}

}  // namespace tocsin::drafting
