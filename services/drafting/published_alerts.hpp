// Alerts that this realm published and that are in force: messages may update and cancel them.
// Pure.
#pragma once

#include "content/content.hpp"
#include "content/finding.hpp"
#include "drafting/event.hpp"

#include <map>
#include <string>
#include <vector>

namespace tocsin::drafting {

using References = std::vector<content::v1::Reference>;

struct PublishedAlerts {
    struct Release {
        std::string message_id;
        Time expires;
        std::map<std::string, content::v1::Reference> alerts;  // by agency
        bool superseded = false;                               // by an update or a cancel
        bool ended = false;  // retracted, or nobody is known to have it
        bool in_force(Time now) const { return !superseded && !ended && now < expires; }
    };
    // By id. What has expired goes with the next that is published.
    std::map<std::string, Release> releases;
    // Of `releases`, by the entry of CAP `references`.
    std::map<std::string, std::string> release_of;
};

// The alerts of that message, one for each agency; none: it has none in force at `now`.
References alerts_of(const PublishedAlerts& alerts, const std::string& message_id, Time now);

// Of each message that `references` name an alert of, the alerts of all agencies.
References completed(const PublishedAlerts& alerts, const References& references);

// An error for each reference to what is not in force, and for each agency that has a part in what
// the message refers to, and none in the message: its alert would stay.
std::vector<content::Finding> reference_findings(const PublishedAlerts& alerts,
                                                 const References& references,
                                                 const content::v1::Draft& draft, Time now);

// ---- reactions to publishing

bool concerns_alerts(const runtime::Foreign& foreign);
void follow_publishing(const PublishedAlerts& alerts, const runtime::Foreign& foreign,
                       Happened& happened);

// ---- events

void evolve(PublishedAlerts& alerts, const v1::AlertsPublished& published, Time decided_at);
void evolve(PublishedAlerts& alerts, const v1::AlertsChanged& changed);

}  // namespace tocsin::drafting
