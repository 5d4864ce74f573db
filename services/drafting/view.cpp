#include "drafting/view.hpp"

#include <algorithm>

namespace tocsin::drafting {

void Realm::apply(const runtime::Counted& counted) {
    messages_.begin(counted.decided_at);
    if (counted.service == "drafting")
        counted.each<v1::Event>([&](const auto& event) { apply(event); });
    if (counted.service == "approval")
        counted.each<approval::v1::Event>([&](const auto& event) { messages_.apply(event); });
    if (counted.service == "publishing")
        counted.each<publishing::v1::Event>([&](const auto& event) { messages_.apply(event); });
    messages_.end();
}

void Realm::apply(const v1::Event& event) {
    if (event.has_incident_opened()) return add_incident(event.incident_opened().incident());
    if (event.has_template_stored()) {
        const v1::Template& stored = event.template_stored().template_();
        templates_.set(stored.template_id(), runtime::Packed(stored));
    }
    if (event.has_channel_followed()) return follow(event.channel_followed());
    if (event.has_agencies_followed()) return follow(event.agencies_followed());
    messages_.apply(event);
}

template <class Followed>
void Realm::follow(const Followed& followed) {
    auto changed = std::make_shared<Destinations>(*destinations_);
    evolve(*changed, followed);
    destinations_ = std::move(changed);
}

void Realm::add_incident(const v1::Incident& opened) {
    auto& incident = incidents_.edit(opened.incident_id());
    if (incident.size() == 0) incident_list_.add(opened.incident_id());
    incident = runtime::Packed(opened);
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

std::size_t Realm::size() const {
    return incident_list_.size() + templates_.size() + messages_.size();
}

// ---- watching

void DraftingView::apply(const runtime::Counted& counted) {
    const Realm* realm = fold(counted);
    if (!realm) return;
    for (int i = 0; i < realm->impossible_moves_now(); ++i) impossible_move_();
    if (!counted.live) return;
    const std::lock_guard lock(watch_mutex_);
    publish(counted.decision.realm());
    if (!watches_.empty()) notify(counted.decision.realm(), *realm);
}

void DraftingView::notify(const std::string& name, const Realm& realm) {
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
            if (!message) message = std::make_shared<const v1::Message>(*realm.message(id));
            watcher->changed(message);
            return false;
        });
    }
}

// Watchers were not called for what history holds.
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
    std::size_t of_realm = 0, of_caller = 0;
    for (const auto& [other, known] : watches_) {
        if (known.realm != watch.realm) continue;
        ++of_realm;
        if (known.caller == watch.caller) ++of_caller;
    }
    if (watches_.size() >= watchers_max || of_realm >= watchers_of_realm_max ||
        of_caller >= watchers_of_caller_max) {
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
