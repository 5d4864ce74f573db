// Alerts that this realm published, to which its messages may refer. Pure.
#pragma once

#include "content/content.hpp"
#include "content/finding.hpp"
#include "drafting/event.hpp"

#include <set>
#include <string>
#include <vector>

namespace tocsin::drafting {

using PublishedAlerts = std::set<std::string>;  // each as an entry of CAP `references`

// A warning for each reference to anything else. Receivers look up what an alert refers to, and
// show one that refers to nothing as first information. It may be the alert of another system,
// which is not known here.
std::vector<content::Finding> unknown_references(
    const PublishedAlerts& alerts, const std::vector<content::v1::Reference>& references);

// ---- reactions to publishing

bool concerns_alerts(const runtime::Foreign& foreign);
void follow_publishing(const PublishedAlerts& alerts, const runtime::Foreign& foreign,
                       Happened& happened);

// ---- events

void evolve(PublishedAlerts& alerts, const v1::AlertsPublished& published);

}  // namespace tocsin::drafting
