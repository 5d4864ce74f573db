#include "bench/newsroom.hpp"

#include "bench/city.hpp"
#include "bench/messages.hpp"
#include "bench/setup.hpp"
#include "runtime/host/clock.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tocsin::bench {

using namespace std::chrono_literals;
using approval::v1::ApprovalService;
using drafting::v1::DraftingService;
using publishing::v1::PublishingService;

static constexpr std::array people{"author", "approver", "admin", "duty-officer"};

double ms_between(runtime::Time from, runtime::Time to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
}

static std::string subject_of(const std::string& agency, const std::string& role) {
    return fmt::format("{}@{}.example", role, agency);
}

Newsroom::Newsroom(Stage& stage, Audience& audience, AgencySizes sizes)
    : stage_(stage), audience_(audience), sizes_(std::move(sizes)), all_(start_all(stage)) {
    import_agencies();
    std::string entries;
    for (const auto& [agency, count] : sizes_)
        entries += fmt::format(R"({}"{}":{})", entries.empty() ? "" : ",", agency,
                               webhook_credential(stage, realm, agency, audience.origin()));
    store_credentials(stage, "{" + entries + "}");
    for (const auto& [agency, count] : sizes_) {
        const std::string admin = token(agency, "admin");
        for (const auto severity : {content::v1::SEVERITY_EXTREME, content::v1::SEVERITY_SEVERE,
                                    content::v1::SEVERITY_MINOR})
            set_policy(all_, admin, severity);
        put_channels(agency, count);
    }
    open_incident();
}

std::string Newsroom::token(const std::string& agency, const std::string& role) const {
    return stage_.token(subject_of(agency, role), realm, {role}, agency);
}

void Newsroom::import_agencies() {
    approval::v1::ImportRosterRequest request;
    for (const auto& [agency, count] : sizes_) {
        approval::v1::Agency& one = *request.mutable_roster()->add_agencies();
        one.set_agency_id(agency);
        (*one.mutable_names())["en-CA"] = "The " + agency;
        (*one.mutable_names())["fr-CA"] = "La " + agency;
        one.set_cap_sender(subject_of(agency, "alerts"));
        for (const char* role : people) {
            approval::v1::Person& person = *request.mutable_roster()->add_people();
            person.set_subject(subject_of(agency, role));
            person.set_name(person.subject());
            person.set_agency_id(agency);
            person.add_roles(role);
        }
    }
    change(*ApprovalService::NewStub(all_.channel), &ApprovalService::Stub::ImportRoster,
           token(sizes_.front().first, "admin"), request);
}

void Newsroom::put_channels(const std::string& agency, int count) {
    const auto stub = PublishingService::NewStub(all_.channel);
    const std::string admin = token(agency, "admin");
    std::string position;
    for (int i = 0; i < count; ++i) {
        publishing::v1::PutChannelRequest channel;
        channel.set_channel_id(fmt::format("{}-{}", agency, i));
        channel.set_kind("webhook");
        channel.set_name(channel.channel_id());
        channel.set_url(audience_.url(agency, i));
        channel.set_credential(agency);
        position = change(*stub, &PublishingService::Stub::PutChannel, admin, channel).position();
    }
    if (count > 0) await_in_drafting(all_, token(agency, "author"), position);
}

void Newsroom::open_incident() {
    drafting::v1::CreateIncidentRequest incident;
    incident.set_kind("flood");
    incident.set_title("Bow River");
    for (const auto& [agency, count] : sizes_) incident.add_agencies(agency);
    incident_ =
        change(*DraftingService::NewStub(all_.channel), &DraftingService::Stub::CreateIncident,
               token(sizes_.front().first, "author"), incident)
            .id();
}

drafting::v1::Message Newsroom::submit(const Draft& draft) {
    content::v1::Draft text = make_draft();
    text.mutable_agencies()->Assign(draft.agencies.begin(), draft.agencies.end());
    text.set_severity(draft.severity);
    if (draft.release_at) *text.mutable_release_at() = runtime::to_proto(*draft.release_at);
    const auto message =
        bench::submit(all_, token(draft.agencies.front(), "author"), incident_, text);
    for (std::size_t i = 0; i + 1 < draft.agencies.size(); ++i)
        approve(all_, token(draft.agencies[i], "approver"), message);
    return message;
}

runtime::Time Newsroom::clear(const drafting::v1::Message& message, const Agencies& agencies) {
    return approve(all_, token(agencies.back(), "approver"), message);
}

runtime::Time Newsroom::stop(const publishing::v1::Release& release) {
    publishing::v1::StopReleaseRequest request;
    request.set_release_id(release.release_id());
    request.set_reason("A mistake.");
    const auto called = runtime::system_now();
    change(*PublishingService::NewStub(all_.channel), &PublishingService::Stub::StopRelease,
           token(release.agencies(0), "duty-officer"), request);
    return called;
}

publishing::v1::Release Newsroom::await(const drafting::v1::Message& message,
                                        publishing::v1::ReleaseState state) const {
    return await_release(all_, token(message.agency(), "author"), message.message_id(), state, 60s);
}

Newsroom::Sent Newsroom::send(const Draft& draft) {
    for (const std::string& agency : draft.agencies) audience_.forget(agency);
    Sent sent;
    sent.message = submit(draft);
    sent.called = clear(sent.message, draft.agencies);
    for (const std::string& agency : draft.agencies) {
        const std::size_t count = this->count({agency});
        if (count == 0) continue;
        const auto arrivals = audience_.await(agency, count, 60s);
        sent.arrivals.insert(sent.arrivals.end(), arrivals.begin(), arrivals.end());
    }
    std::ranges::sort(sent.arrivals);
    sent.release = await(sent.message, publishing::v1::RELEASE_STATE_RELEASED);
    sent.fire_at = runtime::from_proto(sent.release.fire_at());
    return sent;
}

std::size_t Newsroom::count(const Agencies& agencies) const { return urls(agencies).size(); }

std::vector<std::string> Newsroom::urls(const Agencies& agencies) const {
    std::vector<std::string> all;
    for (const auto& [agency, count] : sizes_)
        if (std::ranges::find(agencies, agency) != agencies.end())
            for (int i = 0; i < count; ++i) all.push_back(audience_.url(agency, i));
    return all;
}

}  // namespace tocsin::bench
