#include "drafting/published_alerts.hpp"

#include "content/cap.hpp"
#include "texts/contains.hpp"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tocsin::drafting {

// As in CreateMessageRequest.
static constexpr std::size_t references_max = 20;

// Null: there is none.
static const PublishedAlerts::Release* release_of(const PublishedAlerts& alerts,
                                                  const content::v1::Reference& reference) {
    const auto id = alerts.release_of.find(content::cap_reference(reference));
    return id == alerts.release_of.end() ? nullptr : &alerts.releases.at(id->second);
}

// Each once, in the order in which they are referred to first.
static std::vector<const PublishedAlerts::Release*> releases_of(const PublishedAlerts& alerts,
                                                                const References& references) {
    std::vector<const PublishedAlerts::Release*> all;
    for (const auto& reference : references)
        if (const auto* release = release_of(alerts, reference);
            release && std::ranges::find(all, release) == all.end())
            all.push_back(release);
    return all;
}

static void add(const PublishedAlerts::Release& release, References& references) {
    for (const auto& [agency, alert] : release.alerts) references.push_back(alert);
}

References alerts_of(const PublishedAlerts& alerts, const std::string& message_id, Time now) {
    References all;
    for (const auto& [id, release] : alerts.releases)
        if (release.message_id == message_id && release.in_force(now)) add(release, all);
    return all;
}

References completed(const PublishedAlerts& alerts, const References& references) {
    References all;
    for (const auto* release : releases_of(alerts, references)) add(*release, all);
    return all;
}

std::vector<content::Finding> reference_findings(const PublishedAlerts& alerts,
                                                 const References& references,
                                                 const content::v1::Draft& draft, Time now) {
    using enum content::Finding::Level;
    std::vector<content::Finding> found;
    for (std::size_t i = 0; i < references.size(); ++i) {
        const auto* release = release_of(alerts, references[i]);
        if (release && release->in_force(now)) continue;
        found.push_back(
            {error, "reference_not_in_force", fmt::format("references[{}]", i),
             fmt::format("No alert `{}` of this realm is in force: it was never published, has "
                         "expired, or was retracted, updated or cancelled. Start the message anew, "
                         "and name what is in force.",
                         content::cap_reference(references[i]))});
    }
    std::size_t number = 0;
    for (const auto* release : releases_of(alerts, references)) {
        number += release->alerts.size();
        for (const auto& [agency, alert] : release->alerts)
            if (!texts::contains(draft.agencies(), agency))
                found.push_back(
                    {error, "agency_missing", "agencies",
                     fmt::format("Message `{}` is public as an alert of `{}` too, which "
                                 "would stay: add that agency.",
                                 release->message_id, agency)});
    }
    if (number > references_max)
        found.push_back({error, "too_many_references", "references",
                         fmt::format("It refers to {} alerts, and at most {} fit: write one "
                                     "message for some of them, and one for the others.",
                                     number, references_max)});
    return found;
}

// ---- reactions to publishing

bool concerns_alerts(const runtime::Foreign& foreign) {
    using publishing::v1::Event;
    return foreign.service == "publishing" &&
           runtime::has_any<Event>(foreign, {Event::kDeliveriesClaimed, Event::kReleaseSuperseded,
                                             Event::kRetractionArmed, Event::kReleaseCompleted,
                                             Event::kReleaseCancelled, Event::kReleaseEnded});
}

static v1::Event published(const PublishedAlerts& alerts, const std::string& release_id,
                           const publishing::v1::DeliveriesClaimed& claimed) {
    v1::Event event = event_of({});
    v1::AlertsPublished& body = *event.mutable_alerts_published();
    for (const auto& alert : claimed.alerts())
        if (!alerts.release_of.contains(content::cap_reference(alert.reference())))
            *body.add_alerts() = alert;
    body.set_release_id(release_id);
    body.set_message_id(claimed.message_id());
    *body.mutable_expires() = claimed.expires();
    return event;
}

// What `event` says of them; unchanged where it says nothing. One that was retracted on some
// channels only is what an update may still correct, and so is one that was not retracted after
// all.
static v1::AlertsChanged changed_by(const publishing::v1::Event& event,
                                    const PublishedAlerts::Release& known) {
    v1::AlertsChanged changed;
    changed.set_release_id(event.release_id());
    changed.set_superseded(known.superseded);
    changed.set_ended(known.ended);
    if (event.has_release_superseded())
        changed.set_superseded(!event.release_superseded().by().empty());
    if (event.has_release_cancelled() || event.has_release_ended() ||
        !event.retraction_armed().deliveries().empty())
        changed.set_ended(true);
    if (event.has_release_completed())
        changed.set_ended(event.release_completed().state() ==
                          publishing::v1::RELEASE_STATE_RETRACTED);
    return changed;
}

static void add_event(const std::string& release_id, v1::Event event, Happened& happened) {
    happened.subject = release_id;
    happened.etag.clear();
    happened.events.push_back(std::move(event));
}

void follow_publishing(const PublishedAlerts& alerts, const runtime::Foreign& foreign,
                       Happened& happened) {
    if (foreign.service != "publishing") return;
    // One decision may say several things of one release.
    std::map<std::string, PublishedAlerts::Release> after;
    foreign.each<publishing::v1::Event>([&](const publishing::v1::Event& event) {
        const std::string& id = event.release_id();
        if (!event.deliveries_claimed().alerts().empty()) {
            v1::Event news = published(alerts, id, event.deliveries_claimed());
            if (!news.alerts_published().alerts().empty()) add_event(id, std::move(news), happened);
        }
        const auto known = alerts.releases.find(id);
        if (known == alerts.releases.end()) return;
        PublishedAlerts::Release& now = after.emplace(id, known->second).first->second;
        const v1::AlertsChanged changed = changed_by(event, now);
        if (changed.superseded() == now.superseded && changed.ended() == now.ended) return;
        now.superseded = changed.superseded();
        now.ended = changed.ended();
        v1::Event told = event_of({});
        *told.mutable_alerts_changed() = changed;
        add_event(id, std::move(told), happened);
    });
}

// ---- events

void evolve(PublishedAlerts& alerts, const v1::AlertsPublished& published, Time decided_at) {
    std::erase_if(alerts.releases, [&](const auto& entry) {
        const PublishedAlerts::Release& old = entry.second;
        if (decided_at < old.expires) return false;
        for (const auto& [agency, alert] : old.alerts)
            alerts.release_of.erase(content::cap_reference(alert));
        return true;
    });
    PublishedAlerts::Release& release = alerts.releases[published.release_id()];
    release.message_id = published.message_id();
    release.expires = runtime::from_proto(published.expires());
    for (const auto& alert : published.alerts()) {
        release.alerts[alert.agency_id()] = alert.reference();
        alerts.release_of[content::cap_reference(alert.reference())] = published.release_id();
    }
}

void evolve(PublishedAlerts& alerts, const v1::AlertsChanged& changed) {
    const auto release = alerts.releases.find(changed.release_id());
    if (release == alerts.releases.end()) return;
    release->second.superseded = changed.superseded();
    release->second.ended = changed.ended();
}

}  // namespace tocsin::drafting
