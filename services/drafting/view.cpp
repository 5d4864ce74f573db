#include "drafting/view.hpp"

#include <ranges>

namespace tocsin::drafting {

template <class Event, class Apply>
static void each_event(const runtime::Counted& counted, Apply apply) {
    for (const std::string& bytes : counted.decision.accepted().events()) {
        Event event;
        // The decider has already answered for what this version cannot read.
        if (event.ParseFromString(bytes)) apply(event);
    }
}

void Realm::apply(const runtime::Counted& counted) {
    changed_.clear();
    impossible_moves_now_ = 0;
    const Time at = counted.decided_at;
    if (counted.service == "drafting")
        each_event<v1::Event>(counted, [&](auto& event) { apply_drafting(event, at); });
    if (counted.service == "approval")
        each_event<approval::v1::Event>(counted,
                                        [&](const auto& event) { apply_approval(event, at); });
    if (counted.service == "publishing")
        each_event<publishing::v1::Event>(counted,
                                          [&](const auto& event) { apply_publishing(event, at); });
}

void Realm::moved(const std::string& message_id, bool possible) {
    if (!possible) {
        ++impossible_moves_;
        ++impossible_moves_now_;
    } else if (messages_[message_id].known()) {
        changed_.insert(message_id);
    }
}

static std::string message_of(const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kMessageCreated:
            return event.message_created().message_id();
        case v1::Event::kMessageRevised:
            return event.message_revised().message_id();
        case v1::Event::kMessageSubmitted:
            return event.message_submitted().message_id();
        case v1::Event::kMessageWithdrawn:
            return event.message_withdrawn().message_id();
        case v1::Event::kMessageReturned:
            return event.message_returned().message_id();
        case v1::Event::kMessageClosed:
            return event.message_closed().message_id();
        case v1::Event::kIncidentOpened:
        case v1::Event::kTemplateStored:
        case v1::Event::kCrossingRefused:
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return {};
}

void Realm::add_incident(v1::Incident& opened) {
    v1::Incident& incident = incidents_[opened.incident_id()];
    if (incident.incident_id().empty()) incident_order_.push_back(&incident);
    incident.Swap(&opened);
}

void Realm::apply_drafting(v1::Event& event, Time at) {
    if (event.has_incident_opened())
        return add_incident(*event.mutable_incident_opened()->mutable_incident());
    if (event.has_template_stored()) {
        const v1::Template& stored = event.template_stored().template_();
        templates_[stored.template_id()] = stored;
    }
    const std::string id = message_of(event);
    if (id.empty()) return;
    if (event.has_message_created()) message_order_.push_back(id);
    moved(id, messages_[id].apply(id, event, at));
}

static std::string message_of(const approval::v1::Event& event) {
    switch (event.body_case()) {
        case approval::v1::Event::kReviewOpened:
            return event.review_opened().review().message_id();
        case approval::v1::Event::kCleared:
            return event.cleared().message_id();
        case approval::v1::Event::kReviewReturned:
            return event.review_returned().message_id();
        case approval::v1::Event::kReviewRejected:
            return event.review_rejected().message_id();
        case approval::v1::Event::kRosterImported:
        case approval::v1::Event::kPolicySet:
        case approval::v1::Event::kApprovalGiven:
        case approval::v1::Event::kAgencyCleared:
        case approval::v1::Event::BODY_NOT_SET:
            break;
    }
    return {};
}

void Realm::apply_approval(const approval::v1::Event& event, Time at) {
    const std::string id = message_of(event);
    if (!id.empty()) moved(id, messages_[id].apply(event, at));
}

static std::string release_of(const publishing::v1::Event& event) {
    using publishing::v1::Event;
    switch (event.body_case()) {
        case Event::kReleasePlanned:
            return event.release_planned().release().release_id();
        case Event::kReleaseArmed:
            return event.release_armed().release_id();
        case Event::kDeliveriesClaimed:
            return event.deliveries_claimed().release_id();
        case Event::kReleaseCancelled:
            return event.release_cancelled().release_id();
        case Event::kReleaseEnded:
            return event.release_ended().release_id();
        case Event::kRetractionArmed:
            return event.retraction_armed().release_id();
        case Event::kReleaseCompleted:
            return event.release_completed().release_id();
        case Event::kChannelPut:
        case Event::kChannelRemoved:
        case Event::kDeliveryPrepared:
        case Event::kDeliverySettled:
        case Event::kDeliveryUnknown:
        case Event::kDeliveryRearmed:
        case Event::BODY_NOT_SET:
            break;
    }
    return {};
}

void Realm::apply_publishing(const publishing::v1::Event& event, Time at) {
    const std::string release_id = release_of(event);
    if (release_id.empty()) return;
    if (event.has_release_planned())
        message_of_release_[release_id] = event.release_planned().release().message_id();
    const auto found = message_of_release_.find(release_id);
    if (found == message_of_release_.end()) {
        ++impossible_moves_;
        return;
    }
    moved(found->second, messages_[found->second].apply(event, at));
}

template <class Map>
static auto find_in(const Map& map, const std::string& id) -> const typename Map::mapped_type* {
    const auto found = map.find(id);
    return found == map.end() ? nullptr : &found->second;
}

const v1::Incident* Realm::incident(const std::string& id) const { return find_in(incidents_, id); }

const v1::Template* Realm::find_template(const std::string& id) const {
    return find_in(templates_, id);
}

const v1::Message* Realm::message(const std::string& id) const {
    const Standing* standing = find_in(messages_, id);
    return standing && standing->known() ? &standing->message() : nullptr;
}

std::vector<const v1::Incident*> Realm::incidents() const {
    return {incident_order_.rbegin(), incident_order_.rend()};
}

std::vector<const v1::Template*> Realm::templates() const {
    std::vector<const v1::Template*> result;
    result.reserve(templates_.size());
    for (const auto& [id, stored] : templates_) result.push_back(&stored);
    return result;
}

std::vector<const v1::Message*> Realm::messages(std::string_view incident_id,
                                                std::string_view state) const {
    std::vector<const v1::Message*> result;
    for (const std::string& id : std::views::reverse(message_order_)) {
        const v1::Message& message = messages_.at(id).message();
        if (!incident_id.empty() && message.incident_id() != incident_id) continue;
        if (!state.empty() && message.state() != state) continue;
        result.push_back(&message);
    }
    return result;
}

// ---- watching

void DraftingView::apply(const runtime::Counted& counted) {
    const std::lock_guard lock(watch_mutex_);
    apply_then(counted, [&](const Realm& realm) {
        for (int i = 0; i < realm.impossible_moves_now(); ++i) impossible_move_();
        if (watches_.empty()) return;
        for (const std::string& id : realm.changed()) {
            const v1::Message& message = *realm.message(id);
            for (const auto& [watcher, watch] : watches_)
                if (watch.realm == counted.decision.realm() &&
                    (watch.incident_id.empty() || watch.incident_id == message.incident_id()))
                    watcher->changed(message);
        }
    });
}

void DraftingView::reset(int partition) {
    const std::lock_guard lock(watch_mutex_);
    RealmViews::reset(partition);
    end_if([&](const Watch& watch) {
        return runtime::partition_of(watch.realm, partitions_) == partition;
    });
}

void DraftingView::end_if(const std::function<bool(const Watch&)>& ends) {
    std::erase_if(watches_, [&](const auto& entry) {
        if (!ends(entry.second)) return false;
        entry.first->ended();
        return true;
    });
}

std::vector<v1::Message> DraftingView::watch(const std::string& realm, std::string_view incident_id,
                                             Watcher& watcher) {
    const std::lock_guard lock(watch_mutex_);
    if (stopped_) {
        watcher.ended();
        return {};
    }
    watches_[&watcher] = {realm, std::string(incident_id)};
    return read(realm, [&](const Realm& view) {
        std::vector<v1::Message> snapshot;
        for (const v1::Message* message : view.messages(incident_id, {}))
            snapshot.push_back(*message);
        return snapshot;
    });
}

void DraftingView::unwatch(Watcher& watcher) {
    const std::lock_guard lock(watch_mutex_);
    watches_.erase(&watcher);
}

void DraftingView::stop() {
    const std::lock_guard lock(watch_mutex_);
    stopped_ = true;
    end_if([](const Watch&) { return true; });
}

std::int64_t DraftingView::impossible_moves() const {
    std::int64_t count = 0;
    each([&](const std::string&, const Realm& realm) { count += realm.impossible_moves(); });
    return count;
}

}  // namespace tocsin::drafting
