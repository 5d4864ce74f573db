#include "drafting/standing.hpp"

#include "drafting/expiry.hpp"

#include <algorithm>

namespace tocsin::drafting {

using content::Lifecycle;

bool Standing::move(Track& track, Lifecycle to, const std::string& reason) {
    if (!content::may_move(track.at, to)) return false;
    track.at = to;
    track.reason = reason;
    if (to == Lifecycle::in_review) ++track.round;
    return true;
}

void Standing::written(const content::v1::Draft& draft, std::int64_t revision,
                       const std::string& author, Time at) {
    draft_ = runtime::SharedBytes(runtime::stable_bytes(draft));
    content_ = {};
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
            return move(drafting_, Lifecycle::in_review);
        case v1::Event::kMessageWithdrawn:
            return move(drafting_, Lifecycle::withdrawn, event.message_withdrawn().reason());
        case v1::Event::kMessageReturned:
            return move(drafting_, Lifecycle::draft, event.message_returned().reason());
        case v1::Event::kMessageClosed:
            return move(drafting_, Lifecycle::rejected, event.message_closed().reason());
        case v1::Event::kMessageCreated:
        case v1::Event::kMessageRevised:
        case v1::Event::kIncidentOpened:
        case v1::Event::kTemplateStored:
        case v1::Event::kCrossingRefused:
        case v1::Event::kAlertsPublished:
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

bool Standing::apply(const approval::v1::Event& event, Time at) {
    bool moved = false;
    switch (event.body_case()) {
        case approval::v1::Event::kReviewOpened:
            moved = move(approval_, Lifecycle::in_review);
            break;
        case approval::v1::Event::kCleared:
            moved = move(approval_, Lifecycle::cleared);
            break;
        case approval::v1::Event::kReviewReturned:
            moved = move(approval_, Lifecycle::draft, event.review_returned().reason());
            break;
        case approval::v1::Event::kReviewRejected:
            moved = move(approval_, Lifecycle::rejected, event.review_rejected().reason());
            break;
        case approval::v1::Event::kRosterImported:
        case approval::v1::Event::kPolicySet:
        case approval::v1::Event::kApprovalGiven:
        case approval::v1::Event::kAgencyCleared:
        case approval::v1::Event::BODY_NOT_SET:
            return true;
    }
    if (moved) updated_ = std::max(updated_, at);
    return moved;
}

bool Standing::apply(const publishing::v1::Event& event, Time at) {
    using publishing::v1::Event;
    bool moved = true;
    switch (event.body_case()) {
        case Event::kReleasePlanned:
            planned_ = true;
            break;
        case Event::kReleaseArmed:
            moved = move(publishing_, Lifecycle::armed);
            break;
        // Later claims are further attempts, or the retraction's: something is public already.
        case Event::kDeliveriesClaimed:
            if (publishing_.at == Lifecycle::cleared || publishing_.at == Lifecycle::armed)
                moved = move(publishing_, Lifecycle::releasing);
            break;
        // Told now; it is cancelled once every channel has the retraction.
        case Event::kRetractionArmed:
            publishing_.reason = event.retraction_armed().reason();
            break;
        // Retracted again it was for what became public later. One that was given up, or taken
        // back, is released where a channel has it after all.
        case Event::kReleaseCompleted:
            if (publishing_.at == Lifecycle::cancelled &&
                event.release_completed().state() == "retracted")
                break;
            // Its retraction came to nothing: it stays released, and says why.
            if (publishing_.at == Lifecycle::released &&
                event.release_completed().state() == "released") {
                publishing_.reason = event.release_completed().reason();
                break;
            }
            moved = event.release_completed().state() == "retracted"
                        ? move(publishing_, Lifecycle::cancelled, publishing_.reason)
                        : move(publishing_, Lifecycle::released);
            break;
        case Event::kReleaseCancelled:
            moved = move(publishing_, Lifecycle::cancelled, event.release_cancelled().reason());
            break;
        // Given up again it was where a retraction came to nothing too.
        case Event::kReleaseEnded:
            if (publishing_.at == Lifecycle::cancelled) break;
            moved = move(publishing_,
                         event.release_ended().state() == "expired" ? Lifecycle::expired
                                                                    : Lifecycle::cancelled,
                         event.release_ended().reason());
            break;
        case Event::kChannelPut:
        case Event::kChannelRemoved:
        case Event::kDeliveryPrepared:
        case Event::kDeliverySettled:
        case Event::kDeliveryUnknown:
        case Event::kDeliveryRearmed:
        case Event::kRenditionKept:
        case Event::BODY_NOT_SET:
            return true;
    }
    if (moved) updated_ = std::max(updated_, at);
    return moved;
}

// How far a track is within its round: a submission, then approval's answer, then what drafting
// made of a returned text.
static int rank(const Track& track) {
    switch (track.at) {
        case Lifecycle::draft:
            return track.round == 0 ? 0 : 2;
        case Lifecycle::in_review:
            return 1;
        case Lifecycle::cleared:
        case Lifecycle::rejected:
            return 2;
        case Lifecycle::withdrawn:
            return 3;
        case Lifecycle::armed:
        case Lifecycle::releasing:
        case Lifecycle::released:
        case Lifecycle::superseded:
        case Lifecycle::cancelled:
        case Lifecycle::expired:
            break;  // Publishing's.
    }
    return 4;
}

const Track& Standing::foremost() const {
    // A message is cleared once, and nothing hands it back: publishing has the last word.
    if (planned_) return publishing_;
    const auto weight = [](const Track& track) { return std::pair{track.round, rank(track)}; };
    return weight(drafting_) < weight(approval_) ? approval_ : drafting_;
}

bool Standing::locked() const {
    const Lifecycle at = foremost().at;
    return at != Lifecycle::draft && at != Lifecycle::withdrawn;
}

v1::Message Standing::message() const {
    v1::Message message = head_.get();
    message.set_incident_id(incident_id_);
    *message.mutable_agencies() = parties().agencies();
    message.set_state(std::string(content::name(foremost().at)));
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
    }
    return message;
}

// A retraction may follow a release; it needs no text of drafting's.
static bool has_ended(Lifecycle at) {
    switch (at) {
        case Lifecycle::released:
        case Lifecycle::superseded:
        case Lifecycle::cancelled:
        case Lifecycle::expired:
        case Lifecycle::withdrawn:
        case Lifecycle::rejected:
            return true;
        case Lifecycle::draft:
        case Lifecycle::in_review:
        case Lifecycle::cleared:
        case Lifecycle::armed:
        case Lifecycle::releasing:
            break;
    }
    return false;
}

std::optional<Time> Standing::texts_end() const {
    if (!known_ || dropped_ || !has_ended(foremost().at)) return std::nullopt;
    if (expires_ == Time{}) return updated_ + texts_kept;
    return std::max(updated_, expires_ + moves_after_expiry) + texts_kept;
}

void Standing::drop_texts() {
    dropped_ = true;
    draft_ = {};
    content_ = {};
}

}  // namespace tocsin::drafting
