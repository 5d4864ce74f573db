#include "drafting/message_creation.hpp"

#include "content/cap.hpp"
#include "drafting/writing.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/ledger/refusals.hpp"

#include <fmt/format.h>

#include <expected>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::drafting {

using runtime::Asking;
using runtime::Because;
using runtime::reject;
using runtime::Rejection;

static std::expected<content::v1::Draft, Rejection> first_draft(
    const Templates& templates, const Asking& asking, const v1::CreateMessageRequest& request,
    Time now) {
    if (request.has_draft() == !request.template_id().empty())
        return reject(Because::invalid_argument, "draft_or_template",
                      fmt::format("the request has {} a draft {} a template; give one of the two",
                                  request.has_draft() ? "both" : "neither",
                                  request.has_draft() ? "and" : "nor"),
                      request.has_draft() ? "template_id" : "draft");
    if (!request.has_draft()) return filled_template(templates, asking, request, now);
    if (auto no = require_own_evidence(request.draft().evidence(), {})) return std::unexpected(*no);
    if (request.values().empty()) return request.draft();
    return reject(Because::invalid_argument, "values_without_template",
                  "values fill a template, and the request has none; write them into the draft",
                  "values");
}

static std::optional<Rejection> require_fitting_references(const v1::CreateMessageRequest& request,
                                                           content::v1::MessageType type) {
    const bool refers = !request.references().empty() || !request.earlier_messages().empty();
    if (type == content::v1::MESSAGE_TYPE_ALERT && refers)
        return Rejection{Because::invalid_argument, "references_not_allowed",
                         "an alert is first information and refers to nothing; choose update to "
                         "refer to earlier alerts",
                         request.references().empty() ? "earlier_messages" : "references"};
    if (type != content::v1::MESSAGE_TYPE_ALERT && !refers)
        return Rejection{Because::invalid_argument, "references_needed",
                         "the message updates or cancels earlier alerts; name them", "references"};
    for (int i = 0; i < request.references_size(); ++i) {
        const auto& reference = request.references(i);
        const char* wrong = !content::is_cap_name(reference.sender())       ? "sender"
                            : !content::is_cap_name(reference.identifier()) ? "identifier"
                            : !content::is_cap_time(reference.sent())       ? "sent"
                                                                            : nullptr;
        if (wrong)
            return Rejection{Because::invalid_argument, "bad_reference",
                             fmt::format("no alert has such a value of `{}`; copy it as it was "
                                         "published",
                                         wrong),
                             fmt::format("references[{}].{}", i, wrong)};
    }
    return std::nullopt;
}

// What it refers to, by alerts and by messages.
static std::expected<References, Rejection> references_of(const PublishedAlerts& alerts,
                                                          const v1::CreateMessageRequest& request,
                                                          Time now) {
    References all{request.references().begin(), request.references().end()};
    for (int i = 0; i < request.earlier_messages_size(); ++i) {
        const References of_message = alerts_of(alerts, request.earlier_messages(i), now);
        if (of_message.empty())
            return reject(Because::failed_precondition, "not_in_force",
                          fmt::format("message `{}` has no alert in force: it was never published, "
                                      "has expired, or was retracted, updated or cancelled",
                                      request.earlier_messages(i)),
                          fmt::format("earlier_messages[{}]", i));
        all.insert(all.end(), of_message.begin(), of_message.end());
    }
    return all;
}

static std::optional<Rejection> require_incident(const Incidents& incidents, const Asking& asking,
                                                 const std::string& incident_id) {
    const auto found = incidents.find(incident_id);
    if (found == incidents.end())
        return runtime::no_such("incident", incident_id, "incident_id", "open it first");
    return runtime::require_agency(asking, "incident", found->second, "incident_id");
}

static std::optional<Rejection> require_fitting_draft(const Incidents& incidents,
                                                      const Asking& asking,
                                                      const v1::CreateMessageRequest& request,
                                                      const content::v1::Draft& draft) {
    auto no = require_room(draft);
    if (!no) no = require_agency_of_writer(asking, draft);
    if (!no) no = require_participants(incidents, request.incident_id(), draft);
    // Of a template the request has but the name and the values.
    if (no && !request.has_draft())
        no->field = no->code == "draft_too_large" ? "values" : "template_id";
    return no;
}

static v1::Event message_created(const CreationSlices& slices, const Asking& asking,
                                 const v1::CreateMessageRequest& request, const std::string& id,
                                 content::v1::Draft draft, content::v1::MessageType type,
                                 const References& references) {
    v1::Event event = event_of(id);
    v1::MessageCreated& created = *event.mutable_message_created();
    created.set_incident_id(request.incident_id());
    created.set_agency(asking.agency);
    created.set_author(asking.actor);
    *created.mutable_draft() = std::move(draft);
    created.set_message_type(type);
    created.mutable_references()->Assign(references.begin(), references.end());
    const auto& participants = slices.incidents.at(request.incident_id());
    created.mutable_incident_agencies()->Assign(participants.begin(), participants.end());
    if (const auto source = slices.templates.find(request.template_id());
        source != slices.templates.end())
        *created.mutable_editors() = source->second.editors();
    return event;
}

// ---- commands

Verdict create_message(const CreationSlices& slices, const Asking& asking,
                       const v1::CreateMessageRequest& request, Time now) {
    if (auto no = require_writer(asking)) return std::unexpected(*no);
    const std::string id =
        runtime::derive_id("msg", {asking.agency, asking.actor, asking.request_id});
    if (const Message* repeated = slices.messages.find(id))
        return Happened{{}, id, std::to_string(repeated->version)};
    const auto type = request.message_type() == content::v1::MESSAGE_TYPE_UNSPECIFIED
                          ? content::v1::MESSAGE_TYPE_ALERT
                          : request.message_type();
    if (auto no = require_fitting_references(request, type)) return std::unexpected(*no);
    if (auto no = require_incident(slices.incidents, asking, request.incident_id()))
        return std::unexpected(*no);
    const auto references = references_of(slices.alerts, request, now);
    if (!references) return std::unexpected(references.error());
    auto draft = first_draft(slices.templates, asking, request, now);
    if (!draft) return std::unexpected(draft.error());
    if (auto no = require_fitting_draft(slices.incidents, asking, request, *draft))
        return std::unexpected(*no);
    return one(message_created(slices, asking, request, id, std::move(*draft), type, *references),
               id, 1);
}

}  // namespace tocsin::drafting
