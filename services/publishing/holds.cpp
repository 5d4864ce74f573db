#include "publishing/holds.hpp"

#include "publishing/due.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/planted.hpp"
#include "runtime/ledger/refusals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ranges>
#include <string_view>
#include <utility>

namespace tocsin::publishing {

using runtime::Asking;
using runtime::Because;
using runtime::from_proto;
using runtime::Rejection;
using runtime::to_proto;
using std::chrono::seconds;

static constexpr std::array<std::string_view, 2> holders{"approver", "duty-officer"};
static constexpr Duration usual_length = std::chrono::hours{4};
static constexpr Duration usual_reminder = std::chrono::minutes{15};

static bool covers(const v1::Hold& hold, const v1::Delivery& delivery) {
    if (!hold.channel_id().empty()) return hold.channel_id() == delivery.channel_id();
    return hold.agency_id().empty() || hold.agency_id() == delivery.agency_id();
}

const v1::Hold* Holds::find(const std::string& id) const {
    if (const auto known = in_force.find(id); known != in_force.end()) return &known->second;
    const auto known = std::ranges::find(ended, id, &v1::Hold::hold_id);
    return known == ended.end() ? nullptr : &*known;
}

const v1::Hold* Holds::on(const v1::Delivery& delivery) const {
    if (delivery.purpose() == v1::PURPOSE_RETRACTION || planted(runtime::Bug::hold_ignored))
        return nullptr;
    for (const auto& [id, hold] : in_force)
        if (covers(hold, delivery)) return &hold;
    return nullptr;
}

// ---- commands

static Rejection bad(std::string code, std::string text, std::string field) {
    return {Because::invalid_argument, std::move(code), std::move(text), std::move(field)};
}

static std::optional<Rejection> require_reach(const Channels& channels, const Asking& asking,
                                              const v1::PlaceHoldRequest& request) {
    const int named = static_cast<int>(!request.channel_id().empty()) +
                      static_cast<int>(!request.agency_id().empty()) +
                      static_cast<int>(request.everything());
    if (named != 1)
        return bad("hold_unclear",
                   "say what is held, by one of three: a channel, your agency, or everything",
                   "channel_id");
    if (!request.agency_id().empty() && request.agency_id() != asking.agency)
        return Rejection{Because::permission_denied, "other_agency",
                         fmt::format("agency `{}` alone may hold what it publishes; to hold what "
                                     "all agencies publish, hold everything",
                                     request.agency_id()),
                         "agency_id"};
    if (request.channel_id().empty()) return std::nullopt;
    const auto known = channels.by_id.find(request.channel_id());
    if (known == channels.by_id.end())
        return runtime::no_such("channel", request.channel_id(), "channel_id");
    return runtime::require_owner(asking, "channel", request.channel_id(),
                                  known->second.channel.agency_id(), "channel_id");
}

static std::optional<Rejection> require_room(const Holds& holds, const std::string& agency) {
    const auto ours = std::ranges::count_if(holds.in_force, [&](const auto& entry) {
        return entry.second.placed_by_agency() == agency;
    });
    const bool agency_full = static_cast<std::size_t>(ours) >= holds_of_agency_max;
    if (!agency_full && holds.in_force.size() < holds_max) return std::nullopt;
    return runtime::no_room("too_many_holds",
                            {.of = agency_full ? "your agency" : "the realm",
                             .bound = agency_full ? holds_of_agency_max : holds_max,
                             .things = "holds at a time",
                             .remedy = "hold everything, or lift some",
                             .field = {}});
}

Verdict place_hold(const Holds& holds, const Channels& channels, const Asking& asking,
                   const v1::PlaceHoldRequest& request, Time now) {
    if (auto no = runtime::require_role(asking, holders)) return std::unexpected(*no);
    if (auto no = require_reach(channels, asking, request)) return std::unexpected(*no);
    std::string id = runtime::derive_id("hold", {asking.agency, asking.actor, asking.request_id});
    if (holds.find(id)) return Happened{{}, std::move(id), {}};
    if (auto no = require_room(holds, asking.agency)) return std::unexpected(*no);
    const Duration length =
        request.lasts_seconds() > 0 ? seconds{request.lasts_seconds()} : usual_length;
    const Duration reminder = request.remind_after_seconds() > 0
                                  ? seconds{request.remind_after_seconds()}
                                  : std::min(usual_reminder, length / 2);
    if (reminder >= length)
        return std::unexpected(bad("reminder_too_late",
                                   "the reminder would come when the hold is over; remind earlier, "
                                   "or let the hold last longer",
                                   "remind_after_seconds"));
    v1::Event event;
    v1::Hold& hold = *event.mutable_hold_placed()->mutable_hold();
    hold.set_hold_id(id);
    hold.set_channel_id(request.channel_id());
    if (!request.everything()) hold.set_agency_id(asking.agency);
    hold.set_reason(request.reason());
    hold.set_placed_by(asking.actor);
    hold.set_placed_by_agency(asking.agency);
    *hold.mutable_place_time() = to_proto(now);
    *hold.mutable_remind_at() = to_proto(now + reminder);
    *hold.mutable_until() = to_proto(now + length);
    return Happened{{std::move(event)}, std::move(id), {}};
}

Verdict lift_hold(const Holds& holds, const Asking& asking, const v1::LiftHoldRequest& request) {
    if (auto no = runtime::require_role(asking, holders)) return std::unexpected(*no);
    const v1::Hold* known = holds.find(request.hold_id());
    if (!known)
        return std::unexpected(runtime::no_such("hold", request.hold_id(), "hold_id",
                                                "it may be over: list the holds"));
    const v1::Hold& hold = *known;
    if (!hold.agency_id().empty())
        if (auto no =
                runtime::require_owner(asking, "hold", hold.hold_id(), hold.agency_id(), "hold_id"))
            return std::unexpected(*no);
    if (hold.has_end_time()) return Happened{{}, hold.hold_id(), {}};
    if (asking.actor == hold.placed_by() && !planted(runtime::Bug::lifted_alone))
        return runtime::reject(Because::permission_denied, "second_person",
                               fmt::format("`{}` placed this hold, so somebody else lifts it: ask "
                                           "another approver or duty officer",
                                           hold.placed_by()),
                               "hold_id");
    v1::Event event;
    v1::HoldEnded& ended = *event.mutable_hold_ended();
    ended.set_hold_id(hold.hold_id());
    ended.set_lifted_by(asking.actor);
    ended.set_reason(request.reason());
    return Happened{{std::move(event)}, hold.hold_id(), {}};
}

static Time due_of(const v1::Hold& hold) {
    return from_proto(hold.reminded() ? hold.until() : hold.remind_at());
}

Verdict reach_hold_due(const Holds& holds, const Asking& asking, const v1::ReachDue& due,
                       Time now) {
    if (auto no = runtime::require_timer(asking)) return std::unexpected(*no);
    Happened happened{{}, due.hold_id(), {}};
    const auto known = holds.in_force.find(due.hold_id());
    // Lifted meanwhile.
    if (known == holds.in_force.end()) return happened;
    const v1::Hold& hold = known->second;
    if (auto no = require_due(due, now)) return std::unexpected(*no);
    const Time at = std::max(now, from_proto(due.due_at()));
    if (at < due_of(hold)) return happened;
    v1::Event& event = happened.events.emplace_back();
    if (at >= from_proto(hold.until()))
        event.mutable_hold_ended()->set_hold_id(hold.hold_id());
    else
        event.mutable_hold_reminded()->set_hold_id(hold.hold_id());
    return happened;
}

// ---- events

bool is_of_hold(const v1::Event& event) {
    return event.has_hold_placed() || event.has_hold_reminded() || event.has_hold_ended();
}

static void end(Holds& holds, const v1::HoldEnded& event, Time decided_at) {
    auto known = holds.in_force.extract(event.hold_id());
    if (known.empty()) return;
    v1::Hold& hold = holds.ended.emplace_back(std::move(known.mapped()));
    *hold.mutable_end_time() = to_proto(decided_at);
    hold.set_lifted_by(event.lifted_by());
    hold.set_lift_reason(event.reason());
    if (holds.ended.size() > ended_holds_max) holds.ended.erase(holds.ended.begin());
}

void evolve(Holds& holds, const v1::Event& event, Time decided_at) {
    if (event.has_hold_placed()) {
        const v1::Hold& hold = event.hold_placed().hold();
        holds.in_force[hold.hold_id()] = hold;
    } else if (event.has_hold_reminded()) {
        const auto known = holds.in_force.find(event.hold_reminded().hold_id());
        if (known != holds.in_force.end()) known->second.set_reminded(true);
    } else if (event.has_hold_ended()) {
        end(holds, event.hold_ended(), decided_at);
    }
}

// ---- views

std::vector<const v1::Hold*> listed(const Holds& holds) {
    std::vector<const v1::Hold*> all;
    all.reserve(holds.in_force.size() + holds.ended.size());
    for (const auto& [id, hold] : holds.in_force) all.push_back(&hold);
    std::ranges::sort(all, std::ranges::greater{},
                      [](const v1::Hold* hold) { return from_proto(hold->place_time()); });
    for (const v1::Hold& hold : std::views::reverse(holds.ended)) all.push_back(&hold);
    return all;
}

// ---- due times

std::optional<runtime::Due<v1::Command>> next_due(const Holds& holds) {
    const auto first = std::ranges::min_element(
        holds.in_force, {}, [](const auto& entry) { return due_of(entry.second); });
    if (first == holds.in_force.end()) return std::nullopt;
    const Time at = due_of(first->second);
    runtime::Due<v1::Command> due{at, {}};
    v1::ReachDue& reached = *due.command.mutable_reach_due();
    reached.set_hold_id(first->first);
    *reached.mutable_due_at() = to_proto(at);
    return due;
}

}  // namespace tocsin::publishing
