// From a clearance to a planned release, or to a recorded "no".
#include "content/channel.hpp"
#include "content/content.hpp"
#include "publishing/limits.hpp"
#include "publishing/steps.hpp"
#include "runtime/base/ids.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {

using runtime::to_proto;

// Time that channels get to be ready before the straggler policy speaks.
static constexpr Duration prepare_time = std::chrono::seconds{10};

// Why these bytes must not go out, whatever the channels say; empty when they may.
static std::string distrust(const content::Content& content, const approval::v1::Cleared& cleared,
                            const std::string& realm, Time now) {
    const std::string& world = Decider::constants.world;
    if (content.message_id() != cleared.message_id())
        return "The approved content names another message. Submit it again.";
    if (content.realm() != realm)
        return fmt::format("The approved content is for the realm {}.", content.realm());
    if (content.world() != world)
        return fmt::format("The content was made in the {} world; this is {}.", content.world(),
                           world);
    const bool exercise = content.draft().status() == content::v1::STATUS_EXERCISE;
    if (exercise != (world == "exercise"))
        return exercise ? "Status Exercise exists in the exercise world only."
                        : "In the exercise world only the status Exercise may go out.";
    if (!content.draft().has_expires() || runtime::from_proto(content.draft().expires()) <= now)
        return "The message had expired before it was cleared.";
    return {};
}

static bool wanted(const v1::Channel& channel, const content::Draft& draft) {
    const auto& agencies = draft.agencies();
    if (!channel.active() || std::ranges::find(agencies, channel.agency_id()) == agencies.end())
        return false;
    const auto& chosen = draft.channels();
    return chosen.empty() || std::ranges::find(chosen, channel.channel_id()) != chosen.end();
}

static std::vector<std::string> languages(const v1::Channel& channel,
                                          const content::Content& content) {
    const content::ChannelKind* kind = content::find_kind(channel.kind());
    if (!kind) return {};
    std::vector<std::string> all = kind->languages(content);
    const auto& carried = channel.languages();
    std::erase_if(all, [&](const std::string& language) {
        // An empty one stands for a body with every language in it.
        return !language.empty() && !carried.empty() &&
               std::ranges::find(carried, language) == carried.end();
    });
    return all;
}

// Adds one delivery per channel and language; returns what is to be said about the others.
static std::string add_deliveries(const State& state, const content::Content& content,
                                  v1::Release& release) {
    Account remarks;
    for (const std::string& id : content.draft().channels()) {
        const auto known = state.channels.find(id);
        if (known == state.channels.end() || !wanted(known->second.channel, content.draft()))
            remarks.add(fmt::format("channel {} is not one in use of these agencies;", id));
    }
    for (const auto& [id, known] : state.channels) {
        if (!wanted(known.channel, content.draft())) continue;
        const auto spoken = languages(known.channel, content);
        if (spoken.empty())
            remarks.add(fmt::format("channel {} carries none of the languages;", id));
        for (const std::string& language : spoken) {
            v1::Delivery& delivery = *release.add_deliveries();
            delivery.set_delivery_id(language.empty() ? id : fmt::format("{}:{}", id, language));
            delivery.set_channel_id(id);
            delivery.set_kind(known.channel.kind());
            delivery.set_agency_id(known.channel.agency_id());
            delivery.set_language(language);
            delivery.set_purpose(v1::PURPOSE_MESSAGE);
            delivery.set_state("planned");
        }
    }
    std::string all = remarks.text();
    if (all.ends_with(';')) all.back() = '.';
    return all.empty() ? std::string{} : "Left out: " + all;
}

static void add_senders(v1::ReleasePlanned& planned, const approval::v1::Cleared& cleared) {
    for (const approval::v1::Agency& agency : cleared.agencies()) {
        (*planned.mutable_senders())[agency.agency_id()] = agency.cap_sender();
        *(*planned.mutable_sender_names())[agency.agency_id()].mutable_names() = agency.names();
    }
}

static v1::ReleasePlanned describe(const approval::v1::Cleared& cleared,
                                   const std::string& release_id, Time cleared_at) {
    v1::ReleasePlanned planned;
    v1::Release& release = *planned.mutable_release();
    release.set_release_id(release_id);
    release.set_message_id(cleared.message_id());
    release.set_digest(cleared.digest());
    release.set_state("preparing");
    release.set_skew_ms(-1);
    *release.mutable_clear_time() = to_proto(cleared_at);
    for (const approval::v1::Agency& agency : cleared.agencies())
        release.add_agencies(agency.agency_id());
    *release.mutable_incident_agencies() = cleared.incident_agencies();
    return planned;
}

static void describe_content(v1::ReleasePlanned& planned, const content::Content& content,
                             const approval::v1::Cleared& cleared, Time now) {
    const content::Draft& draft = content.draft();
    planned.mutable_release()->set_incident_id(content.incident_id());
    *planned.mutable_release()->mutable_agencies() = draft.agencies();
    planned.set_content(cleared.content());
    *planned.mutable_expires() = draft.expires();
    planned.set_straggler_policy(draft.straggler_policy());
    planned.set_feed_base_url(Decider::constants.feed_base_url);
    using std::chrono::duration_cast, std::chrono::milliseconds;
    planned.set_arm_lead_ms(duration_cast<milliseconds>(Decider::constants.arm_lead).count());
    Time ready_by = now + prepare_time;
    if (draft.has_release_at()) {
        *planned.mutable_release_at() = draft.release_at();
        const Time last_chance =
            runtime::from_proto(draft.release_at()) - Decider::constants.arm_lead;
        // Who is early need not hurry: a straggler has until the release itself.
        ready_by = std::max(ready_by, last_chance);
    }
    *planned.mutable_prepare_until() = to_proto(ready_by);
    add_senders(planned, cleared);
}

static Happened plan_cleared(const State& state, const approval::v1::Cleared& cleared,
                             const std::string& release_id, const runtime::Foreign& foreign,
                             Time now) {
    v1::ReleasePlanned planned = describe(cleared, release_id, foreign.at);
    std::string refusal;
    const auto content = content::parse(cleared.content());
    if (cleared.content().size() > content::content_bytes_max)
        refusal = fmt::format("The content has {} bytes, of which {} can be released.",
                              cleared.content().size(), content::content_bytes_max);
    else if (content::digest(cleared.content()) != cleared.digest())
        refusal = "The content is not what was approved: its digest differs. Submit it again.";
    else if (!content)
        refusal = fmt::format("The approved content cannot be read: {}.", content.error());
    else
        refusal = distrust(*content, cleared, foreign.realm, now);
    if (const auto busy = state.on_way.find(cleared.message_id());
        refusal.empty() && busy != state.on_way.end())
        refusal = fmt::format("Release {} of the same message is still on its way.", busy->second);
    std::string remarks;
    if (refusal.empty()) {
        describe_content(planned, *content, cleared, now);
        remarks = add_deliveries(state, *content, *planned.mutable_release());
        planned.mutable_release()->set_reason(remarks);
    }

    Turn turn{{}, now, {}};
    v1::Event event;
    *event.mutable_release_planned() = std::move(planned);
    turn.add(std::move(event));
    if (refusal.empty() && turn.release.items.empty())
        refusal = fmt::format("No channel to publish on. {} Add one and submit it again.", remarks);
    if (!refusal.empty()) end(turn, "aborted", std::move(refusal));
    return std::move(turn).done();
}

std::optional<Happened> plan(const State& state, const runtime::Foreign& foreign, Time now) {
    Happened all;
    for (const std::string& bytes : foreign.events) {
        const auto event = runtime::parse_foreign<approval::v1::Event>(bytes);
        if (!event || !event->has_cleared()) continue;
        const approval::v1::Cleared& cleared = event->cleared();
        const std::string id = runtime::derive_id("rel", {cleared.message_id(), cleared.digest()});
        if (state.releases.contains(id) || state.faded.contains(id)) continue;
        Happened one = plan_cleared(state, cleared, id, foreign, now);
        std::ranges::move(one.events, std::back_inserter(all.events));
        all.subject = one.subject;
        all.etag = one.etag;
    }
    if (all.events.empty()) return std::nullopt;
    return all;
}

}  // namespace tocsin::publishing
