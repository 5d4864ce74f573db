#include "publishing/superseding.hpp"

#include "content/cap.hpp"
#include "content/publishers.hpp"
#include "publishing/completing.hpp"
#include "publishing/limits.hpp"
#include "publishing/release_events.hpp"
#include "publishing/release_steps.hpp"
#include "runtime/base/planted.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace tocsin::publishing {

// ---- what is in force

static bool is_alert(const Delivery& delivery, const content::v1::Reference& reference) {
    const content::v1::Fixed& fixed = delivery.fixed();
    return !delivery.retracts() && fixed.identifier() == reference.identifier() &&
           fixed.sender() == reference.sender() && fixed.sent() == reference.sent();
}

// Null: there is none.
static const Release* find_alert(const Releases& releases,
                                 const content::v1::Reference& reference) {
    for (const auto& [id, release] : releases.by_id) {
        const auto& named = release.head.identifiers();
        const bool same = std::ranges::any_of(
            named, [&](const auto& entry) { return entry.second == reference.identifier(); });
        if (same && release.went_out &&
            std::ranges::any_of(release.deliveries, [&](const Delivery& delivery) {
                return is_alert(delivery, reference);
            }))
            return &release;
    }
    return nullptr;
}

// Why it is not in force; empty where it is. That it has expired meanwhile keeps nothing back that
// people approved: what they say of it may still be what the public needs.
static std::string reason_over(const Release& release) {
    if (!release.head.superseded_by().empty()) return "another message took its place";
    const bool retracts =
        release.is(v1::RELEASE_STATE_RETRACTED) ||
        (release.is(v1::RELEASE_STATE_RETRACTING) && release.count(v1::PURPOSE_RETRACTION) > 0);
    if (retracts) return "it was retracted";
    const bool ended = release.is(v1::RELEASE_STATE_CANCELLED) ||
                       release.is(v1::RELEASE_STATE_ABORTED) ||
                       release.is(v1::RELEASE_STATE_EXPIRED);
    return ended ? "as far as anybody knows, nobody has it" : "";
}

// An agency published an alert of it that `content` does not refer to: that one would stay.
static std::string reason_left(const Release& release, const content::Content& content) {
    for (const Delivery& delivery : release.deliveries) {
        if (delivery.retracts() || delivery.head.attempts() == 0) continue;
        const bool named = std::ranges::any_of(
            content.references(),
            [&](const content::v1::Reference& reference) { return is_alert(delivery, reference); });
        if (!named)
            return fmt::format("agency `{}` published it as well since", delivery.head.agency_id());
    }
    return {};
}

std::expected<std::vector<std::string>, std::string> earlier_releases(
    const Releases& releases, const content::Content& content) {
    std::vector<std::string> all;
    for (const auto& reference : content.references()) {
        const Release* release = find_alert(releases, reference);
        std::string why = release ? reason_over(*release) : "this realm published none such";
        if (release && why.empty()) why = reason_left(*release, content);
        if (!why.empty())
            return std::unexpected(
                fmt::format("It refers to alert `{}`, and that cannot be: {}. Start it anew.",
                            content::cap_reference(reference), why));
        if (!texts::contains(all, release->id())) all.push_back(release->id());
    }
    return all;
}

// What was on another server, or in another account, has no such post here.
static bool is_at(const Delivery& delivery, const content::Destination& place) {
    return delivery.channel && delivery.head.channel_id() == place.channel_id() &&
           delivery.channel->url() == place.url() &&
           delivery.channel->credential() == place.account();
}

// The newest post at `place` of `ids`, or of what those took the place of; null: there is none.
static const Delivery* newest_post(const Releases& releases,
                                   const google::protobuf::RepeatedPtrField<std::string>& ids,
                                   const content::Destination& place, const std::string& language) {
    const auto at = [](const Delivery* one) {
        return runtime::from_proto(one->head.confirmed_at());
    };
    const Delivery* newest = nullptr;
    for (const std::string& id : ids) {
        const Release* earlier = releases.find(id);
        if (!earlier) continue;
        const Delivery* found = nullptr;
        for (const Delivery& one : earlier->deliveries)
            if (!one.retracts() && one.is(v1::DELIVERY_STATE_CONFIRMED) && is_at(one, place) &&
                one.head.language() == language)
                found = &one;
        if (!found) found = newest_post(releases, earlier->head.supersedes(), place, language);
        if (found && (!newest || at(found) > at(newest))) newest = found;
    }
    return newest;
}

std::string answered_post(const Releases& releases, const content::Content& content,
                          const v1::Release& release, const v1::Delivery& delivery) {
    const auto target = content::find_target(content, delivery.channel_id());
    if (!target.destination || !content::traits_of(delivery.kind()).corrections_reply) return {};
    const Delivery* post =
        newest_post(releases, release.supersedes(), *target.destination, delivery.language());
    return post && post->head.receipt().size() <= reply_bytes_max ? post->head.receipt()
                                                                  : std::string{};
}

std::set<std::string> channels_taken(const Release& release, const ReleaseOf& release_of,
                                     Time now) {
    std::set<std::string> taken;
    if (planted(runtime::Bug::update_first)) return taken;
    const auto& first = release.head.supersedes();
    std::vector<std::string> open{first.begin(), first.end()};
    std::set<std::string> seen;
    while (!open.empty()) {
        const std::string id = std::move(open.back());
        open.pop_back();
        const Release* earlier = seen.insert(id).second ? release_of(id) : nullptr;
        if (!earlier) continue;
        for (const Delivery& before : earlier->deliveries)
            if (!before.retracts() && !before.lets_pass(now))
                taken.insert(before.head.channel_id());
        const auto& more = earlier->head.supersedes();
        open.insert(open.end(), more.begin(), more.end());
    }
    return taken;
}

// ---- steps

static void append(Turn&& turn, Happened& happened) {
    std::ranges::move(std::move(turn).done().events, std::back_inserter(happened.events));
}

void supersede(const Releases& releases, const Release& release, Time now, Happened& happened) {
    if (planted(runtime::Bug::earlier_goes_on)) return;
    for (const std::string& id : release.head.supersedes()) {
        const Release* earlier = releases.find(id);
        if (!earlier || !earlier->head.superseded_by().empty()) continue;
        Turn turn{*earlier, now, {}};
        v1::Event event = event_of(id);
        event.mutable_release_superseded()->set_by(release.id());
        turn.add(std::move(event));
        complete(turn);
        append(std::move(turn), happened);
    }
}

namespace {

// The releases that a decision is about, as they are after it; `happened` may grow meanwhile.
class After {
public:
    After(const Releases& releases, Time now) : releases_(releases), now_(now) {}

    void take(const std::vector<v1::Event>& events) {
        for (; taken_ < events.size(); ++taken_) {
            const v1::Event& event = events[taken_];
            const Release* known = releases_.find(event.release_id());
            if (!known) continue;  // Planned by this decision, or a channel.
            const auto [changed, first] = changed_.try_emplace(event.release_id(), *known);
            evolve(changed->second, event, now_);
            if (event.release_cancelled().has_returned() || event.release_ended().has_returned())
                returned_.push_back(event.release_id());
        }
    }
    // Null: there is none.
    const Release* find(const std::string& id) const {
        if (const auto changed = changed_.find(id); changed != changed_.end())
            return &changed->second;
        return releases_.find(id);
    }
    // Changed by it, and not in force after it: why, by id.
    std::map<std::string, std::string> over() const {
        std::map<std::string, std::string> all;
        for (const auto& [id, release] : changed_)
            if (std::string why = reason_over(release); !why.empty()) all.emplace(id, why);
        return all;
    }
    // Ended before anything of them was public.
    std::vector<std::string> returned() const { return returned_; }

private:
    const Releases& releases_;
    Time now_;
    std::size_t taken_ = 0;
    std::map<std::string, Release> changed_;
    std::vector<std::string> returned_;
};

}  // namespace

// Ends pending updates of what is over; false: there are none.
static bool end_pending(const Releases& releases, const After& after, Time now,
                        Happened& happened) {
    const auto over = after.over();
    if (over.empty()) return false;
    const std::size_t before = happened.events.size();
    for (const auto& [message, id] : releases.on_way) {
        const Release& later = *after.find(id);
        if (later.at_rest() || !later.never_left()) continue;
        for (const std::string& earlier : later.head.supersedes()) {
            const auto why = over.find(earlier);
            if (why == over.end() || after.find(earlier)->head.superseded_by() == id) continue;
            Turn turn{later, now, {}};
            turn.end(
                v1::RELEASE_STATE_ABORTED,
                fmt::format("What it updates or cancels is not in force any more: {}. Start it "
                            "anew.",
                            why->second),
                false);
            append(std::move(turn), happened);
            break;
        }
    }
    return happened.events.size() > before;
}

// Hands on to `by`, empty for none, what names `ended` as what took its place: what `later` is
// about, and what was handed on to `ended` with an update between the two that ended before it.
static void restore(const After& after, const Release& later, const std::string& ended,
                    const std::string& by, Happened& happened) {
    for (const std::string& id : later.head.supersedes()) {
        const Release* earlier = after.find(id);
        if (!earlier) continue;
        if (earlier->head.superseded_by() == ended) {
            v1::Event event = event_of(id);
            event.mutable_release_superseded()->set_by(by);
            happened.events.push_back(std::move(event));
        }
        if (earlier->text_returned) restore(after, *earlier, ended, by, happened);
    }
}

void follow_ends(const Releases& releases, Time now, Happened& happened) {
    After after{releases, now};
    after.take(happened.events);
    while (end_pending(releases, after, now, happened)) after.take(happened.events);
    for (const std::string& id : after.returned()) {
        const Release& ended = *after.find(id);
        restore(after, ended, id, ended.head.superseded_by(), happened);
        // One decision may end an update and the update of that.
        after.take(happened.events);
    }
}

}  // namespace tocsin::publishing
