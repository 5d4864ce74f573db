#include "drafting/standing.hpp"

#include "drafting/expiry.hpp"

#include <algorithm>

namespace tocsin::drafting {

using enum v1::MessageState;

bool Standing::move(Track& track, v1::MessageState to, const std::string& reason) {
    if (!may_move(track.at, to)) return false;
    track.at = to;
    track.reason = reason;
    if (to == MESSAGE_STATE_IN_REVIEW) {
        ++track.round;
        track.after_release = false;
    }
    return true;
}

bool Standing::begin_round(Track& track, std::int64_t round) {
    if (!move(track, MESSAGE_STATE_IN_REVIEW)) return false;
    track.round = std::max(track.round, round);
    return true;
}

void Standing::written(const content::v1::Draft& draft, std::int64_t revision,
                       const std::string& author, Time at) {
    draft_ = runtime::SharedBytes(runtime::stable_bytes(draft));
    content_ = {};
    dropped_ = false;
    expires_ = expiry_of(draft).value_or(Time{});
    content::v1::Parties concerned = parties();
    *concerned.mutable_agencies() = draft.agencies();
    parties_ = runtime::KeptParties(concerned);
    head_.edit([&](v1::Message& head) {
        v1::Revision& next = *head.add_revisions();
        next.set_revision(revision);
        next.set_author(author);
        *next.mutable_create_time() = runtime::to_proto(at);
    });
}

void Standing::create(const v1::MessageCreated& created, Time at) {
    known_ = true;
    incident_id_ = created.incident_id();
    v1::Message head;
    head.set_agency(created.agency());
    *head.mutable_create_time() = runtime::to_proto(at);
    head_ = runtime::Packed(head);
    content::v1::Parties parties;
    *parties.mutable_incident_agencies() = created.incident_agencies();
    parties_ = runtime::KeptParties(parties);
    written(created.draft(), 1, created.author(), at);
}

bool Standing::move_drafting(const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kMessageSubmitted:
            return begin_round(drafting_, event.message_submitted().round());
        case v1::Event::kMessageWithdrawn:
            return move(drafting_, MESSAGE_STATE_WITHDRAWN, event.message_withdrawn().reason());
        case v1::Event::kMessageReturned:
            if (!move(drafting_, MESSAGE_STATE_DRAFT, event.message_returned().reason()))
                return false;
            if (!event.message_returned().release_id().empty()) drafting_.after_release = true;
            return true;
        case v1::Event::kMessageClosed:
            return move(drafting_, MESSAGE_STATE_REJECTED, event.message_closed().reason());
        case v1::Event::kMessageCreated:
        case v1::Event::kMessageRevised:
        case v1::Event::kIncidentOpened:
        case v1::Event::kTemplateStored:
        case v1::Event::kCrossingRefused:
        case v1::Event::kAlertsPublished:
        case v1::Event::kAlertsChanged:
        case v1::Event::kChannelFollowed:
        case v1::Event::kAgenciesFollowed:
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return true;
}

bool Standing::apply(const v1::Event& event, Time at) {
    // A message that was never created has no draft to show.
    if (!known_ && !event.has_message_created()) return false;
    if (!move_drafting(event)) return false;
    if (event.has_message_created()) create(event.message_created(), at);
    if (event.has_message_revised()) {
        drafting_.reason.clear();
        const v1::MessageRevised& revised = event.message_revised();
        written(revised.draft(), revised.revision(), revised.author(), at);
    }
    if (event.has_message_submitted()) {
        content_ = runtime::SharedBytes(event.message_submitted().content());
        draft_ = {};
        digest_ = event.message_submitted().digest();
    }
    ++version_;
    updated_ = std::max(updated_, at);
    return true;
}

bool moves_message(const approval::v1::Event& event) {
    return event.has_review_opened() || event.has_cleared() || event.has_review_returned() ||
           event.has_review_rejected();
}

bool Standing::move_approval(const approval::v1::Event& event) {
    if (event.has_review_opened())
        return begin_round(approval_, event.review_opened().review().round());
    if (event.has_cleared()) return move(approval_, MESSAGE_STATE_CLEARED);
    if (event.has_review_returned())
        return move(approval_, MESSAGE_STATE_DRAFT, event.review_returned().reason());
    return move(approval_, MESSAGE_STATE_REJECTED, event.review_rejected().reason());
}

bool Standing::apply(const approval::v1::Event& event, Time at) {
    if (!moves_message(event)) return true;
    if (!move_approval(event)) return false;
    updated_ = std::max(updated_, at);
    return true;
}

bool moves_message(const publishing::v1::Event& event) {
    return event.has_release_planned() || event.has_release_armed() ||
           event.has_deliveries_claimed() || event.has_retraction_armed() ||
           event.has_release_completed() || event.has_release_cancelled() ||
           event.has_release_ended() || event.has_release_superseded();
}

bool Standing::complete(const publishing::v1::ReleaseCompleted& completed) {
    const bool retracted = completed.state() == publishing::v1::RELEASE_STATE_RETRACTED;
    const bool partly = completed.state() == publishing::v1::RELEASE_STATE_PARTLY_RETRACTED;
    // Retracted again it was for what became public later. One that was given up, or taken back, is
    // released where a channel has it after all.
    if (publishing_.at == MESSAGE_STATE_CANCELLED && retracted) return true;
    // Its retraction came to nothing, or did not reach every channel: it stays released, and says
    // why.
    if (publishing_.at == MESSAGE_STATE_RELEASED && !retracted) {
        publishing_.reason = completed.reason();
        return true;
    }
    return retracted ? move(publishing_, MESSAGE_STATE_CANCELLED, publishing_.reason)
                     : move(publishing_, MESSAGE_STATE_RELEASED,
                            partly ? completed.reason() : std::string{});
}

bool Standing::end(const publishing::v1::ReleaseEnded& ended) {
    // Given up again it was where a retraction came to nothing too.
    if (publishing_.at == MESSAGE_STATE_CANCELLED) return true;
    return move(publishing_,
                ended.state() == publishing::v1::RELEASE_STATE_EXPIRED ? MESSAGE_STATE_EXPIRED
                                                                       : MESSAGE_STATE_CANCELLED,
                ended.reason());
}

bool Standing::move_publishing(const publishing::v1::Event& event) {
    if (event.has_release_planned()) {
        // One for each clearance.
        publishing_ = {MESSAGE_STATE_CLEARED,
                       std::max<std::int64_t>(event.release_planned().release().round(), 1),
                       {},
                       false};
        superseded_ = false;
        return true;
    }
    if (event.has_release_armed()) return move(publishing_, MESSAGE_STATE_ARMED);
    // Later claims are further attempts, or the retraction's: something is public already.
    if (event.has_deliveries_claimed() &&
        (publishing_.at == MESSAGE_STATE_CLEARED || publishing_.at == MESSAGE_STATE_ARMED))
        return move(publishing_, MESSAGE_STATE_RELEASING);
    // The reason shows at once; the message is cancelled once every channel has the retraction.
    if (event.has_retraction_armed()) publishing_.reason = event.retraction_armed().reason();
    // Beside where its own release stands, which goes on.
    if (event.has_release_superseded()) superseded_ = !event.release_superseded().by().empty();
    if (event.has_release_completed()) return complete(event.release_completed());
    if (event.has_release_cancelled())
        return move(publishing_, MESSAGE_STATE_CANCELLED, event.release_cancelled().reason());
    if (event.has_release_ended()) return end(event.release_ended());
    return true;
}

bool Standing::apply(const publishing::v1::Event& event, Time at) {
    if (!moves_message(event)) return true;
    if (!move_publishing(event)) return false;
    updated_ = std::max(updated_, at);
    return true;
}

// How far a track is within its round: a submission, then approval's answer, then what drafting
// made of a returned text; then its release, and that it gave the text back.
static int rank(const Track& track) {
    if (track.after_release) return 5;
    switch (track.at) {
        case MESSAGE_STATE_DRAFT:
            return track.round == 0 ? 0 : 2;
        case MESSAGE_STATE_IN_REVIEW:
            return 1;
        case MESSAGE_STATE_CLEARED:
        case MESSAGE_STATE_REJECTED:
            return 2;
        case MESSAGE_STATE_WITHDRAWN:
            return 3;
        case MESSAGE_STATE_ARMED:
        case MESSAGE_STATE_RELEASING:
        case MESSAGE_STATE_RELEASED:
        case MESSAGE_STATE_SUPERSEDED:
        case MESSAGE_STATE_CANCELLED:
        case MESSAGE_STATE_EXPIRED:
        case MESSAGE_STATE_UNSPECIFIED:
        case MessageState_INT_MIN_SENTINEL_DO_NOT_USE_:
        case MessageState_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;  // Publishing's.
    }
    return 4;
}

const Track& Standing::foremost() const {
    const auto weight = [](const Track& track) { return std::pair{track.round, rank(track)}; };
    const Track& reviewed = weight(drafting_) < weight(approval_) ? approval_ : drafting_;
    // Nothing is planned before it is cleared, whatever was read so far.
    if (publishing_.round == 0 || publishing_.round < reviewed.round) return reviewed;
    const bool returned = publishing_.round == reviewed.round && reviewed.after_release;
    return returned ? reviewed : publishing_;
}

v1::MessageState Standing::state() const {
    const Track& track = foremost();
    const bool out = track.at == MESSAGE_STATE_RELEASING || track.at == MESSAGE_STATE_RELEASED;
    return superseded_ && out ? MESSAGE_STATE_SUPERSEDED : track.at;
}

bool Standing::locked() const {
    const v1::MessageState at = foremost().at;
    return at != MESSAGE_STATE_DRAFT && at != MESSAGE_STATE_WITHDRAWN;
}

v1::Message Standing::message() const {
    v1::Message message = head_.get();
    message.set_incident_id(incident_id_);
    *message.mutable_agencies() = parties().agencies();
    message.set_state(state());
    message.set_reason(foremost().reason);
    message.set_etag(std::to_string(version_));
    *message.mutable_update_time() = runtime::to_proto(updated_);
    if (locked()) {
        message.set_content(*content_);
        message.set_digest(digest_);
    }
    message.set_texts_dropped(dropped_);
    if (dropped_) return message;
    if (content_.empty()) {
        message.mutable_draft()->ParseFromString(*draft_);
    } else if (auto submitted = content::parse(*content_)) {
        *message.mutable_draft() = std::move(*submitted->mutable_draft());
        if (locked()) *message.mutable_publishers() = std::move(*submitted->mutable_publishers());
    }
    return message;
}

std::optional<Time> Standing::texts_end() const {
    const Track& last = foremost();
    const bool returned = last.at == MESSAGE_STATE_DRAFT && last.after_release;
    if (!known_ || dropped_ || (!has_ended(last.at) && !returned)) return std::nullopt;
    if (expires_ == Time{}) return updated_ + texts_kept;
    return std::max(updated_, expires_ + moves_after_expiry) + texts_kept;
}

void Standing::drop_texts() {
    dropped_ = true;
    draft_ = {};
    content_ = {};
}

}  // namespace tocsin::drafting
