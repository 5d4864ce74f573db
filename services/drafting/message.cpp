#include "drafting/message.hpp"

#include "drafting/expiry.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <fmt/format.h>

#include <string_view>

namespace tocsin::drafting {

using enum v1::MessageState;

// Who acts where no person stopped a release.
static constexpr std::string_view publishing_itself = "service:publishing";

content::v1::Draft Message::text() const {
    content::v1::Draft result;
    if (content.empty()) {
        result.ParseFromString(*draft);
    } else if (auto submitted = content::parse(*content)) {
        result = std::move(*submitted->mutable_draft());
    }
    return result;
}

const Message* Messages::find(const std::string& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &found->second;
}

// ---- reactions to approval

bool concerns_messages(const runtime::Foreign& foreign) {
    using approval::v1::Event;
    return foreign.service == "approval" &&
           runtime::has_any<Event>(foreign, {Event::kReviewReturned, Event::kReviewRejected});
}

static v1::Event returned_message(const std::string& id, const Message& message,
                                  const approval::v1::ReviewReturned& review) {
    v1::Event event = move_of(id, message.state, MESSAGE_STATE_DRAFT);
    event.mutable_message_returned()->set_actor(review.actor());
    event.mutable_message_returned()->set_reason(review.reason());
    return event;
}

static v1::Event closed_message(const std::string& id, const Message& message,
                                const approval::v1::ReviewRejected& review) {
    v1::Event event = move_of(id, message.state, MESSAGE_STATE_REJECTED);
    event.mutable_message_closed()->set_actor(review.actor());
    event.mutable_message_closed()->set_reason(review.reason());
    return event;
}

void follow_approval(const Messages& messages, const runtime::Foreign& foreign,
                     Happened& happened) {
    if (foreign.service != "approval") return;
    foreign.each<approval::v1::Event>([&](const approval::v1::Event& event) {
        if (!event.has_review_returned() && !event.has_review_rejected()) return;
        const std::string& id = event.message_id();
        const Message* message = messages.find(id);
        if (!message || message->state != MESSAGE_STATE_IN_REVIEW) return;
        happened.events.push_back(event.has_review_returned()
                                      ? returned_message(id, *message, event.review_returned())
                                      : closed_message(id, *message, event.review_rejected()));
        happened.subject = id;
        happened.etag = std::to_string(message->version + 1);
    });
}

// ---- reactions to publishing

bool concerns_returns(const runtime::Foreign& foreign) {
    using publishing::v1::Event;
    return foreign.service == "publishing" &&
           runtime::has_any<Event>(foreign, {Event::kReleaseCancelled, Event::kReleaseEnded});
}

static const publishing::v1::TextReturned& text_of(const publishing::v1::Event& event) {
    return event.has_release_cancelled() ? event.release_cancelled().returned()
                                         : event.release_ended().returned();
}

static v1::Event returned_by_release(const std::string& id, const Message& message,
                                     const publishing::v1::Event& event) {
    const std::string& why = event.has_release_cancelled() ? event.release_cancelled().reason()
                                                           : event.release_ended().reason();
    const auto& text = text_of(event);
    constexpr std::string_view again =
        "Its approvals count for exactly this text, to the same channels and under the same names, "
        "until it expires, except those of people who stopped it or submit it: have it submitted "
        "as "
        "it is to release it again, or revise it, which takes new ones.";
    constexpr std::string_view anew =
        "What stands above is to be corrected first; then it takes new approvals.";
    v1::Event returned = move_of(id, message.state, MESSAGE_STATE_DRAFT);
    v1::MessageReturned& body = *returned.mutable_message_returned();
    body.set_actor(text.stopped_by().empty() ? std::string{publishing_itself} : text.stopped_by());
    body.set_release_id(event.release_id());
    body.set_reason(fmt::format("Release `{}` ended before anything was public: {}{} {}",
                                event.release_id(), why, why.ends_with('.') ? "" : ".",
                                text.as_it_is() ? again : anew));
    return returned;
}

void take_back_released(const Messages& messages, const runtime::Foreign& foreign,
                        Happened& happened) {
    if (foreign.service != "publishing") return;
    std::set<std::string> back;
    foreign.each<publishing::v1::Event>([&](const publishing::v1::Event& event) {
        const auto& text = text_of(event);
        const Message* message = messages.find(text.message_id());
        // What an earlier submission led to brings back nothing of a later one.
        if (!message || message->state != MESSAGE_STATE_IN_REVIEW ||
            message->rounds != text.round() || !back.insert(text.message_id()).second)
            return;
        happened.events.push_back(returned_by_release(text.message_id(), *message, event));
        happened.subject = text.message_id();
        happened.etag = std::to_string(message->version + 1);
    });
}

// ---- events

void Messages::drop_text(const std::string& id, Message& message) {
    if (message.expires) expiring_.erase({*message.expires, id});
    message.draft = {};
    message.content = {};
}

void Messages::write(const std::string& id, Message& message, const content::v1::Draft& draft) {
    drop_text(id, message);
    message.draft = runtime::SharedBytes(runtime::stable_bytes(draft));
    message.agencies.assign(draft.agencies().begin(), draft.agencies().end());
    message.expires = expiry_of(draft);
    if (message.expires) expiring_.emplace(*message.expires, id);
}

bool Messages::evolve(const std::string& id, const v1::MessageCreated& created) {
    Message& message = by_id_[id];
    message.incident_id = created.incident_id();
    message.agency = created.agency();
    write(id, message, created.draft());
    if (!created.draft().evidence().empty()) {
        content::v1::Draft readings;
        *readings.mutable_evidence() = created.draft().evidence();
        message.evidence = runtime::SharedBytes(runtime::stable_bytes(readings));
    }
    message.type = created.message_type();
    message.references.assign(created.references().begin(), created.references().end());
    message.rule_id = created.rule_id();
    message.crossing_id = created.crossing_id();
    message.revision = 1;
    message.version = 1;
    message.editors = {created.editors().begin(), created.editors().end()};
    message.editors.insert(created.author());
    return true;
}

bool Messages::evolve(const std::string& id, const v1::MessageRevised& revised) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return false;
    Message& message = found->second;
    write(id, message, revised.draft());
    message.revision = revised.revision();
    message.editors.insert(revised.author());
    ++message.version;
    return true;
}

Message* Messages::move(const std::string& id, v1::MessageState to) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end() || !may_move(found->second.state, to)) return nullptr;
    Message& message = found->second;
    message.state = to;
    ++message.version;
    return &message;
}

bool Messages::evolve(const std::string& id, const v1::MessageSubmitted& submitted) {
    Message* message = move(id, MESSAGE_STATE_IN_REVIEW);
    if (!message) return false;
    message->editors.insert(submitted.submitter());
    message->rounds = submitted.round();
    // The same bytes that approval and publishing hold.
    if (message->has_text()) message->content = runtime::SharedBytes(submitted.content());
    message->draft = {};
    return true;
}

bool Messages::close(const std::string& id, v1::MessageState to) {
    Message* message = move(id, to);
    if (message) drop_text(id, *message);
    return message != nullptr;
}

bool Messages::evolve(const std::string& id, const v1::MessageWithdrawn&) {
    return close(id, MESSAGE_STATE_WITHDRAWN);
}

bool Messages::evolve(const std::string& id, const v1::MessageReturned& returned) {
    Message* message = move(id, MESSAGE_STATE_DRAFT);
    if (!message) return false;
    if (!returned.release_id().empty() && returned.actor() != publishing_itself)
        message->stoppers.insert(returned.actor());
    return true;
}

bool Messages::evolve(const std::string& id, const v1::MessageClosed&) {
    return close(id, MESSAGE_STATE_REJECTED);
}

void Messages::drop_expired(Time now) {
    while (!expiring_.empty() && expiring_.begin()->first <= now) {
        const std::string id = expiring_.begin()->second;
        drop_text(id, by_id_.at(id));
    }
}

}  // namespace tocsin::drafting
