#include "publishing/release_view.hpp"

namespace tocsin::publishing {

bool needs_work(const Release& release) {
    if (!release.at_rest()) return true;
    for (const auto purpose : {v1::PURPOSE_MESSAGE, v1::PURPOSE_RETRACTION})
        if (release.count(purpose, {v1::DELIVERY_STATE_UNKNOWN, v1::DELIVERY_STATE_CLAIMED}) > 0)
            return true;
    return false;
}

std::optional<v1::Release> ReleaseView::whole_release(const std::string& id) const {
    if (const Release* known = release(id)) return known->whole();
    if (const Faded* known = faded_.find(id)) return known->whole();
    return std::nullopt;
}

content::v1::Parties ReleaseView::parties(const std::string& id) const {
    if (const Release* known = release(id)) return known->parties();
    if (const Faded* known = faded_.find(id)) return known->parties();
    return {};
}

std::string ReleaseView::trace(const std::string& release_id) const {
    const std::string* found = traces_.find(release_id);
    return found ? *found : std::string{};
}

// ---- events

const Release* ReleaseView::apply(const v1::Event& event, const ChannelOf& channel_of,
                                  Time decided_at, const std::string& trace) {
    const std::string& id = event.release_id();
    if (!event.has_release_planned() && !by_id_.contains(id)) return nullptr;
    Release& release = by_id_.edit(id);
    if (const auto at = release.fades()) fading_.erase({*at, id});
    // The ledger has stopped already where it cannot follow.
    evolve(release, event, decided_at);
    if (event.has_release_planned()) {
        attach_channels(release, channel_of);
        by_message_.edit(release.head.message_id()) = id;
        order_.set(static_cast<std::int64_t>(order_.size()) + 1, id);
    }
    if (const auto at = release.fades()) fading_.set({*at, id}, 1);
    if (needs_work(release))
        open_.set(id, 1);
    else
        open_.erase(id);
    if (!trace.empty()) traces_.set(id, trace);
    return &release;
}

void ReleaseView::drop_faded(Time now, const std::function<void(const Release&)>& dropping) {
    for (auto due = fading_.first(); due && due->first <= now; due = fading_.first()) {
        fading_.erase(*due);
        const auto& [at, id] = *due;
        Release& release = by_id_.edit(id);
        dropping(release);
        release.drop_texts();
        traces_.erase(id);
        if (at == Time{}) continue;  // Never public: the decider keeps it too.
        faded_.edit(id) = Faded(release);
        by_id_.erase(id);
        open_.erase(id);
        faded_now_.insert(id);
    }
}

}  // namespace tocsin::publishing
