#include "publishing/superseding.hpp"

#include "content/cap.hpp"
#include "publishing/completing.hpp"
#include "publishing/release_steps.hpp"
#include "runtime/base/planted.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tocsin::publishing {

// ---- what is in force

static bool has_alert(const Release& release, const content::v1::Reference& reference) {
    return std::ranges::any_of(release.deliveries, [&](const Delivery& delivery) {
        const content::v1::Fixed& fixed = delivery.fixed();
        return !delivery.retracts() && fixed.identifier() == reference.identifier() &&
               fixed.sender() == reference.sender() && fixed.sent() == reference.sent();
    });
}

// Null: there is none.
static const Release* find_alert(const Releases& releases,
                                 const content::v1::Reference& reference) {
    for (const auto& [id, release] : releases.by_id) {
        const auto& named = release.head.identifiers();
        const bool same = std::ranges::any_of(
            named, [&](const auto& entry) { return entry.second == reference.identifier(); });
        if (same && release.went_out && has_alert(release, reference)) return &release;
    }
    return nullptr;
}

// Why it is not; empty where it is. That it has expired meanwhile keeps nothing back that people
// approved: what they say of it may still be what the public needs.
static std::string reason_over(const Release& release) {
    if (release.never_left()) return "nobody ever had it";
    if (!release.head.superseded_by().empty()) return "another message took its place";
    if (release.is(v1::RELEASE_STATE_RETRACTING) || release.is(v1::RELEASE_STATE_RETRACTED))
        return "it was retracted";
    return {};
}

std::expected<std::vector<std::string>, std::string> earlier_releases(
    const Releases& releases, const content::Content& content) {
    std::vector<std::string> all;
    for (const auto& reference : content.references()) {
        const Release* release = find_alert(releases, reference);
        const std::string why =
            release ? reason_over(*release) : std::string{"this realm published none such"};
        if (!why.empty())
            return std::unexpected(
                fmt::format("It refers to alert {}, which is not in force: {}. Start it anew.",
                            content::cap_reference(reference), why));
        if (!texts::contains(all, release->id())) all.push_back(release->id());
    }
    return all;
}

bool overtakes(const Release& release, const Delivery& delivery, const ReleaseOf& release_of,
               Time now) {
    if (delivery.retracts() || planted(runtime::Bug::update_first)) return false;
    return std::ranges::any_of(release.head.supersedes(), [&](const std::string& id) {
        const Release* earlier = release_of(id);
        return earlier != nullptr &&
               std::ranges::any_of(earlier->deliveries, [&](const Delivery& before) {
                   return !before.retracts() &&
                          before.head.channel_id() == delivery.head.channel_id() &&
                          !before.lets_pass(now);
               });
    });
}

// ---- steps

static void append(Turn&& turn, Happened& happened) {
    std::ranges::move(std::move(turn).done().events, std::back_inserter(happened.events));
}

void supersede(const Releases& releases, const Release& release, Time now, Happened& happened) {
    if (planted(runtime::Bug::earlier_goes_on)) return;
    for (const std::string& id : release.head.supersedes()) {
        const auto earlier = releases.by_id.find(id);
        if (earlier == releases.by_id.end() || !earlier->second.head.superseded_by().empty())
            continue;
        Turn turn{earlier->second, now, {}};
        v1::Event event = event_of(id);
        event.mutable_release_superseded()->set_by(release.id());
        turn.add(std::move(event));
        complete(turn);
        append(std::move(turn), happened);
        end_overtaken(releases, id, release.id(),
                      fmt::format("Release `{}` took the place of what it updates. Start it anew.",
                                  release.id()),
                      now, happened);
    }
}

void restore_earlier(const Releases& releases, Happened& happened) {
    std::vector<v1::Event> restored;
    for (const v1::Event& event : happened.events) {
        if (!event.release_cancelled().has_returned() && !event.release_ended().has_returned())
            continue;
        const auto later = releases.by_id.find(event.release_id());
        if (later == releases.by_id.end()) continue;  // Planned by the same decision.
        for (const std::string& id : later->second.head.supersedes()) {
            const auto earlier = releases.by_id.find(id);
            if (earlier == releases.by_id.end() ||
                earlier->second.head.superseded_by() != event.release_id())
                continue;
            restored.push_back(event_of(id));
            restored.back().mutable_release_superseded();
        }
    }
    std::ranges::move(restored, std::back_inserter(happened.events));
}

void end_overtaken(const Releases& releases, const std::string& earlier, const std::string& except,
                   const std::string& why, Time now, Happened& happened) {
    for (const auto& [message, id] : releases.on_way) {
        const Release& later = releases.by_id.at(id);
        if (id == except || !texts::contains(later.head.supersedes(), earlier) ||
            !later.never_left())
            continue;
        Turn turn{later, now, {}};
        turn.end(v1::RELEASE_STATE_ABORTED, why, false);
        append(std::move(turn), happened);
    }
}

}  // namespace tocsin::publishing
