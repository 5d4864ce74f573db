#include "measurement/decider.hpp"

#include "measurement/telling.hpp"
#include "runtime/base/digest.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::measurement {
namespace {

using runtime::Asking;
using runtime::Because;
using runtime::reject;
using Happened = runtime::Happened<v1::Event>;
using Verdict = runtime::Verdict<v1::Event>;

constexpr std::int64_t remarks_max = 1000;

Verdict add_remark(const State& state, const Asking& asking, const v1::AddRemarkRequest& request,
                   Time now) {
    if (!asking.has("analyst") && !asking.has("duty-officer"))
        return reject(Because::permission_denied, "role_missing",
                      "this needs the role analyst or duty-officer");
    const auto found = state.messages.find(request.message_id());
    if (found == state.messages.end())
        return reject(Because::not_found, "message_not_found",
                      fmt::format("there is no message {}", request.message_id()), "message_id");
    if (!runtime::concerns(asking, found->second.parties.get()))
        return reject(Because::permission_denied, "other_agency",
                      runtime::not_concerned(asking.agency), "message_id");
    if (found->second.remarks >= remarks_max)
        return reject(Because::resource_exhausted, "too_many_remarks",
                      fmt::format("a message has at most {} remarks", remarks_max), "message_id");
    Happened happened{{}, request.message_id(), fmt::format("{}", found->second.remarks + 1)};
    auto& added = *happened.events.emplace_back().mutable_remark_added();
    added.set_message_id(request.message_id());
    added.set_actor(asking.actor);
    auto& point = *added.mutable_milestone();
    point.set_kind("remark");
    *point.mutable_at() = runtime::to_proto(now);
    point.set_agency(asking.agency);
    point.set_text(request.text());
    return happened;
}

// But for what was refused: its channel may tell later that it has it after all.
void drop_final(ReleaseState& release, std::string_view purpose) {
    std::erase_if(release.deliveries, [&](const auto& entry) {
        const DeliveryState& delivery = entry.second;
        return delivery.purpose == purpose && is_final(delivery.state) &&
               delivery.state != "refused";
    });
    const bool over = std::ranges::none_of(
        release.deliveries, [&](const auto& entry) { return entry.second.purpose == purpose; });
    if (over) release.fired_at.erase(std::string(purpose));
}

void evolve_reached(State& state, const v1::MilestoneReached& reached) {
    const std::string& kind = reached.milestone().kind();
    const Time at = runtime::from_proto(reached.milestone().at());
    if (kind == "crossed") state.crossings.insert(reached.crossing_id());
    if (!reached.message_id().empty())
        state.messages[reached.message_id()].reached.insert(key_of(reached));
    if (reached.release_id().empty()) return;
    ReleaseState& release = state.releases[reached.release_id()];
    if (kind == "fired") release.fired_at[reached.milestone().purpose()] = at;
    if (kind == "corrected") drop_final(release, "retraction");
    const auto delivery = release.deliveries.find(reached.delivery_id());
    if (delivery == release.deliveries.end()) return;
    delivery->second.state = kind;
    if (kind == "confirmed") delivery->second.confirmed_at = at;
    if (release.skew_measured) drop_final(release, "message");
}

void evolve_noted(State& state, const v1::DeliveriesNoted& noted) {
    ReleaseState& release = state.releases[noted.release_id()];
    release.message_id = noted.message_id();
    for (const v1::NotedDelivery& one : noted.deliveries()) {
        DeliveryState& delivery = release.deliveries[one.delivery_id()];
        delivery.agency = one.agency();
        delivery.channel = one.channel();
        delivery.kind = one.kind();
        delivery.purpose = one.purpose();
        delivery.state = one.state();
    }
}

}  // namespace

MilestoneKey key_of(const v1::MilestoneReached& reached) {
    const v1::Milestone& point = reached.milestone();
    // Two people of one agency approve; of the other kinds the words make no difference.
    const std::string& who = point.kind() == "approved" ? point.text() : std::string{};
    // 120 bits tell them apart.
    const std::string digest = runtime::sha256(
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}", point.kind(), point.agency(), point.channel(),
                    reached.release_id(), reached.delivery_id(), who));
    MilestoneKey key;
    std::copy_n(digest.begin(), key.size(), key.begin());
    return key;
}

bool is_final(std::string_view state) {
    return state == "confirmed" || state == "refused" || state == "skipped" ||
           state == "stood_down";
}

Verdict Decider::decide(const State& state, const Asking& asking, const Command& command,
                        Time now) {
    switch (command.body_case()) {
        case Command::kAddRemark:
            return add_remark(state, asking, command.add_remark(), now);
        case Command::BODY_NOT_SET:
            break;  // Sent by a newer client.
    }
    return reject(Because::unimplemented, "unknown_command", "this version cannot obey it");
}

std::optional<Happened> Decider::react(const State& state, const runtime::Foreign& foreign, Time) {
    Telling telling(state, foreign.at);
    if (foreign.service == "trigger") tell_trigger(telling, foreign);
    if (foreign.service == "drafting") tell_drafting(telling, foreign);
    if (foreign.service == "approval") tell_approval(telling, foreign);
    if (foreign.service == "publishing") tell_publishing(telling, foreign);
    return std::move(telling).done();
}

bool Decider::concerns(const runtime::Foreign& foreign) {
    using Drafted = drafting::v1::Event;
    using Approved = approval::v1::Event;
    using Published = publishing::v1::Event;
    using Triggered = trigger::v1::Event;
    if (foreign.service == "trigger")
        return runtime::has_any<Triggered>(foreign, {Triggered::kRuleCrossed});
    if (foreign.service == "drafting")
        return runtime::has_any<Drafted>(
            foreign,
            {Drafted::kMessageCreated, Drafted::kMessageRevised, Drafted::kMessageSubmitted});
    if (foreign.service == "approval")
        return runtime::has_any<Approved>(foreign, {Approved::kApprovalGiven, Approved::kCleared});
    return runtime::has_any<Published>(
        foreign,
        {Published::kReleasePlanned, Published::kReleaseArmed, Published::kDeliveriesClaimed,
         Published::kDeliverySettled, Published::kReleaseCancelled, Published::kReleaseEnded,
         Published::kRetractionArmed, Published::kDeliveryUnknown, Published::kDeliveryRearmed,
         Published::kReleaseCompleted});
}

bool Decider::evolve(State& state, const Event& event, Time) {
    switch (event.body_case()) {
        case Event::kMilestoneReached:
            evolve_reached(state, event.milestone_reached());
            return true;
        case Event::kRemarkAdded:
            ++state.messages[event.remark_added().message_id()].remarks;
            return true;
        case Event::kSkewMeasured: {
            ReleaseState& release = state.releases[event.skew_measured().release_id()];
            release.skew_measured = true;
            drop_final(release, "message");
            return true;
        }
        case Event::kDeliveriesNoted:
            evolve_noted(state, event.deliveries_noted());
            return true;
        case Event::kPartiesNoted:
            state.messages[event.parties_noted().message_id()].parties =
                runtime::KeptParties(event.parties_noted().parties());
            return true;
        case Event::BODY_NOT_SET:
            break;  // From a newer version.
    }
    return false;
}

}  // namespace tocsin::measurement
