#include "drafting/message_revision.hpp"

#include "drafting/writing.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/contains.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <utility>

namespace tocsin::drafting {

using runtime::Asking;
using runtime::Because;
using runtime::reject;
using runtime::Rejection;
using enum v1::MessageState;

// What is submitted is locked: from there on approval decides.
static std::optional<Rejection> require_draft_state(v1::MessageState state) {
    const auto because = [](std::string code, std::string text) {
        return Rejection{Because::failed_precondition, std::move(code), std::move(text),
                         "message_id"};
    };
    switch (state) {
        case MESSAGE_STATE_DRAFT:
            return std::nullopt;
        case MESSAGE_STATE_IN_REVIEW:
            return because("submitted",
                           "the text is submitted and locked; take it back through approval first");
        case MESSAGE_STATE_WITHDRAWN:
            return because("withdrawn", "the message was withdrawn; start a new one");
        case MESSAGE_STATE_REJECTED:
            return because("rejected", "approval refused the message for good; start a new one");
        case MESSAGE_STATE_CLEARED:
        case MESSAGE_STATE_ARMED:
        case MESSAGE_STATE_RELEASING:
        case MESSAGE_STATE_RELEASED:
        case MESSAGE_STATE_SUPERSEDED:
        case MESSAGE_STATE_CANCELLED:
        case MESSAGE_STATE_EXPIRED:
        case MESSAGE_STATE_UNSPECIFIED:
        case MessageState_INT_MIN_SENTINEL_DO_NOT_USE_:
        case MessageState_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;  // Decided by approval or publishing, never by drafting.
    }
    throw std::logic_error(fmt::format("drafting holds a message as {}", texts::enum_name(state)));
}

std::expected<const Message*, Rejection> editable_message(const Messages& messages,
                                                          const Asking& asking,
                                                          const std::string& message_id) {
    if (auto no = require_writer(asking)) return std::unexpected(*no);
    const Message* message = messages.find(message_id);
    if (!message) return std::unexpected(runtime::no_such("message", message_id, "message_id"));
    if (auto no = runtime::require_agency(asking, "message", message->agencies, "message_id"))
        return std::unexpected(*no);
    if (auto no = require_draft_state(message->state)) return std::unexpected(*no);
    return message;
}

static std::optional<Rejection> require_first_agency(const Message& message,
                                                     const content::v1::Draft& draft) {
    if (texts::contains(draft.agencies(), message.agency)) return std::nullopt;
    return Rejection{Because::permission_denied, "other_agency",
                     fmt::format("the draft leaves out agency `{}`, which started the message and "
                                 "stays in it; add it, or start a message of your own",
                                 message.agency),
                     "draft.agencies"};
}

// ---- commands

Verdict revise_message(const Messages& messages, const Incidents& incidents, const Asking& asking,
                       const v1::ReviseMessageRequest& request) {
    const std::string& id = request.message_id();
    const auto found = editable_message(messages, asking, id);
    if (!found) return std::unexpected(found.error());
    const Message& message = **found;
    if (auto no = require_etag(request.etag(), message.version, "message", id))
        return std::unexpected(*no);
    if (auto no = require_room(request.draft())) return std::unexpected(*no);
    if (auto no = require_agency_of_writer(asking, request.draft())) return std::unexpected(*no);
    if (auto no = require_first_agency(message, request.draft())) return std::unexpected(*no);
    if (auto no = require_participants(incidents, message.incident_id, request.draft()))
        return std::unexpected(*no);
    content::v1::Draft before;
    if (!message.evidence.empty()) before.ParseFromString(*message.evidence);
    if (auto no = require_own_evidence(request.draft().evidence(), before.evidence()))
        return std::unexpected(*no);

    v1::Event event = event_of(id);
    v1::MessageRevised& revised = *event.mutable_message_revised();
    revised.set_revision(message.revision + 1);
    revised.set_author(asking.actor);
    *revised.mutable_draft() = request.draft();
    *revised.mutable_draft()->mutable_evidence() = before.evidence();
    return one(std::move(event), id, message.version + 1);
}

Verdict withdraw_message(const Messages& messages, const Asking& asking,
                         const v1::WithdrawMessageRequest& request) {
    const std::string& id = request.message_id();
    const auto found = editable_message(messages, asking, id);
    if (!found) return std::unexpected(found.error());
    const Message& message = **found;
    v1::Event event = move_of(id, message.state, MESSAGE_STATE_WITHDRAWN);
    v1::MessageWithdrawn& withdrawn = *event.mutable_message_withdrawn();
    withdrawn.set_actor(asking.actor);
    withdrawn.set_reason(request.reason());
    return one(std::move(event), id, message.version + 1);
}

}  // namespace tocsin::drafting
