#include "drafting/decider.hpp"

#include "content/cap.hpp"
#include "content/check_template.hpp"
#include "content/hands.hpp"
#include "content/templates.hpp"
#include "drafting/crossing.hpp"
#include "drafting/expiry.hpp"
#include "drafting/submission.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/validate.hpp"
#include "texts/contains.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

namespace tocsin::drafting {

using runtime::Asking;
using runtime::Because;
using runtime::Foreign;
using runtime::Happened;
using runtime::reject;
using runtime::Rejection;
using runtime::to_proto;
using texts::contains;

using Verdict = runtime::Verdict<v1::Event>;
using Readings = google::protobuf::RepeatedPtrField<content::v1::Evidence>;

static std::optional<Rejection> may_write(const Asking& asking) {
    if (asking.has("author") || asking.has("duty-officer")) return std::nullopt;
    return Rejection{Because::permission_denied,
                     "role_missing",
                     "writing needs the role author or duty-officer",
                     {}};
}

static Happened<v1::Event> one(v1::Event event, std::string subject, std::int64_t version) {
    return {{std::move(event)}, std::move(subject), std::to_string(version)};
}

static std::unexpected<Rejection> stale_etag() {
    return reject(Because::aborted, "stale_etag",
                  "somebody changed it since it was read; read it again and retry", "etag");
}

// ---- incidents and templates

static Verdict create_incident(const State& state, const Asking& asking,
                               const v1::CreateIncidentRequest& request, Time now) {
    if (auto no = may_write(asking)) return std::unexpected(*no);
    const std::string id =
        runtime::derive_id("inc", {asking.agency, asking.actor, asking.request_id});
    // A repeat that outlived its memory is still the same incident.
    if (state.incidents.contains(id)) return Happened<v1::Event>{{}, id, "1"};

    v1::Event event;
    v1::Incident& incident = *event.mutable_incident_opened()->mutable_incident();
    incident.set_incident_id(id);
    incident.set_kind(request.kind());
    incident.set_title(request.title());
    incident.add_agencies(asking.agency);
    for (const std::string& agency : request.agencies())
        if (!contains(incident.agencies(), agency)) incident.add_agencies(agency);
    *incident.mutable_create_time() = to_proto(now);
    incident.set_creator(asking.actor);
    return one(std::move(event), id, 1);
}

// Readings are evidence because they come from a trigger: nobody writes or alters them. A draft
// that is sent back with what it had is as good as one without.
static std::optional<Rejection> own_evidence(const Readings& theirs, const Readings& ours) {
    using google::protobuf::util::MessageDifferencer;
    const auto same = [](const auto& one, const auto& other) {
        return MessageDifferencer::Equals(one, other);
    };
    if (theirs.empty() || std::ranges::equal(theirs, ours, same)) return std::nullopt;
    return Rejection{Because::invalid_argument, "own_evidence",
                     "evidence comes from triggers alone: leave it out, and what is there stays",
                     "draft.evidence"};
}

// Before anything is stored of it: what it leads to would not fit into a record.
static std::optional<Rejection> too_large(const content::v1::Draft& draft) {
    if (draft.ByteSizeLong() <= content::draft_bytes_max) return std::nullopt;
    return Rejection{
        Because::invalid_argument, "draft_too_large",
        fmt::format("the draft has {} bytes, of which {} can be stored: make the areas "
                    "simpler or the texts shorter",
                    draft.ByteSizeLong(), content::draft_bytes_max),
        "draft"};
}

// Of one agency: no other can be kept from storing its own.
static constexpr std::ptrdiff_t templates_max = 200;

static std::ptrdiff_t templates_of(const State& state, std::string_view agency) {
    return std::ranges::count_if(
        state.templates, [&](const auto& entry) { return entry.second.agency() == agency; });
}

static constexpr std::size_t errors_listed_max = 10;

// Found while somebody writes it, and not when the river rises.
static std::optional<Rejection> broken_placeholder(const content::v1::Draft& draft) {
    const auto gap = content::broken_gap(draft);
    if (!gap) return std::nullopt;
    return Rejection{Because::invalid_argument, "broken_placeholder",
                     fmt::format("nothing fills {}: write a placeholder as {{{{name}}}}, or leave "
                                 "the braces out",
                                 gap->words),
                     "draft." + gap->field};
}

// As it would be at a crossing, where nobody can correct it.
static std::optional<Rejection> unusable_template(const Asking& asking,
                                                  const v1::PutTemplateRequest& request, Time now) {
    content::v1::Draft draft = request.draft();
    if (draft.agencies().empty()) draft.add_agencies(asking.agency);
    *draft.mutable_expires() =
        to_proto(now + std::chrono::seconds{request.expires_after_seconds()});
    auto errors = content::template_errors(draft, now, Decider::world);
    if (errors.empty()) return std::nullopt;
    errors.resize(std::min(errors.size(), errors_listed_max));
    const std::string& field = errors.front().field;
    return Rejection{
        Because::invalid_argument, "template_unusable",
        fmt::format("no draft that says this could be submitted, whatever fills it: {}",
                    listing(errors)),
        field == "expires" ? "expires_after_seconds" : "draft." + field};
}

static Verdict put_template(const State& state, const Asking& asking,
                            const v1::PutTemplateRequest& request, Time now) {
    if (auto no = may_write(asking)) return std::unexpected(*no);
    if (auto no = too_large(request.draft())) return std::unexpected(*no);
    if (auto no = broken_placeholder(request.draft())) return std::unexpected(*no);
    if (auto no = own_evidence(request.draft().evidence(), {})) return std::unexpected(*no);
    std::int64_t version = 1;
    const auto before = state.templates.find(request.template_id());
    if (before != state.templates.end()) {
        const v1::Template& stored = before->second;
        if (stored.agency() != asking.agency)
            return reject(Because::permission_denied, "other_agency",
                          fmt::format("template `{}` belongs to agency `{}`; choose another id",
                                      stored.template_id(), stored.agency()),
                          "template_id");
        if (request.etag().empty())
            return reject(Because::already_exists, "already_exists",
                          fmt::format("template `{}` exists; pass its etag to replace it",
                                      stored.template_id()),
                          "template_id");
        if (request.etag() != std::to_string(stored.version())) return stale_etag();
        version = stored.version() + 1;
    } else if (!request.etag().empty()) {
        return reject(Because::not_found, "not_found",
                      fmt::format("there is no template `{}` to replace; leave the etag out to "
                                  "store a new one",
                                  request.template_id()),
                      "template_id");
    } else if (templates_of(state, asking.agency) >= templates_max) {
        return reject(
            Because::resource_exhausted, "too_many_templates",
            fmt::format("an agency has at most {} templates: replace one that is no longer "
                        "used",
                        templates_max),
            "template_id");
    }
    if (auto no = unusable_template(asking, request, now)) return std::unexpected(*no);

    v1::Event event;
    v1::Template& stored = *event.mutable_template_stored()->mutable_template_();
    stored.set_template_id(request.template_id());
    stored.set_version(version);
    *stored.mutable_draft() = request.draft();
    stored.set_expires_after_seconds(request.expires_after_seconds());
    for (const std::string& name : content::placeholders(request.draft()))
        stored.add_placeholders(name);
    stored.set_agency(asking.agency);
    *stored.mutable_update_time() = to_proto(now);
    if (version > 1) *stored.mutable_hands() = before->second.hands();
    if (!content::take_hand(stored, asking.actor))
        return reject(Because::resource_exhausted, "too_many_hands",
                      fmt::format("{} people have written it, and none of them may approve what is "
                                  "made from it: store it anew under another id",
                                  content::hands_max),
                      "template_id");
    return one(std::move(event), request.template_id(), version);
}

// ---- messages

// Who writes it must still be able to once it is written.
static std::optional<Rejection> leaves_writer_out(const Asking& asking,
                                                  const content::v1::Draft& draft) {
    if (contains(draft.agencies(), asking.agency)) return std::nullopt;
    return Rejection{
        Because::permission_denied, "other_agency",
        fmt::format("your agency `{}` is not among the message's agencies", asking.agency),
        "draft.agencies"};
}

// Every agency of a draft takes part in the incident, which exists.
static std::optional<Rejection> agencies_take_part(const State& state,
                                                   const std::string& incident_id,
                                                   const content::v1::Draft& draft) {
    const std::vector<std::string>& members = state.incidents.at(incident_id);
    for (int i = 0; i < draft.agencies_size(); ++i)
        if (!contains(members, draft.agencies(i)))
            return Rejection{Because::failed_precondition, "agency_not_in_incident",
                             fmt::format("agency `{}` does not take part in incident `{}`",
                                         draft.agencies(i), incident_id),
                             fmt::format("draft.agencies[{}]", i)};
    return std::nullopt;
}

static std::expected<content::v1::Draft, Rejection> first_draft(
    const State& state, const Asking& asking, const v1::CreateMessageRequest& request, Time now) {
    if (request.has_draft() == !request.template_id().empty())
        return reject(Because::invalid_argument, "draft_or_template",
                      "give either a draft or a template_id, and not both",
                      request.has_draft() ? "template_id" : "draft");
    if (request.has_draft()) {
        if (auto no = own_evidence(request.draft().evidence(), {})) return std::unexpected(*no);
        if (request.values().empty()) return request.draft();
        return reject(Because::invalid_argument, "values_without_template",
                      "values fill a template; a draft has none", "values");
    }
    const auto found = state.templates.find(request.template_id());
    if (found == state.templates.end())
        return reject(Because::not_found, "not_found",
                      fmt::format("there is no template `{}`", request.template_id()),
                      "template_id");
    const v1::Template& source = found->second;
    auto filled = content::fill(source.draft(), {request.values().begin(), request.values().end()});
    if (!filled)
        return reject(Because::invalid_argument, "unfilled_placeholders",
                      fmt::format("give a value of plain text, at most {} bytes, for: {}",
                                  content::value_bytes_max, fmt::join(filled.error(), ", ")),
                      "values");
    // The values are the caller's words, and what they fill has rules of its own.
    if (auto wrong = runtime::violations(*filled, true); !wrong.empty())
        return reject(Because::invalid_argument, "invalid_argument",
                      fmt::format("filled with these values, {}: {}", wrong.front().field,
                                  wrong.front().description),
                      "values");
    if (filled->agencies().empty()) filled->add_agencies(asking.agency);
    *filled->mutable_expires() =
        to_proto(now + std::chrono::seconds{source.expires_after_seconds()});
    return *filled;
}

static std::optional<Rejection> wrong_references(const v1::CreateMessageRequest& request,
                                                 content::v1::MessageType type) {
    const auto wrong = [](std::string code, std::string text, std::string field) {
        return Rejection{Because::invalid_argument, std::move(code), std::move(text),
                         std::move(field)};
    };
    if (type == content::v1::MESSAGE_TYPE_ALERT && !request.references().empty())
        return wrong("references_not_allowed",
                     "an alert is first information; choose update to refer to earlier alerts",
                     "references");
    if (type != content::v1::MESSAGE_TYPE_ALERT && request.references().empty())
        return wrong("references_needed", "name the earlier alerts that it updates or cancels",
                     "references");
    for (int i = 0; i < request.references_size(); ++i) {
        const auto& reference = request.references(i);
        const auto field = [i](const char* name) {
            return fmt::format("references[{}].{}", i, name);
        };
        if (!content::is_cap_name(reference.sender()))
            return wrong("bad_reference", "copy the sender as it was published", field("sender"));
        if (!content::is_cap_name(reference.identifier()))
            return wrong("bad_reference", "copy the identifier as it was published",
                         field("identifier"));
        if (!content::is_cap_time(reference.sent()))
            return wrong("bad_reference", "copy the time sent as it was published", field("sent"));
    }
    return std::nullopt;
}

static v1::Event message_created(const State& state, const Asking& asking,
                                 const v1::CreateMessageRequest& request, const std::string& id,
                                 content::v1::Draft draft, content::v1::MessageType type) {
    v1::Event event;
    v1::MessageCreated& created = *event.mutable_message_created();
    created.set_message_id(id);
    created.set_incident_id(request.incident_id());
    created.set_agency(asking.agency);
    created.set_author(asking.actor);
    *created.mutable_draft() = std::move(draft);
    created.set_message_type(type);
    *created.mutable_references() = request.references();
    const auto& members = state.incidents.at(request.incident_id());
    created.mutable_incident_agencies()->Assign(members.begin(), members.end());
    return event;
}

static Verdict create_message(const State& state, const Asking& asking,
                              const v1::CreateMessageRequest& request, Time now) {
    if (auto no = may_write(asking)) return std::unexpected(*no);
    const std::string id =
        runtime::derive_id("msg", {asking.agency, asking.actor, asking.request_id});
    const auto repeated = state.messages.find(id);
    if (repeated != state.messages.end())
        return Happened<v1::Event>{{}, id, std::to_string(repeated->second.version)};
    const auto type = request.message_type() == content::v1::MESSAGE_TYPE_UNSPECIFIED
                          ? content::v1::MESSAGE_TYPE_ALERT
                          : request.message_type();
    if (auto wrong = wrong_references(request, type)) return std::unexpected(*wrong);
    if (!state.incidents.contains(request.incident_id()))
        return reject(Because::not_found, "not_found",
                      fmt::format("there is no incident `{}`", request.incident_id()),
                      "incident_id");
    if (!contains(state.incidents.at(request.incident_id()), asking.agency))
        return reject(Because::permission_denied, "other_agency",
                      fmt::format("your agency `{}` does not take part in incident `{}`",
                                  asking.agency, request.incident_id()),
                      "incident_id");
    auto draft = first_draft(state, asking, request, now);
    if (!draft) return std::unexpected(draft.error());
    auto no = too_large(*draft);
    if (!no) no = leaves_writer_out(asking, *draft);
    if (!no) no = agencies_take_part(state, request.incident_id(), *draft);
    // Of a template the caller gave but its name, and what fills it.
    if (no && !request.has_draft())
        no->field = no->code == "draft_too_large" ? "values" : "template_id";
    if (no) return std::unexpected(*no);
    v1::Event event = message_created(state, asking, request, id, std::move(*draft), type);
    if (const auto source = state.templates.find(request.template_id());
        source != state.templates.end())
        *event.mutable_message_created()->mutable_hands() = source->second.hands();
    return one(std::move(event), id, 1);
}

// The message that the caller may change, or why not. What is submitted is locked: from there on
// approval decides.
static std::expected<const Message*, Rejection> writable(const State& state, const Asking& asking,
                                                         const std::string& message_id) {
    if (auto no = may_write(asking)) return std::unexpected(*no);
    const auto found = state.messages.find(message_id);
    if (found == state.messages.end())
        return reject(Because::not_found, "not_found",
                      fmt::format("there is no message `{}`", message_id), "message_id");
    const Message& message = found->second;
    if (!contains(message.agencies, asking.agency))
        return reject(Because::permission_denied, "other_agency",
                      fmt::format("your agency `{}` is not named in this message", asking.agency));
    switch (message.stage) {
        case Stage::draft:
            return &message;
        case Stage::submitted:
            return reject(Because::failed_precondition, "submitted",
                          "the text is submitted and locked; take it back through approval first",
                          "message_id");
        case Stage::withdrawn:
            return reject(Because::failed_precondition, "withdrawn",
                          "the message was withdrawn; start a new one", "message_id");
        case Stage::rejected:
            return reject(Because::failed_precondition, "rejected",
                          "approval refused the message for good; start a new one", "message_id");
    }
    return reject(Because::internal, "unknown_stage", "this version does not know where it stands");
}

static Verdict revise_message(const State& state, const Asking& asking,
                              const v1::ReviseMessageRequest& request) {
    const auto message = writable(state, asking, request.message_id());
    if (!message) return std::unexpected(message.error());
    if (request.etag() != std::to_string((*message)->version)) return stale_etag();
    if (auto no = too_large(request.draft())) return std::unexpected(*no);
    if (auto no = leaves_writer_out(asking, request.draft())) return std::unexpected(*no);
    if (!contains(request.draft().agencies(), (*message)->agency))
        return reject(Because::permission_denied, "other_agency",
                      fmt::format("agency `{}` started the message, and stays in it; start one of "
                                  "your own instead",
                                  (*message)->agency),
                      "draft.agencies");
    if (auto no = agencies_take_part(state, (*message)->incident_id, request.draft()))
        return std::unexpected(*no);
    content::v1::Draft before;
    if (!(*message)->evidence.empty()) before.ParseFromString(*(*message)->evidence);
    if (auto no = own_evidence(request.draft().evidence(), before.evidence()))
        return std::unexpected(*no);

    v1::Event event;
    v1::MessageRevised& revised = *event.mutable_message_revised();
    revised.set_message_id(request.message_id());
    revised.set_revision((*message)->revision + 1);
    revised.set_author(asking.actor);
    *revised.mutable_draft() = request.draft();
    *revised.mutable_draft()->mutable_evidence() = before.evidence();
    return one(std::move(event), request.message_id(), (*message)->version + 1);
}

// Receivers look up what an alert refers to, and show one that refers to nothing as first
// information. It may be another system's, which nobody here can tell.
static std::vector<content::Finding> unknown_references(
    const State& state, const std::vector<content::v1::Reference>& references) {
    std::vector<content::Finding> result;
    for (std::size_t i = 0; i < references.size(); ++i) {
        const std::string wanted = content::cap_reference(references[i]);
        if (state.alerts.contains(wanted)) continue;
        result.push_back(
            {content::Finding::Level::warning, "reference_not_published",
             fmt::format("references[{}]", i),
             fmt::format("This realm published no alert {}. Start the message anew with sender, "
                         "identifier and sent as they were published, or acknowledge this if "
                         "another system published it.",
                         wanted)});
    }
    return result;
}

static Verdict submit_message(const State& state, const Asking& asking,
                              const v1::SubmitMessageRequest& request, Time now) {
    const auto message = writable(state, asking, request.message_id());
    if (!message) return std::unexpected(message.error());
    if (request.etag() != std::to_string((*message)->version)) return stale_etag();
    if (!(*message)->has_text())
        return reject(Because::failed_precondition, "incomplete",
                      "revise the draft first: expires_past at expires: Set an expiry that is "
                      "still to come.",
                      "expires");
    const std::set<std::string> acknowledged{request.acknowledged_warnings().begin(),
                                             request.acknowledged_warnings().end()};
    auto against = objections((*message)->text(), now, Decider::world, acknowledged);
    for (content::Finding& finding : unknown_references(state, (*message)->references))
        if (!acknowledged.contains(finding.code)) against.warnings.push_back(std::move(finding));
    if (!against.errors.empty())
        return reject(Because::failed_precondition, "incomplete",
                      fmt::format("revise the draft first: {}", listing(against.errors)),
                      against.errors.front().field);
    if (!against.warnings.empty())
        return reject(Because::failed_precondition, "unacknowledged_warnings",
                      fmt::format("revise the draft, or acknowledge these codes: {}",
                                  listing(against.warnings)),
                      "acknowledged_warnings");
    return one(submitted({request.message_id(), asking.realm, **message, asking.actor,
                          state.incidents.at((*message)->incident_id)}),
               request.message_id(), (*message)->version + 1);
}

static Verdict withdraw_message(const State& state, const Asking& asking,
                                const v1::WithdrawMessageRequest& request) {
    const auto message = writable(state, asking, request.message_id());
    if (!message) return std::unexpected(message.error());
    v1::Event event;
    v1::MessageWithdrawn& withdrawn = *event.mutable_message_withdrawn();
    withdrawn.set_message_id(request.message_id());
    withdrawn.set_actor(asking.actor);
    withdrawn.set_reason(request.reason());
    return one(std::move(event), request.message_id(), (*message)->version + 1);
}

Verdict Decider::decide(const State& state, const Asking& asking, const v1::Command& command,
                        Time now) {
    switch (command.body_case()) {
        case v1::Command::kCreateIncident:
            return create_incident(state, asking, command.create_incident(), now);
        case v1::Command::kPutTemplate:
            return put_template(state, asking, command.put_template(), now);
        case v1::Command::kCreateMessage:
            return create_message(state, asking, command.create_message(), now);
        case v1::Command::kReviseMessage:
            return revise_message(state, asking, command.revise_message());
        case v1::Command::kSubmitMessage:
            return submit_message(state, asking, command.submit_message(), now);
        case v1::Command::kWithdrawMessage:
            return withdraw_message(state, asking, command.withdraw_message());
        case v1::Command::kRetryCrossing:
            return retry_crossing(state, asking, command.retry_crossing(), now);
        case v1::Command::BODY_NOT_SET:
            break;
    }
    return reject(Because::unimplemented, "unknown_command",
                  "this version does not know the command; upgrade the service");
}

// ---- what approval, publishing and trigger decided

static bool is_submitted(const State& state, const std::string& message_id) {
    const auto found = state.messages.find(message_id);
    return found != state.messages.end() && found->second.stage == Stage::submitted;
}

static void follow_approval(const State& state, const std::string& bytes,
                            Happened<v1::Event>& happened) {
    const auto event = runtime::parse_foreign<approval::v1::Event>(bytes);
    if (!event) return;
    v1::Event answer;
    std::string id;
    if (event->has_review_returned()) {
        id = event->review_returned().message_id();
        v1::MessageReturned& returned = *answer.mutable_message_returned();
        returned.set_message_id(id);
        returned.set_actor(event->review_returned().actor());
        returned.set_reason(event->review_returned().reason());
    } else if (event->has_review_rejected()) {
        id = event->review_rejected().message_id();
        v1::MessageClosed& closed = *answer.mutable_message_closed();
        closed.set_message_id(id);
        closed.set_actor(event->review_rejected().actor());
        closed.set_reason(event->review_rejected().reason());
    }
    // The rest of a review is approval's own: the text stays locked.
    if (id.empty() || !is_submitted(state, id)) return;
    happened.subject = id;
    happened.etag = std::to_string(state.messages.at(id).version + 1);
    happened.events.push_back(std::move(answer));
}

static void follow_publishing(const State& state, const std::string& bytes,
                              Happened<v1::Event>& happened) {
    const auto event = runtime::parse_foreign<publishing::v1::Event>(bytes);
    if (!event || !event->has_deliveries_claimed()) return;
    v1::Event answer;
    for (const auto& alert : event->deliveries_claimed().alerts())
        if (!state.alerts.contains(content::cap_reference(alert)))
            *answer.mutable_alerts_published()->add_alerts() = alert;
    if (!answer.has_alerts_published()) return;
    happened.subject = event->deliveries_claimed().release_id();
    happened.etag.clear();
    happened.events.push_back(std::move(answer));
}

// Whether its message, or its refusal, is what it would lead to now.
static bool is_answered(const State& state, const trigger::v1::RuleCrossed& crossed, bool retried) {
    const std::string& id = crossed.crossing().crossing_id();
    if (state.messages.contains(crossing_message_id(id))) return true;
    if (!retried) return state.refused.knows(id);
    const Refused* refused = state.refused.find(id);
    return refused && !refused->due && refused->crossed == crossed.SerializeAsString();
}

static bool is_among(const Happened<v1::Event>& happened, const trigger::v1::RuleCrossed& crossed) {
    const std::string& id = crossed.crossing().crossing_id();
    return std::ranges::any_of(happened.events, [&](const v1::Event& event) {
        return event.message_created().crossing_id() == id ||
               event.crossing_refused().crossing_id() == id;
    });
}

static void follow_crossing(const State& state, const Foreign& foreign,
                            const trigger::v1::RuleCrossed& crossed, bool retried, Time now,
                            Happened<v1::Event>& happened) {
    if (is_answered(state, crossed, retried) || is_among(happened, crossed)) return;
    // One reading may cross many rules, and all that they lead to is one record.
    std::size_t before = 0;
    for (const v1::Event& each : happened.events) before += each.ByteSizeLong();
    auto events = from_crossing(state, {crossed, foreign.realm, now, before});
    const bool refused = events.front().has_crossing_refused();
    const std::string& crossing_id = crossed.crossing().crossing_id();
    happened.subject = refused ? crossing_id : crossing_message_id(crossing_id);
    happened.etag = refused ? "" : std::to_string(events.size());
    for (v1::Event& each : events) happened.events.push_back(std::move(each));
}

// What was refused of a rule that is gone, or now asks something else, must not be drafted hours
// later because somebody stores the template: the rule as it is now may have told of the same
// event.
static void follow_rule(const State& state, const trigger::v1::Event& event,
                        Happened<v1::Event>& happened) {
    const bool removed = event.has_rule_removed();
    const std::string& rule_id =
        removed ? event.rule_removed().rule_id() : event.rule_put().rule().rule_id();
    for (const std::string& id : state.refused.of_rule(rule_id)) {
        if (!removed && !asks_otherwise(*state.refused.find(id), event.rule_put().rule())) continue;
        happened.events.push_back(crossing_given_up(rule_id, id, removed));
        happened.subject = id;
        happened.etag.clear();
    }
}

static void follow_trigger(const State& state, const Foreign& foreign, const std::string& bytes,
                           Time now, Happened<v1::Event>& happened) {
    const auto event = runtime::parse_foreign<trigger::v1::Event>(bytes);
    if (!event) return;
    if (event->has_rule_removed() || event->has_rule_put())
        return follow_rule(state, *event, happened);
    if (event->has_rule_crossed())
        follow_crossing(state, foreign, event->rule_crossed(), false, now, happened);
    if (event->has_crossing_retried())
        follow_crossing(state, foreign, event->crossing_retried(), true, now, happened);
}

std::optional<Happened<v1::Event>> Decider::react(const State& state, const Foreign& foreign,
                                                  Time now) {
    Happened<v1::Event> happened;
    for (const std::string& bytes : foreign.events) {
        if (foreign.service == "approval") follow_approval(state, bytes, happened);
        if (foreign.service == "publishing") follow_publishing(state, bytes, happened);
        if (foreign.service == "trigger") follow_trigger(state, foreign, bytes, now, happened);
    }
    if (happened.events.empty()) return std::nullopt;
    return happened;
}

bool Decider::concerns(const Foreign& foreign) {
    using Approved = approval::v1::Event;
    using Published = publishing::v1::Event;
    using Triggered = trigger::v1::Event;
    if (foreign.service == "trigger")
        return runtime::has_any<Triggered>(
            foreign, {Triggered::kRuleCrossed, Triggered::kCrossingRetried, Triggered::kRulePut,
                      Triggered::kRuleRemoved});
    if (foreign.service == "publishing")
        return runtime::has_any<Published>(foreign, {Published::kDeliveriesClaimed});
    return runtime::has_any<Approved>(foreign,
                                      {Approved::kReviewReturned, Approved::kReviewRejected});
}

// ---- evolve

static void add_incident(State& state, const v1::Incident& opened, Time decided_at) {
    std::vector<std::string>& agencies = state.incidents[opened.incident_id()];
    agencies.assign(opened.agencies().begin(), opened.agencies().end());
    state.refused.incident_changed(opened.incident_id(), decided_at);
}

content::v1::Draft Message::text() const {
    content::v1::Draft result;
    if (content.empty()) {
        result.ParseFromString(*draft);
    } else if (auto submitted = content::parse(*content)) {
        result = std::move(*submitted->mutable_draft());
    }
    return result;
}

static void drop_text(State& state, const std::string& id, Message& message) {
    if (message.expires) state.expiring.erase({*message.expires, id});
    message.draft = {};
    message.content = {};
}

static void write(State& state, const std::string& id, Message& message,
                  const content::v1::Draft& draft) {
    drop_text(state, id, message);
    message.draft = runtime::SharedBytes(runtime::stable_bytes(draft));
    message.agencies.assign(draft.agencies().begin(), draft.agencies().end());
    message.expires = expiry_of(draft);
    if (message.expires) state.expiring.emplace(*message.expires, id);
}

static void create(State& state, const v1::MessageCreated& created) {
    Message& message = state.messages[created.message_id()];
    message.incident_id = created.incident_id();
    message.agency = created.agency();
    write(state, created.message_id(), message, created.draft());
    if (!created.draft().evidence().empty()) {
        content::v1::Draft readings;
        *readings.mutable_evidence() = created.draft().evidence();
        message.evidence = runtime::SharedBytes(runtime::stable_bytes(readings));
    }
    message.type = created.message_type();
    message.references.assign(created.references().begin(), created.references().end());
    message.rule_id = created.rule_id();
    message.crossing_id = created.crossing_id();
    state.refused.drafted(created.crossing_id());
    message.revision = 1;
    message.version = 1;
    message.hands = {created.hands().begin(), created.hands().end()};
    message.hands.insert(created.author());
}

static void revise(State& state, const v1::MessageRevised& revised) {
    Message& message = state.messages[revised.message_id()];
    write(state, revised.message_id(), message, revised.draft());
    message.revision = revised.revision();
    message.hands.insert(revised.author());
    ++message.version;
}

static void move(Message& message, Stage stage) {
    message.stage = stage;
    ++message.version;
}

static void submit(Message& message, const v1::MessageSubmitted& submitted) {
    message.hands.insert(submitted.submitter());
    // The same bytes that approval and publishing hold.
    if (message.has_text()) message.content = runtime::SharedBytes(submitted.content());
    message.draft = {};
    move(message, Stage::submitted);
}

static void end(State& state, const std::string& id, Stage stage) {
    Message& message = state.messages[id];
    move(message, stage);
    drop_text(state, id, message);
}

static void drop_expired(State& state, Time now) {
    while (!state.expiring.empty() && state.expiring.begin()->first <= now) {
        const std::string id = state.expiring.begin()->second;
        drop_text(state, id, state.messages[id]);
    }
}

static void store(State& state, const v1::Template& stored, Time decided_at) {
    state.templates[stored.template_id()] = stored;
    state.refused.template_changed(stored.template_id(), decided_at);
}

static bool apply(State& state, const v1::Event& event, Time decided_at) {
    switch (event.body_case()) {
        case v1::Event::kIncidentOpened:
            add_incident(state, event.incident_opened().incident(), decided_at);
            return true;
        case v1::Event::kTemplateStored:
            store(state, event.template_stored().template_(), decided_at);
            return true;
        case v1::Event::kMessageCreated:
            create(state, event.message_created());
            return true;
        case v1::Event::kMessageRevised:
            revise(state, event.message_revised());
            return true;
        case v1::Event::kMessageSubmitted:
            submit(state.messages[event.message_submitted().message_id()],
                   event.message_submitted());
            return true;
        case v1::Event::kMessageWithdrawn:
            end(state, event.message_withdrawn().message_id(), Stage::withdrawn);
            return true;
        case v1::Event::kMessageReturned:
            move(state.messages[event.message_returned().message_id()], Stage::draft);
            return true;
        case v1::Event::kMessageClosed:
            end(state, event.message_closed().message_id(), Stage::rejected);
            return true;
        case v1::Event::kCrossingRefused:
            state.refused.refuse(event.crossing_refused(), decided_at);
            return true;
        case v1::Event::kAlertsPublished:
            for (const auto& alert : event.alerts_published().alerts())
                state.alerts.insert(content::cap_reference(alert));
            return true;
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return false;
}

bool Decider::evolve(State& state, const v1::Event& event, Time decided_at) {
    if (!apply(state, event, decided_at)) return false;
    drop_expired(state, decided_at);
    state.refused.forget_old(decided_at);
    return true;
}

std::optional<runtime::Due<v1::Command>> Decider::next_due(const State& state) {
    const auto first = state.refused.first_due();
    if (!first) return std::nullopt;
    const auto& [at, crossing_id] = *first;
    runtime::Due<v1::Command> due{at, {}};
    due.command.mutable_retry_crossing()->set_crossing_id(crossing_id);
    due.command.mutable_retry_crossing()->set_attempts(state.refused.find(crossing_id)->attempts);
    return due;
}

}  // namespace tocsin::drafting
