#include "publishing/planning.hpp"

#include "content/channel.hpp"
#include "content/content.hpp"
#include "content/publishers.hpp"
#include "publishing/channel_changes.hpp"
#include "publishing/limits.hpp"
#include "publishing/preparing.hpp"
#include "publishing/release_steps.hpp"
#include "publishing/superseding.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/planted.hpp"
#include "texts/contains.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using runtime::to_proto;

// A message that waits for its channels still has this long once it goes.
static constexpr Duration public_at_least = std::chrono::seconds{60};
// What is due at a time is armed this long before: a large release takes some decisions more.
static constexpr Duration armed_ahead = std::chrono::seconds{5};
// What a channel said longer before T0 than this may not hold any more: it is prepared once more
// then.
static constexpr Duration prepared_ahead = std::chrono::seconds{60};

// Why these bytes must not go out, whatever the channels say; empty when they may.
static std::string distrust(const content::Content& content, const std::string& message_id,
                            const std::string& realm, const std::string& world, Time now) {
    if (content.message_id() != message_id)
        return "The approved content names another message. Submit the message again.";
    if (content.realm() != realm)
        return fmt::format("The approved content is for the realm `{}`. Submit the message again.",
                           content.realm());
    if (content.world() != world)
        return fmt::format(
            "The content was made in the {} world, and this is the {} world. Submit "
            "the message again.",
            content.world(), world);
    const bool exercise = content.draft().status() == content::v1::STATUS_EXERCISE;
    if (exercise != (world == "exercise"))
        return exercise ? "A message of the status Exercise goes out in the exercise world only. "
                          "Give it another status."
                        : "In the exercise world only the status Exercise goes out. Give the "
                          "message that one.";
    if (!content.draft().has_expires() || runtime::from_proto(content.draft().expires()) <= now)
        return "The message had expired before it was cleared. Submit it again with a later "
               "expiry.";
    return {};
}

static std::vector<std::string> languages(const content::Destination& destination,
                                          const content::Content& content) {
    const content::ChannelKind* kind = content::find_kind(destination.kind());
    if (!kind) return {};
    std::vector<std::string> all = content::languages_of(kind->traits.parts, content);
    std::erase_if(
        all, [&](const std::string& language) { return !content::carries(destination, language); });
    return all;
}

namespace {

// Deliveries in the making, one per channel and language.
class Plan {
public:
    Plan(const Channels& channels, const content::Content& content, v1::Release& release)
        : channels_(channels), content_(content), release_(release) {}

    // Where people approved that it goes.
    void add_approved() {
        for (const content::Publisher& publisher : content_.publishers())
            for (const content::Destination& destination : publisher.destinations()) {
                const auto spoken = languages(destination, content_);
                if (spoken.empty())
                    remarks_.add(fmt::format("channel `{}` carries none of its languages;",
                                             destination.channel_id()));
                for (const std::string& language : spoken)
                    stand({&publisher, &destination},
                          add(destination, publisher.agency_id(), language));
            }
    }

    // Where it would go as well had it been submitted now.
    void add_new() {
        const content::Draft& draft = content_.draft();
        for (const std::string& id : draft.channels())
            if (!content::find_target(content_, id).destination && !channels_.by_id.contains(id))
                remarks_.add(fmt::format("no agency of the message has a channel `{}`;", id));
        for (const auto& [id, known] : channels_.by_id) {
            const v1::Channel& channel = known.channel;
            if (!channel.active() || !content::is_wanted(draft, id) ||
                !texts::contains(draft.agencies(), channel.agency_id()))
                continue;
            content::Destination destination;
            destination.set_channel_id(id);
            destination.set_kind(channel.kind());
            *destination.mutable_languages() = channel.languages();
            for (const std::string& language : languages(destination, content_)) {
                if (planned_.contains(id_of(id, language))) continue;
                if (release_.deliveries_size() >= deliveries_max) return;
                v1::Delivery& delivery = add(destination, channel.agency_id(), language);
                delivery.set_excused(true);
                leave_out(delivery,
                          "The message was submitted without this channel, so that nobody approved "
                          "that it goes there.");
            }
        }
    }

    std::string remarks() const {
        std::string all = remarks_.text();
        if (all.ends_with(';')) all.back() = '.';
        return all.empty() ? std::string{} : "Left out: " + all;
    }

private:
    static std::string id_of(const std::string& channel_id, const std::string& language) {
        return language.empty() ? channel_id : fmt::format("{}:{}", channel_id, language);
    }

    v1::Delivery& add(const content::Destination& destination, const std::string& agency,
                      const std::string& language) {
        const std::string& id = destination.channel_id();
        v1::Delivery& delivery = *release_.add_deliveries();
        delivery.set_delivery_id(id_of(id, language));
        planned_.insert(delivery.delivery_id());
        delivery.set_channel_id(id);
        delivery.set_kind(destination.kind());
        delivery.set_agency_id(agency);
        delivery.set_language(language);
        delivery.set_purpose(v1::PURPOSE_MESSAGE);
        delivery.set_state(v1::DELIVERY_STATE_PLANNED);
        return delivery;
    }

    static void leave_out(v1::Delivery& delivery, const char* why) {
        delivery.set_state(v1::DELIVERY_STATE_SKIPPED);
        delivery.set_reason(why);
    }

    // What the channel as it is now means for it.
    void stand(const content::Target& target, v1::Delivery& delivery) const {
        const auto now = shared_channel(channels_, delivery.channel_id());
        if (!now || !now->active())
            return leave_out(delivery, "Its channel was removed after the message was submitted.");
        if (!content::carries(*now, delivery.language()))
            return leave_out(delivery, "Its channel does not carry this language any more.");
        std::string apart = reason_apart(target, *now);
        if (apart.empty() || planted(runtime::Bug::led_elsewhere)) return;
        delivery.set_state(v1::DELIVERY_STATE_NOT_READY);
        delivery.set_reason(std::move(apart));
    }

    const Channels& channels_;
    const content::Content& content_;
    v1::Release& release_;
    std::set<std::string> planned_;  // deliveries
    Account remarks_;
};

}  // namespace

static v1::ReleasePlanned describe(const approval::v1::Event& event, const std::string& release_id,
                                   Time cleared_at) {
    const approval::v1::Cleared& cleared = event.cleared();
    v1::ReleasePlanned planned;
    v1::Release& release = *planned.mutable_release();
    release.set_release_id(release_id);
    release.set_message_id(event.message_id());
    release.set_digest(cleared.digest());
    release.set_state(v1::RELEASE_STATE_PREPARING);
    release.set_skew_ms(-1);
    release.set_round(cleared.round());
    *release.mutable_clear_time() = to_proto(cleared_at);
    *release.mutable_agencies() = cleared.agencies();
    *release.mutable_incident_agencies() = cleared.incident_agencies();
    return planned;
}

static void describe_content(v1::ReleasePlanned& planned, const content::Content& content,
                             const approval::v1::Cleared& cleared, const Constants& constants,
                             Time now) {
    const content::Draft& draft = content.draft();
    planned.mutable_release()->set_incident_id(content.incident_id());
    *planned.mutable_release()->mutable_agencies() = draft.agencies();
    planned.set_content(cleared.content());
    *planned.mutable_expires() = draft.expires();
    *planned.mutable_stragglers() = draft.stragglers();
    planned.set_feed_base_url(constants.feed_base_url);
    using std::chrono::duration_cast, std::chrono::milliseconds;
    planned.set_arm_lead_ms(duration_cast<milliseconds>(constants.arm_lead).count());
    const Time answered = now + time_to_answer(draft.stragglers());
    Time go_at = answered;
    if (draft.has_release_at()) {
        *planned.mutable_release()->mutable_release_at() = draft.release_at();
        const Time release_at = runtime::from_proto(draft.release_at());
        go_at = std::max(go_at, release_at - constants.arm_lead - armed_ahead);
        if (now + 2 * prepared_ahead < release_at)
            *planned.mutable_prepare_again_at() = to_proto(release_at - prepared_ahead);
    }
    go_at += std::chrono::seconds{draft.stragglers().wait_seconds()};
    go_at =
        std::max(answered, std::min(go_at, runtime::from_proto(draft.expires()) - public_at_least));
    *planned.mutable_go_at() = to_proto(go_at);
}

// Why a clearance leads to no release; empty where it leads to one. `content`: what was parsed.
static std::string clearance_problem(const approval::v1::Event& event,
                                     const std::expected<content::Content, std::string>& content,
                                     const std::string& realm, const std::string& world, Time now) {
    const approval::v1::Cleared& cleared = event.cleared();
    if (cleared.content().size() > content::content_bytes_max)
        return fmt::format("The content has {} bytes, and at most {} can be released. Shorten it.",
                           cleared.content().size(), content::content_bytes_max);
    if (content::digest(cleared.content()) != cleared.digest())
        return "The content is not what was approved: its digest differs. Submit the message "
               "again.";
    if (!content)
        return fmt::format("The approved content cannot be read: {}. Submit the message again.",
                           content.error());
    return distrust(*content, event.message_id(), realm, world, now);
}

// Why an earlier release of the message leaves no room for another one; empty where none does.
static std::string earlier_release_problem(const Releases& releases,
                                           const std::string& message_id) {
    if (const auto busy = releases.on_way.find(message_id); busy != releases.on_way.end())
        return fmt::format(
            "Release `{}` of the same message is still on its way. Wait for its end, or stop it, "
            "and submit the message again.",
            busy->second);
    for (const auto& [id, release] : releases.by_id)
        if (release.head.message_id() == message_id && !release.never_left())
            return fmt::format(
                "Release `{}` of the same message is or may be public. Publish an update instead.",
                id);
    return {};
}

static Happened plan_cleared(const Constants& constants, const Channels& channels,
                             const Releases& releases, const approval::v1::Event& event,
                             const std::string& release_id, const runtime::Foreign& foreign,
                             Time now) {
    const approval::v1::Cleared& cleared = event.cleared();
    v1::ReleasePlanned planned = describe(event, release_id, foreign.at);
    const auto content = content::parse(cleared.content());
    std::string refusal = clearance_problem(event, content, foreign.realm, constants.world, now);
    if (refusal.empty()) refusal = earlier_release_problem(releases, event.message_id());
    std::string remarks;
    std::vector<std::string> supersedes;
    if (refusal.empty()) {
        if (auto all = earlier_releases(releases, *content))
            supersedes = std::move(*all);
        else
            refusal = std::move(all.error());
    }
    if (refusal.empty()) {
        for (std::string& id : supersedes) planned.mutable_release()->add_supersedes(std::move(id));
        describe_content(planned, *content, cleared, constants, now);
        Plan plan{channels, *content, *planned.mutable_release()};
        plan.add_approved();
        plan.add_new();
        remarks = plan.remarks();
        for (v1::Delivery& delivery : *planned.mutable_release()->mutable_deliveries())
            delivery.set_in_reply_to(
                answered_post(releases, *content, planned.release(), delivery));
        planned.mutable_release()->set_reason(remarks);
    }

    Turn turn{{}, now, {}};
    v1::Event first = event_of(release_id);
    *first.mutable_release_planned() = std::move(planned);
    turn.add(std::move(first));
    if (!refusal.empty()) {
        turn.end(v1::RELEASE_STATE_ABORTED, std::move(refusal), false);
    } else if (turn.release.deliveries.empty()) {
        turn.end(
            v1::RELEASE_STATE_ABORTED,
            fmt::format("There is no channel to publish on.{}{} Add one, and submit the message "
                        "again, which takes new approvals.",
                        remarks.empty() ? "" : " ", remarks),
            false);
    }
    return std::move(turn).done();
}

// Each clearance has a release of its own, and every instance gives it the same name.
static std::string id_of_release(const approval::v1::Event& event) {
    const approval::v1::Cleared& cleared = event.cleared();
    return runtime::derive_id(
        "rel", {event.message_id(), cleared.digest(), std::to_string(cleared.round())});
}

std::optional<Happened> plan_releases(const Constants& constants, const Channels& channels,
                                      const Releases& releases, const runtime::Foreign& foreign,
                                      Time now) {
    Happened all;
    foreign.each<approval::v1::Event>([&](const approval::v1::Event& event) {
        if (!event.has_cleared()) return;
        const std::string id = id_of_release(event);
        if (releases.by_id.contains(id) || releases.faded.contains(id)) return;
        Happened one = plan_cleared(constants, channels, releases, event, id, foreign, now);
        std::ranges::move(one.events, std::back_inserter(all.events));
        all.subject = one.subject;
        all.etag = one.etag;
    });
    if (all.events.empty()) return std::nullopt;
    return all;
}

}  // namespace tocsin::publishing
