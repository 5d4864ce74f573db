#include "drafting/submission.hpp"

#include "content/content.hpp"
#include "drafting/findings.hpp"
#include "drafting/message_revision.hpp"
#include "drafting/writing.hpp"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

namespace tocsin::drafting {

using runtime::Asking;
using runtime::Because;
using runtime::Rejection;

v1::Event submitted(const Submitting& submitting) {
    const Message& message = submitting.message;
    content::Content content;
    content.set_message_id(submitting.message_id);
    content.set_revision(message.revision);
    content.set_realm(submitting.realm);
    content.set_incident_id(message.incident_id);
    content.set_world(submitting.world);
    *content.mutable_draft() = message.text();
    content.set_message_type(message.type);
    for (auto& reference : completed(submitting.alerts, message.references))
        *content.add_references() = std::move(reference);
    for (const content::Publisher& publisher : submitting.publishers)
        *content.add_publishers() = publisher;

    v1::Event event = move_of(submitting.message_id, message.state, v1::MESSAGE_STATE_IN_REVIEW);
    v1::MessageSubmitted& body = *event.mutable_message_submitted();
    body.set_content(content::serialise(content));
    body.set_digest(content::digest(body.content()));
    body.set_submitter(submitting.submitter);
    auto editors = message.editors;
    editors.insert(submitting.submitter);
    for (const std::string& editor : editors) body.add_editors(editor);
    body.set_round(message.rounds + 1);
    for (const std::string& stopper : message.stoppers) body.add_stoppers(stopper);
    body.set_rule_id(message.rule_id);
    body.set_crossing_id(message.crossing_id);
    body.mutable_incident_agencies()->Assign(submitting.incident_agencies.begin(),
                                             submitting.incident_agencies.end());
    return event;
}

std::string size_problem(const v1::MessageSubmitted& submitted) {
    const std::size_t bytes = submitted.content().size();
    if (bytes <= content::content_bytes_max) return {};
    const auto content = content::parse(submitted.content());
    std::size_t of_destinations = 0;
    if (content)
        for (const auto& publisher : content->publishers())
            of_destinations += publisher.ByteSizeLong();
    return fmt::format(
        "with the channels that it goes to, which take {}, it has {} bytes, of which {} can be "
        "submitted; name fewer channels, make the areas simpler or the texts shorter",
        of_destinations, bytes, content::content_bytes_max);
}

static Rejection incomplete(const std::string& errors, std::string field) {
    return {Because::failed_precondition, "incomplete",
            fmt::format("the draft is incomplete; revise it first: {}", errors), std::move(field)};
}

static std::optional<Rejection> require_complete(const SubmissionSlices& slices,
                                                 const Message& message,
                                                 const content::v1::Draft& draft,
                                                 const std::vector<content::Publisher>& publishers,
                                                 const v1::SubmitMessageRequest& request,
                                                 Time now) {
    if (!message.has_text())
        return incomplete("expires_past at expires: Set an expiry that is still to come.",
                          "expires");
    const std::set<std::string> acknowledged{request.acknowledged_warnings().begin(),
                                             request.acknowledged_warnings().end()};
    auto against = objections(draft, now, slices.world, acknowledged);
    for (content::Finding& finding : destination_findings(publishers, draft))
        add_objection(std::move(finding), acknowledged, against);
    for (content::Finding& finding :
         reference_findings(slices.alerts, message.references, draft, now))
        add_objection(std::move(finding), acknowledged, against);
    if (!against.errors.empty())
        return incomplete(listing(against.errors), against.errors.front().field);
    if (against.warnings.empty()) return std::nullopt;
    return Rejection{Because::failed_precondition, "unacknowledged_warnings",
                     fmt::format("the checks found warnings; revise the draft, or acknowledge "
                                 "their codes: {}",
                                 listing(against.warnings)),
                     "acknowledged_warnings"};
}

// ---- commands

Verdict submit_message(const SubmissionSlices& slices, const Asking& asking,
                       const v1::SubmitMessageRequest& request, Time now) {
    const std::string& id = request.message_id();
    const auto found = editable_message(slices.messages, asking, id);
    if (!found) return std::unexpected(found.error());
    const Message& message = **found;
    if (auto no = require_etag(request.etag(), message.version, "message", id))
        return std::unexpected(*no);
    const content::v1::Draft draft = message.text();
    const auto publishers = publishers_of(slices.destinations, draft);
    if (auto no = require_complete(slices, message, draft, publishers, request, now))
        return std::unexpected(*no);
    v1::Event event = submitted({id, asking.realm, slices.world, message, slices.alerts, publishers,
                                 asking.actor, slices.incidents.at(message.incident_id)});
    if (auto problem = size_problem(event.message_submitted()); !problem.empty())
        return runtime::reject(Because::failed_precondition, "content_too_large",
                               fmt::format("the content is too large: {}", problem), "channels");
    return one(std::move(event), id, message.version + 1);
}

}  // namespace tocsin::drafting
