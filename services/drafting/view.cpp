#include "drafting/view.hpp"

#include "runtime/ledger/view_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tocsin::drafting {

void Realm::apply(const runtime::Counted& counted) {
    changed_.clear();
    impossible_moves_now_ = 0;
    const Time at = counted.decided_at;
    latest_ = std::max(latest_, at);
    if (counted.service == "drafting")
        runtime::each_event<v1::Event>(counted,
                                       [&](const auto& event) { apply_drafting(event, at); });
    if (counted.service == "approval")
        runtime::each_event<approval::v1::Event>(
            counted, [&](const auto& event) { apply_approval(event, at); });
    if (counted.service == "publishing")
        runtime::each_event<publishing::v1::Event>(
            counted, [&](const auto& event) { apply_publishing(event, at); });
    drop_old_texts();
}

std::string Realm::part_of(std::string_view incident_id, std::string_view state) {
    if (incident_id.empty() && state.empty()) return {};
    // Neither an id nor a state has a line in it.
    return fmt::format("{}\n{}", incident_id, state);
}

template <class Event>
void Realm::move(const std::string& message_id, const Event& event, Time at) {
    Standing& standing = messages_.edit(message_id);
    const Standing before = standing;
    if (!standing.apply(event, at)) {
        ++impossible_moves_;
        ++impossible_moves_now_;
        return;
    }
    if (!standing.known()) return;
    // The first change of a decision knows how it was before.
    changed_.try_emplace(message_id, before.kept_parties());
    file(message_id, before, standing);
}

// Only under names that changed: most events leave a message where it is listed.
void Realm::file(const std::string& message_id, const Standing& before, Standing& after) {
    const bool added = after.place == 0;
    if (added) {
        after.place = message_list_.add(message_id);
        message_list_.enter(part_of(after.incident_id(), {}), after.place);
    }
    if (added || before.state() != after.state()) {
        const auto parts = [](const Standing& standing) {
            const std::string_view state = content::name(standing.state());
            return std::array{part_of({}, state), part_of(standing.incident_id(), state)};
        };
        if (!added)
            for (const std::string& part : parts(before)) message_list_.leave(part, after.place);
        for (const std::string& part : parts(after)) message_list_.enter(part, after.place);
    }
    const auto ending = [&](Time end) {
        return Ending{end.time_since_epoch().count(), after.place};
    };
    const auto was = added ? std::nullopt : before.texts_end();
    const auto is = after.texts_end();
    if (was == is) return;
    if (was) endings_.erase(ending(*was));
    if (is) endings_.set(ending(*is), 1);
}

// By the time of decisions, never by a clock: every instance and every replay shows the same.
void Realm::drop_old_texts() {
    const auto latest = latest_.time_since_epoch().count();
    for (auto due = endings_.first(); due && due->first <= latest; due = endings_.first()) {
        endings_.erase(*due);
        messages_.edit(message_list_.id(due->second)).drop_texts();
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
        case v1::Event::kAlertsPublished:
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return {};
}

void Realm::add_incident(const v1::Incident& opened) {
    auto& incident = incidents_.edit(opened.incident_id());
    if (incident.size() == 0) incident_list_.add(opened.incident_id());
    incident = runtime::Packed(opened);
}

void Realm::apply_drafting(const v1::Event& event, Time at) {
    if (event.has_incident_opened()) return add_incident(event.incident_opened().incident());
    if (event.has_template_stored()) {
        const v1::Template& stored = event.template_stored().template_();
        templates_.set(stored.template_id(), runtime::Packed(stored));
    }
    const std::string id = message_of(event);
    if (!id.empty()) move(id, event, at);
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
    if (!id.empty()) move(id, event, at);
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
        case Event::kRenditionKept:
        case Event::BODY_NOT_SET:
            break;
    }
    return {};
}

void Realm::apply_publishing(const publishing::v1::Event& event, Time at) {
    const std::string release_id = release_of(event);
    if (release_id.empty()) return;
    if (event.has_release_planned())
        message_of_release_.edit(release_id) = event.release_planned().release().message_id();
    if (const std::string* message_id = message_of_release_.find(release_id)) {
        move(*message_id, event, at);
        return;
    }
    ++impossible_moves_;
}

template <class Proto>
static std::optional<Proto> unpacked(const runtime::Packed<Proto>* found) {
    if (!found) return std::nullopt;
    return found->get();
}

std::optional<v1::Incident> Realm::incident(const std::string& id) const {
    return unpacked(incidents_.find(id));
}

std::optional<v1::Template> Realm::find_template(const std::string& id) const {
    return unpacked(templates_.find(id));
}

static v1::Message shown(const std::string& id, const Standing& standing) {
    v1::Message message = standing.message();
    message.set_message_id(id);
    return message;
}

const Standing* Realm::standing(const std::string& id) const {
    const Standing* found = messages_.find(id);
    return found && found->known() ? found : nullptr;
}

std::optional<v1::Message> Realm::message(const std::string& id) const {
    const Standing* found = standing(id);
    if (!found) return std::nullopt;
    return shown(id, *found);
}

std::size_t Realm::size() const {
    return incident_list_.size() + templates_.size() + message_list_.size();
}

// ---- watching

void DraftingView::apply(const runtime::Counted& counted) {
    const Realm* realm = fold(counted);
    if (!realm) return;
    for (int i = 0; i < realm->impossible_moves_now(); ++i) impossible_move_();
    if (!counted.live) return;
    const std::lock_guard lock(watch_mutex_);
    publish(counted.decision.realm());
    if (!watches_.empty()) tell(counted.decision.realm(), *realm);
}

void DraftingView::tell(const std::string& name, const Realm& realm) {
    for (const auto& [id, parties_before] : realm.changed()) {
        std::shared_ptr<const v1::Message> message;  // made once, if anybody wants it
        const Standing& standing = *realm.standing(id);
        const content::v1::Parties before = parties_before.get(), now = standing.parties();
        std::erase_if(watches_, [&](const auto& entry) {
            const auto& [watcher, watch] = entry;
            if (watch.realm != name) return false;
            if (!watch.incident_id.empty() && watch.incident_id != standing.incident_id())
                return false;
            if (!watch.sees(now)) {
                const bool lost = watch.sees(before);
                if (lost) watcher->ended(Watcher::End::over);
                return lost;
            }
            if (!message) message = std::make_shared<const v1::Message>(shown(id, standing));
            watcher->changed(message);
            return false;
        });
    }
}

// Of what history holds nobody was told.
void DraftingView::folded(int partition) {
    const std::lock_guard lock(watch_mutex_);
    SnapshotViews::folded(partition);
    end_partition(partition);
}

void DraftingView::reset(int partition) {
    const std::lock_guard lock(watch_mutex_);
    SnapshotViews::reset(partition);
    end_partition(partition);
}

void DraftingView::halted(int partition) {
    const std::lock_guard lock(watch_mutex_);
    end_partition(partition);
}

void DraftingView::end_partition(int partition) {
    end_if([&](const Watch& watch) {
        return runtime::partition_of(watch.realm, partitions_) == partition;
    });
}

void DraftingView::end_if(const std::function<bool(const Watch&)>& ends) {
    std::erase_if(watches_, [&](const auto& entry) {
        if (!ends(entry.second)) return false;
        entry.first->ended(Watcher::End::over);
        return true;
    });
}

DraftingView::Snapshot DraftingView::watch(Watch watch, Watcher& watcher) {
    const std::lock_guard lock(watch_mutex_);
    if (stopped_) {
        watcher.ended(Watcher::End::over);
        return nullptr;
    }
    const auto of_realm = std::ranges::count_if(
        watches_, [&](const auto& entry) { return entry.second.realm == watch.realm; });
    if (watches_.size() >= watchers_max ||
        static_cast<std::size_t>(of_realm) >= watchers_of_realm_max) {
        watcher.ended(Watcher::End::too_many);
        return nullptr;
    }
    const Watch& kept = watches_[&watcher] = std::move(watch);
    return snapshot(kept.realm);
}

void DraftingView::unwatch(Watcher& watcher) {
    const std::lock_guard lock(watch_mutex_);
    watches_.erase(&watcher);
}

std::size_t DraftingView::watchers() {
    const std::lock_guard lock(watch_mutex_);
    return watches_.size();
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
