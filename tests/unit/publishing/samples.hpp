// A cleared bilingual message of two agencies, and short ways to say what happens to its release.
#pragma once

#include "content/channel.hpp"
#include "content/content.hpp"
#include "publishing/decider.hpp"
#include "runtime/base/ids.hpp"
#include "support/given.hpp"
#include "support/sample_clearance.hpp"
#include "support/sample_message.hpp"
#include "texts/contains.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::publishing::samples {

using testing::at;
using GivenRelease = testing::Given<Decider>;

inline bool is_named(const content::Draft& draft, const std::string& channel_id) {
    return draft.channels().empty() || texts::contains(draft.channels(), channel_id);
}

inline content::Content make_content() {
    return content::samples::make_content(
        {.message_id = "msg-1", .realm = "bow", .agencies = {"calgary"}, .expires = at(3600)});
}

inline approval::v1::Event make_cleared(const content::Content& content, std::int64_t round = 1) {
    return approval::samples::make_cleared(content.message_id(), content::serialise(content),
                                           {"calgary", "alberta"}, round);
}

inline runtime::Foreign clearance(const approval::v1::Event& cleared, Time when = at(0)) {
    return testing::foreign<approval::v1::Event>("approval", "bow", {cleared}, when);
}

inline v1::Event channel(const std::string& id, const std::string& kind,
                         const std::string& agency = "calgary") {
    v1::Event event;
    v1::Channel& put = *event.mutable_channel_put()->mutable_channel();
    put.set_channel_id(id);
    put.set_kind(kind);
    put.set_agency_id(agency);
    put.set_active(true);
    const content::Traits& traits = content::traits_of(kind);
    if (traits.address == content::Address::url) put.set_url("https://" + id + ".example.org");
    if (traits.credential != content::CredentialForm::none && !traits.credential_optional)
        put.set_credential(id);
    return event;
}

// The content as it is submitted while there are these channels.
inline content::Content going_to(const std::vector<v1::Event>& channels, content::Content content) {
    content.clear_publishers();
    const content::Draft& draft = content.draft();
    for (const std::string& agency : draft.agencies()) {
        content::Publisher& publisher = *content.add_publishers();
        publisher = content::samples::make_publisher(agency);
        for (const v1::Event& event : channels) {
            const v1::Channel& channel = event.channel_put().channel();
            if (channel.agency_id() != agency || !is_named(draft, channel.channel_id())) continue;
            content::Destination& destination = *publisher.add_destinations();
            destination.set_channel_id(channel.channel_id());
            destination.set_kind(channel.kind());
            destination.set_url(channel.url());
            destination.set_account(channel.credential());
            *destination.mutable_languages() = channel.languages();
        }
    }
    return content;
}

inline std::string release_id(const content::Content& content, std::int64_t round = 1) {
    return runtime::derive_id("rel",
                              {content.message_id(), content::digest(content::serialise(content)),
                               std::to_string(round)});
}

// One release from its clearance on, of a message that was submitted while there were those
// channels; every step is asked by who may ask it.
struct Story {
    content::Content content = make_content();
    GivenRelease given;
    std::int64_t round = 1;

    explicit Story(std::vector<v1::Event> channels, content::Content said = make_content())
        : content(going_to(channels, std::move(said))), given(std::move(channels)) {
        given.by("service:publishing", "", {"service"});
    }

    std::string id() const { return release_id(content, round); }
    const Release& release() const { return given.state().releases.by_id.at(id()); }
    const Delivery& delivery(const std::string& id) const { return *release().find(id); }
    v1::Delivery whole(const std::string& id) const { return release().whole(delivery(id)); }
    v1::ReleaseState state() const { return release().head.state(); }

    Story& clear(Time when = at(0)) {
        given.on(when).when(clearance(make_cleared(content, round), when));
        return *this;
    }
    // Its text came back, and was cleared once more.
    Story& clear_again(Time when) {
        ++round;
        return clear(when);
    }
    Story& prepared(const std::string& delivery, bool ready = true, std::string reason = {},
                    int64_t text_max = 0, Time when = at(1)) {
        v1::Command command;
        v1::RecordPrepared& result = *command.mutable_record_prepared();
        result.set_release_id(id());
        result.set_delivery_id(delivery);
        result.set_ready(ready);
        result.set_reason(std::move(reason));
        result.set_text_max(text_max);
        return tell(command, when);
    }
    Story& claim(const std::string& executor = "x1", Time when = at(1),
                 v1::Purpose purpose = v1::PURPOSE_MESSAGE) {
        v1::Command command;
        command.mutable_claim_release()->set_release_id(id());
        command.mutable_claim_release()->set_executor(executor);
        command.mutable_claim_release()->set_purpose(purpose);
        return tell(command, when);
    }
    Story& outcome(const std::string& delivery, v1::Outcome kind, Time when = at(2),
                   int attempt = 1, const std::string& executor = "x1", std::string reason = {}) {
        v1::RecordOutcome result = result_of(delivery, kind, attempt, executor);
        result.set_reason(std::move(reason));
        if (kind == v1::OUTCOME_CONFIRMED) {
            result.set_receipt("receipt-" + delivery);
            *result.mutable_written_at() = runtime::to_proto(when);
            *result.mutable_confirmed_at() = runtime::to_proto(when);
        }
        return outcome(std::move(result), when);
    }
    v1::RecordOutcome result_of(const std::string& delivery, v1::Outcome kind, int attempt = 1,
                                const std::string& executor = "x1") const {
        v1::RecordOutcome result;
        result.set_release_id(id());
        result.set_delivery_id(delivery);
        result.set_executor(executor);
        result.set_attempt(attempt);
        result.set_outcome(kind);
        return result;
    }
    Story& outcome(v1::RecordOutcome result, Time when) {
        v1::Command command;
        *command.mutable_record_outcome() = std::move(result);
        return tell(command, when);
    }
    // The timer, as the ledger's leader would fire it.
    Story& due() {
        const auto next = Decider::next_due(given.state());
        if (!next) {
            ADD_FAILURE() << "no due time";
            return *this;
        }
        return tell(next->command, next->at);
    }
    Story& stop(Time when = at(10), const std::string& agency = "calgary",
                std::vector<std::string> roles = {"approver"}) {
        v1::Command command;
        command.mutable_stop_release()->set_release_id(id());
        command.mutable_stop_release()->set_reason("wrong river");
        given.by("olga", agency, std::move(roles)).on(when).when(command);
        return *this;
    }
    Story& retry(const std::string& delivery, Time when, const std::string& agency = "calgary",
                 std::vector<std::string> roles = {"duty-officer"}) {
        v1::Command command;
        command.mutable_retry_delivery()->set_release_id(id());
        command.mutable_retry_delivery()->set_delivery_id(delivery);
        command.mutable_retry_delivery()->set_reason("the account is back");
        given.by("olga", agency, std::move(roles)).on(when).when(command);
        return *this;
    }
    // By somebody who looked just then.
    Story& resolve(const std::string& delivery, v1::Finding found, Time when,
                   const std::string& url = {}, std::vector<std::string> roles = {"duty-officer"}) {
        v1::Command command;
        v1::ResolveDeliveryRequest& resolve = *command.mutable_resolve_delivery();
        resolve.set_release_id(id());
        resolve.set_delivery_id(delivery);
        resolve.set_found(found);
        resolve.set_url(url);
        *resolve.mutable_looked_at() = runtime::to_proto(when);
        resolve.set_reason("I looked at the account");
        given.by("olga", "calgary", std::move(roles)).on(when).when(command);
        return *this;
    }
    Story& tell(const v1::Command& command, Time when) {
        given.by("service:publishing", "", {"service"}).on(when).when(command);
        return *this;
    }
};

inline std::vector<v1::Event> feed_only() { return {channel("feed", "feed")}; }
inline std::vector<v1::Event> feed_and_hook() {
    return {channel("feed", "feed"), channel("hook", "webhook")};
}

// Armed at second 1, T0 600 ms later.
inline Story armed(std::vector<v1::Event> channels = feed_and_hook()) {
    Story story{channels};
    story.clear();
    const Deliveries deliveries = story.release().deliveries;
    for (const Delivery& delivery : deliveries) story.prepared(delivery.id());
    return story;
}

}  // namespace tocsin::publishing::samples
