#include "drafting/message_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tocsin::drafting {

void MessageView::begin(Time decided_at) {
    changed_.clear();
    impossible_moves_now_ = 0;
    decided_at_ = decided_at;
    latest_ = std::max(latest_, decided_at);
}

void MessageView::end() { drop_old_texts(); }

std::string MessageView::part_of(std::string_view incident_id, v1::MessageState state) {
    if (incident_id.empty() && state == v1::MESSAGE_STATE_UNSPECIFIED) return {};
    // No id has a line in it.
    return fmt::format("{}\n{}", incident_id, static_cast<int>(state));
}

template <class Event>
void MessageView::move(const std::string& message_id, const Event& event) {
    Standing& standing = by_id_.edit(message_id);
    const Standing before = standing;
    if (!standing.apply(event, decided_at_)) {
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
void MessageView::file(const std::string& message_id, const Standing& before, Standing& after) {
    const bool added = after.place == 0;
    if (added) {
        after.place = list_.add(message_id);
        list_.enter(part_of(after.incident_id(), v1::MESSAGE_STATE_UNSPECIFIED), after.place);
    }
    if (added || before.state() != after.state()) {
        const auto parts = [](const Standing& standing) {
            const v1::MessageState state = standing.state();
            return std::array{part_of({}, state), part_of(standing.incident_id(), state)};
        };
        if (!added)
            for (const std::string& part : parts(before)) list_.leave(part, after.place);
        for (const std::string& part : parts(after)) list_.enter(part, after.place);
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
void MessageView::drop_old_texts() {
    const auto latest = latest_.time_since_epoch().count();
    for (auto due = endings_.first(); due && due->first <= latest; due = endings_.first()) {
        endings_.erase(*due);
        by_id_.edit(list_.id(due->second)).drop_texts();
    }
}

void MessageView::apply(const v1::Event& event) {
    if (!event.message_id().empty()) move(event.message_id(), event);
}

void MessageView::apply(const approval::v1::Event& event) {
    if (moves_message(event)) move(event.message_id(), event);
}

void MessageView::apply(const publishing::v1::Event& event) {
    if (!moves_message(event)) return;
    const std::string& release_id = event.release_id();
    if (event.has_release_planned())
        message_of_release_.edit(release_id) = event.release_planned().release().message_id();
    if (const std::string* message_id = message_of_release_.find(release_id)) {
        move(*message_id, event);
        return;
    }
    ++impossible_moves_;
}

const Standing* MessageView::standing(const std::string& id) const {
    const Standing* found = by_id_.find(id);
    return found && found->known() ? found : nullptr;
}

std::optional<v1::Message> MessageView::message(const std::string& id) const {
    const Standing* found = standing(id);
    if (!found) return std::nullopt;
    v1::Message message = found->message();
    message.set_message_id(id);
    return message;
}

}  // namespace tocsin::drafting
