#include "measurement/message.hpp"

#include "runtime/base/digest.hpp"
#include "runtime/ledger/refusals.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::measurement {

using runtime::Asking;

MilestoneKey key_of(const v1::Event& reached) {
    const v1::MilestoneReached& body = reached.milestone_reached();
    const v1::Milestone& point = body.milestone();
    // Two people of one agency approve; of the other kinds the first to do it counts.
    const std::string& who =
        point.kind() == v1::MILESTONE_KIND_APPROVED ? point.person() : std::string{};
    // 120 bits distinguish them.
    const std::string digest = runtime::sha256(
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}", static_cast<int>(point.kind()), point.agency(),
                    point.channel(), reached.release_id(), body.delivery_id(), who));
    MilestoneKey key;
    std::copy_n(digest.begin(), key.size(), key.begin());
    return key;
}

// ---- commands

Verdict add_remark(const Messages& messages, const Asking& asking,
                   const v1::AddRemarkRequest& request, Time now) {
    if (auto no = runtime::require_role(asking, {"analyst", "duty-officer"}))
        return std::unexpected(*no);
    const auto found = messages.by_id.find(request.message_id());
    if (found == messages.by_id.end())
        return std::unexpected(runtime::no_such("message", request.message_id(), "message_id"));
    if (!runtime::concerns(asking, found->second.parties.get()))
        return std::unexpected(runtime::not_concerned(asking, "message_id"));
    if (found->second.remarks >= remarks_max)
        return std::unexpected(runtime::no_room(
            "too_many_remarks", {.of = fmt::format("message `{}`", request.message_id()),
                                 .bound = remarks_max,
                                 .things = "remarks",
                                 .remedy = "keep further notes elsewhere",
                                 .field = "message_id"}));
    Happened happened{{}, request.message_id(), fmt::format("{}", found->second.remarks + 1)};
    v1::Event& event = happened.events.emplace_back(event_of(request.message_id()));
    auto& point = *event.mutable_remark_added()->mutable_milestone();
    point.set_kind(v1::MILESTONE_KIND_REMARK);
    *point.mutable_at() = runtime::to_proto(now);
    point.set_agency(asking.agency);
    point.set_text(request.text());
    point.set_person(asking.actor);
    return happened;
}

// ---- events

static void evolve_milestone(Messages& messages, const v1::Event& event) {
    const v1::MilestoneReached& reached = event.milestone_reached();
    if (reached.milestone().kind() == v1::MILESTONE_KIND_CROSSED)
        messages.crossings.insert(reached.crossing_id());
    if (!event.message_id().empty())
        messages.by_id[event.message_id()].reached.insert(key_of(event));
}

void evolve(Messages& messages, const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kMilestoneReached:
            return evolve_milestone(messages, event);
        case v1::Event::kRemarkAdded:
            ++messages.by_id[event.message_id()].remarks;
            return;
        case v1::Event::kPartiesNoted:
            messages.by_id[event.message_id()].parties =
                runtime::KeptParties(event.parties_noted().parties());
            return;
        case v1::Event::kSkewMeasured:
        case v1::Event::kDeliveriesNoted:
        case v1::Event::BODY_NOT_SET:
            return;
    }
}

}  // namespace tocsin::measurement
