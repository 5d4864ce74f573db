#include "drafting/destinations.hpp"

#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace tocsin::drafting {

using google::protobuf::util::MessageDifferencer;

std::vector<content::Publisher> publishers_of(const Destinations& destinations,
                                              const content::Draft& draft) {
    std::vector<content::Publisher> all;
    for (const std::string& agency : draft.agencies()) {
        if (std::ranges::find(all, agency, &content::Publisher::agency_id) != all.end()) continue;
        content::Publisher& publisher = all.emplace_back();
        if (const auto known = destinations.agencies.find(agency);
            known != destinations.agencies.end())
            publisher = known->second;
        publisher.set_agency_id(agency);
        for (const auto& [id, owned] : destinations.channels)
            if (owned.agency == agency && content::is_wanted(draft, id))
                *publisher.add_destinations() = owned.destination;
    }
    return all;
}

// Where lives are at stake one network that is down must not be all there is.
static std::optional<content::Finding> few_kinds(const std::vector<content::Publisher>& publishers,
                                                 const content::Draft& draft) {
    if (draft.severity() != content::v1::SEVERITY_EXTREME) return std::nullopt;
    std::set<std::string_view> kinds;
    for (const content::Publisher& publisher : publishers)
        for (const content::Destination& destination : publisher.destinations())
            kinds.insert(destination.kind());
    if (kinds.size() != 1) return std::nullopt;
    return content::Finding{
        content::Finding::Level::warning, "few_kinds", "channels",
        fmt::format("An Extreme message goes out on one kind of channel only (`{}`), which may be "
                    "down: add a channel of another kind, or acknowledge it.",
                    *kinds.begin())};
}

std::vector<content::Finding> destination_findings(
    const std::vector<content::Publisher>& publishers, const content::Draft& draft) {
    using enum content::Finding::Level;
    std::vector<content::Finding> found;
    const auto goes_to = [&](const std::string& channel_id) {
        return std::ranges::any_of(publishers, [&](const content::Publisher& publisher) {
            return std::ranges::find(publisher.destinations(), channel_id,
                                     &content::Destination::channel_id) !=
                   publisher.destinations().end();
        });
    };
    for (int i = 0; i < draft.channels_size(); ++i)
        if (!goes_to(draft.channels(i)))
            found.push_back({error, "unknown_channel", fmt::format("channels[{}]", i),
                             fmt::format("No agency of the message has a channel `{}` in use: "
                                         "leave it out, or name one of theirs.",
                                         draft.channels(i))});
    for (std::size_t i = 0; i < publishers.size(); ++i)
        if (publishers[i].destinations().empty())
            found.push_back({warning, "no_channel", fmt::format("agencies[{}]", i),
                             fmt::format("Agency `{}` publishes it nowhere: it has no channel in "
                                         "use, or the message names none of its channels.",
                                         publishers[i].agency_id())});
    if (auto few = few_kinds(publishers, draft)) found.push_back(std::move(*few));
    return found;
}

// ---- reactions to approval and publishing

bool concerns_destinations(const runtime::Foreign& foreign) {
    if (foreign.service == "approval")
        return runtime::has_any<approval::v1::Event>(foreign,
                                                     {approval::v1::Event::kRosterImported});
    return foreign.service == "publishing" &&
           runtime::has_any<publishing::v1::Event>(
               foreign,
               {publishing::v1::Event::kChannelPut, publishing::v1::Event::kChannelRemoved});
}

static v1::Event channel_put(const publishing::v1::Channel& channel) {
    v1::Event event = event_of({});
    v1::ChannelFollowed& followed = *event.mutable_channel_followed();
    followed.set_agency_id(channel.agency_id());
    content::Destination& destination = *followed.mutable_destination();
    destination.set_channel_id(channel.channel_id());
    destination.set_kind(channel.kind());
    destination.set_url(channel.url());
    destination.set_account(channel.credential());
    *destination.mutable_languages() = channel.languages();
    return event;
}

static v1::Event channel_removed(const std::string& id) {
    v1::Event event = event_of({});
    event.mutable_channel_followed()->mutable_destination()->set_channel_id(id);
    event.mutable_channel_followed()->set_removed(true);
    return event;
}

// Those that are not known so already.
static v1::Event agencies_named(const Destinations& destinations,
                                const approval::v1::Roster& roster) {
    v1::Event event = event_of({});
    v1::AgenciesFollowed& followed = *event.mutable_agencies_followed();
    for (const approval::v1::Agency& agency : roster.agencies()) {
        content::Publisher named;
        named.set_agency_id(agency.agency_id());
        *named.mutable_names() = agency.names();
        named.set_cap_sender(agency.cap_sender());
        const auto known = destinations.agencies.find(agency.agency_id());
        if (known == destinations.agencies.end() ||
            !MessageDifferencer::Equals(known->second, named))
            *followed.add_agencies() = std::move(named);
    }
    return event;
}

static void add(v1::Event event, std::string subject, Happened& happened) {
    happened.subject = std::move(subject);
    happened.etag.clear();
    happened.events.push_back(std::move(event));
}

void follow_destinations(const Destinations& destinations, const runtime::Foreign& foreign,
                         Happened& happened) {
    if (foreign.service == "approval")
        foreign.each<approval::v1::Event>([&](const approval::v1::Event& event) {
            v1::Event named = agencies_named(destinations, event.roster_imported().roster());
            if (!named.agencies_followed().agencies().empty()) add(std::move(named), {}, happened);
        });
    if (foreign.service == "publishing")
        foreign.each<publishing::v1::Event>([&](const publishing::v1::Event& event) {
            if (event.has_channel_put()) {
                const auto& channel = event.channel_put().channel();
                add(channel_put(channel), channel.channel_id(), happened);
            }
            if (event.has_channel_removed())
                add(channel_removed(event.channel_removed().channel_id()),
                    event.channel_removed().channel_id(), happened);
        });
}

// ---- events

void evolve(Destinations& destinations, const v1::ChannelFollowed& followed) {
    const std::string& id = followed.destination().channel_id();
    if (followed.removed())
        destinations.channels.erase(id);
    else
        destinations.channels[id] = {followed.agency_id(), followed.destination()};
}

void evolve(Destinations& destinations, const v1::AgenciesFollowed& followed) {
    for (const content::Publisher& agency : followed.agencies())
        destinations.agencies[agency.agency_id()] = agency;
}

}  // namespace tocsin::drafting
