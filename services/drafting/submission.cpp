#include "drafting/submission.hpp"

#include "content/checks.hpp"
#include "content/content.hpp"

#include <fmt/format.h>

namespace tocsin::drafting {

Objections objections(const content::v1::Draft& draft, Time now, std::string_view world,
                      const std::set<std::string>& acknowledged) {
    Objections result;
    for (content::Finding& finding : content::check(draft, now, world)) {
        if (finding.level == content::Finding::Level::error)
            result.errors.push_back(std::move(finding));
        else if (!acknowledged.contains(finding.code))
            result.warnings.push_back(std::move(finding));
    }
    return result;
}

std::string listing(const std::vector<content::Finding>& findings) {
    std::string result;
    for (const content::Finding& finding : findings)
        result += fmt::format("{}{} at {}: {}", result.empty() ? "" : "; ", finding.code,
                              finding.field, finding.text);
    return result;
}

v1::Event submitted(const Submitting& submitting) {
    const Message& message = submitting.message;
    content::Content content;
    content.set_message_id(submitting.message_id);
    content.set_revision(message.revision);
    content.set_realm(submitting.realm);
    content.set_incident_id(message.incident_id);
    content.set_world(Decider::world);
    *content.mutable_draft() = message.text();
    content.set_message_type(message.type);
    for (const auto& reference : message.references) *content.add_references() = reference;

    v1::Event event;
    v1::MessageSubmitted& body = *event.mutable_message_submitted();
    body.set_message_id(submitting.message_id);
    body.set_content(content::serialise(content));
    body.set_digest(content::digest(body.content()));
    body.set_submitter(submitting.submitter);
    auto hands = message.hands;
    hands.insert(submitting.submitter);
    for (const std::string& hand : hands) body.add_hands(hand);
    body.set_rule_id(message.rule_id);
    body.set_crossing_id(message.crossing_id);
    body.mutable_incident_agencies()->Assign(submitting.incident_agencies.begin(),
                                             submitting.incident_agencies.end());
    return event;
}

}  // namespace tocsin::drafting
