#include "approval/decider.hpp"

#include "content/content.hpp"
#include "texts/contains.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <map>
#include <set>

namespace tocsin::approval {

using google::protobuf::util::MessageDifferencer;
using runtime::Asking;
using runtime::Because;
using runtime::Foreign;
using runtime::Happened;
using runtime::reject;
using runtime::Rejection;
using runtime::to_proto;
using texts::contains;

using Verdict = runtime::Verdict<v1::Event>;

// Who acts when approval itself hands a text back.
static constexpr std::string_view self = "service:approval";

const v1::Person* find_person(const v1::Roster& roster, std::string_view subject,
                              std::string_view agency_id) {
    for (const v1::Person& person : roster.people())
        if (person.subject() == subject && person.agency_id() == agency_id) return &person;
    return nullptr;
}

const v1::Agency* find_agency(const v1::Roster& roster, std::string_view agency_id) {
    for (const v1::Agency& agency : roster.agencies())
        if (agency.agency_id() == agency_id) return &agency;
    return nullptr;
}

// Every import records the whole roster.
static constexpr std::size_t roster_bytes_max = 800'000;
// As many as one import may name; every one has series of its own in the metrics.
static constexpr int agencies_max = 200;

static int approvals_of(const v1::Review& review) {
    int count = 0;
    for (const v1::AgencyReview& agency : review.agencies()) count += agency.approvals_size();
    return count;
}

// The etag of a review is the number of approvals that it holds.
static Happened<v1::Event> review_answer(const v1::Review& review, std::vector<v1::Event> events,
                                         int added = 0) {
    return {std::move(events), review.message_id(), std::to_string(approvals_of(review) + added)};
}

static const v1::AgencyReview* find_agency_review(const v1::Review& review,
                                                  std::string_view agency_id) {
    for (const v1::AgencyReview& agency : review.agencies())
        if (agency.agency_id() == agency_id) return &agency;
    return nullptr;
}

static std::unexpected<Rejection> no_review(const std::string& message_id) {
    return reject(
        Because::not_found, "not_found",
        fmt::format("no review of message `{}` in this realm; submit it first", message_id),
        "message_id");
}

// The caller must be on the roster for the agency of the token, and both must give one of `roles`:
// the token was checked at the edge, but the roster may have changed since.
static std::optional<Rejection> confirm(const State& state, const Asking& asking,
                                        const std::vector<std::string>& roles) {
    const v1::Person* person = find_person(state.roster, asking.actor, asking.agency);
    if (!person)
        return Rejection{Because::permission_denied,
                         "not_on_roster",
                         fmt::format("`{}` is not on the roster for agency `{}`; an admin can "
                                     "import a roster that names them",
                                     asking.actor, asking.agency),
                         {}};
    for (const std::string& role : roles)
        if (asking.has(role) && contains(person->roles(), role)) return std::nullopt;
    return Rejection{Because::permission_denied,
                     "role_missing",
                     fmt::format("this needs the role {}, from the token and from the roster",
                                 fmt::join(roles, " or ")),
                     {}};
}

static std::optional<Rejection> of_its_agencies(const v1::Review& review, const Asking& asking) {
    if (find_agency_review(review, asking.agency)) return std::nullopt;
    return Rejection{Because::permission_denied,
                     "other_agency",
                     fmt::format("agency `{}` is not named in this message; only the agencies that "
                                 "publish it decide on it",
                                 asking.agency),
                     {}};
}

static std::optional<Rejection> in_review(const v1::Review& review) {
    if (review.state() == "in_review") return std::nullopt;
    return Rejection{Because::failed_precondition, "not_in_review",
                     fmt::format("this message is not in review: its review is {}", review.state()),
                     "message_id"};
}

// ---- roster and policies

static std::optional<Rejection> unsound_agencies(const v1::Roster& roster) {
    if (roster.agencies().empty())
        return Rejection{Because::invalid_argument, "empty_roster",
                         "a roster names at least one agency", "roster.agencies"};
    std::set<std::string_view> ids;
    for (int i = 0; i < roster.agencies_size(); ++i)
        if (!ids.insert(roster.agencies(i).agency_id()).second)
            return Rejection{
                Because::invalid_argument, "duplicate_agency",
                fmt::format("agency `{}` is listed twice", roster.agencies(i).agency_id()),
                fmt::format("roster.agencies[{}].agency_id", i)};
    return std::nullopt;
}

// By agency and subject: to look for each of thousands in turn would hold up every decision.
using People = std::map<std::pair<std::string_view, std::string_view>, const v1::Person*>;

static People::key_type key_of(const v1::Person& person) {
    return {person.agency_id(), person.subject()};
}

static std::optional<Rejection> unsound_people(const v1::Roster& roster) {
    if (roster.people().empty())
        return Rejection{Because::invalid_argument, "empty_roster",
                         "a roster names at least one person", "roster.people"};
    std::set<People::key_type> people;
    for (int i = 0; i < roster.people_size(); ++i) {
        const v1::Person& person = roster.people(i);
        if (!people.insert(key_of(person)).second)
            return Rejection{Because::invalid_argument, "duplicate_person",
                             fmt::format("`{}` is listed twice for agency `{}`: give all roles in "
                                         "one entry",
                                         person.subject(), person.agency_id()),
                             fmt::format("roster.people[{}].subject", i)};
        if (!find_agency(roster, person.agency_id()))
            return Rejection{Because::invalid_argument, "unknown_agency",
                             fmt::format("agency `{}` of `{}` is not in this roster",
                                         person.agency_id(), person.subject()),
                             fmt::format("roster.people[{}].agency_id", i)};
    }
    return std::nullopt;
}

static bool has_admin(const v1::Roster& roster, std::string_view agency_id) {
    return std::ranges::any_of(roster.people(), [&](const v1::Person& person) {
        return person.agency_id() == agency_id && contains(person.roles(), "admin");
    });
}

// The importer's own agency needs one, or it could not change its part again.
static std::optional<Rejection> without_admin(const v1::Roster& all, const Asking& asking,
                                              const v1::Roster& imported) {
    const bool own = find_agency(imported, asking.agency) != nullptr;
    const bool any = std::ranges::any_of(
        all.people(), [](const v1::Person& person) { return contains(person.roles(), "admin"); });
    if (any && (!own || has_admin(all, asking.agency))) return std::nullopt;
    return Rejection{Because::invalid_argument, "no_admin",
                     fmt::format("at least one person of agency `{}` needs the role admin, or "
                                 "nobody could import its next roster",
                                 asking.agency),
                     "roster.people"};
}

// Of one agency, or of all where that is empty.
static People people_of(const v1::Roster& roster, std::string_view agency_id = {}) {
    People people;
    for (const v1::Person& person : roster.people())
        if (agency_id.empty() || person.agency_id() == agency_id)
            people.emplace(key_of(person), &person);
    return people;
}

static bool same_agency(const v1::Roster& before, const v1::Roster& after,
                        const std::string& agency_id) {
    const v1::Agency *was = find_agency(before, agency_id), *is = find_agency(after, agency_id);
    if (!was || !is || !MessageDifferencer::Equals(*was, *is)) return false;
    return std::ranges::equal(people_of(before, agency_id), people_of(after, agency_id),
                              [](const auto& one, const auto& other) {
                                  return MessageDifferencer::Equals(*one.second, *other.second);
                              });
}

// An agency is changed by its own admins; one that is new, or has none, by any of the realm's.
static std::optional<Rejection> of_others(const v1::Roster& present, const Asking& asking,
                                          const v1::Roster& imported) {
    for (int i = 0; i < imported.agencies_size(); ++i) {
        const std::string& id = imported.agencies(i).agency_id();
        if (id == asking.agency || !has_admin(present, id) || same_agency(present, imported, id))
            continue;
        return Rejection{Because::permission_denied, "other_agency",
                         fmt::format("agency `{}` has admins of its own: leave it out, or let one "
                                     "of them import it",
                                     id),
                         fmt::format("roster.agencies[{}].agency_id", i)};
    }
    return std::nullopt;
}

// An alert is known by its sender: no two agencies have one.
static std::optional<Rejection> borrowed_sender(const v1::Roster& all, const v1::Roster& imported) {
    for (int i = 0; i < imported.agencies_size(); ++i) {
        const v1::Agency& agency = imported.agencies(i);
        for (const v1::Agency& other : all.agencies())
            if (!agency.cap_sender().empty() && other.agency_id() != agency.agency_id() &&
                other.cap_sender() == agency.cap_sender())
                return Rejection{Because::invalid_argument, "duplicate_sender",
                                 fmt::format("`{}` is the CAP sender of agency `{}`: each has one "
                                             "of its own",
                                             agency.cap_sender(), other.agency_id()),
                                 fmt::format("roster.agencies[{}].cap_sender", i)};
    }
    return std::nullopt;
}

// Agencies that are not named stay as they are, with their people; what is there already keeps its
// place.
static v1::Roster merged(const v1::Roster& present, const v1::Roster& imported) {
    v1::Roster all;
    for (const v1::Agency& agency : present.agencies()) {
        const v1::Agency* named = find_agency(imported, agency.agency_id());
        *all.add_agencies() = named ? *named : agency;
    }
    for (const v1::Agency& agency : imported.agencies())
        if (!find_agency(present, agency.agency_id())) *all.add_agencies() = agency;
    const People before = people_of(present), now = people_of(imported);
    for (const v1::Person& person : present.people()) {
        if (const auto named = now.find(key_of(person)); named != now.end())
            *all.add_people() = *named->second;
        else if (!find_agency(imported, person.agency_id()))
            *all.add_people() = person;
    }
    for (const v1::Person& person : imported.people())
        if (!before.contains(key_of(person))) *all.add_people() = person;
    return all;
}

static Verdict import_roster(const State& state, const Asking& asking,
                             const v1::ImportRosterRequest& request) {
    // The first import comes before any roster.
    if (!asking.has("admin"))
        return reject(Because::permission_denied, "role_missing",
                      "importing a roster needs the role admin");
    // The roster may have changed since the edge confirmed it.
    if (state.roster_version > 0)
        if (auto no = confirm(state, asking, {"admin"})) return std::unexpected(*no);
    if (auto unsound = unsound_agencies(request.roster())) return std::unexpected(*unsound);
    if (auto unsound = unsound_people(request.roster())) return std::unexpected(*unsound);
    if (auto theirs = of_others(state.roster, asking, request.roster()))
        return std::unexpected(*theirs);
    v1::Roster all = merged(state.roster, request.roster());
    if (auto headless = without_admin(all, asking, request.roster()))
        return std::unexpected(*headless);
    if (auto borrowed = borrowed_sender(all, request.roster())) return std::unexpected(*borrowed);
    if (all.agencies_size() > agencies_max)
        return reject(Because::resource_exhausted, "roster_too_large",
                      fmt::format("with these the realm has {} agencies; at most {} are possible",
                                  all.agencies_size(), agencies_max),
                      "roster.agencies");
    if (all.ByteSizeLong() > roster_bytes_max)
        return reject(Because::resource_exhausted, "roster_too_large",
                      fmt::format("with it the roster of the realm has {} bytes, of which {} can "
                                  "be stored: name fewer people",
                                  all.ByteSizeLong(), roster_bytes_max),
                      "roster");

    if (state.roster_version > 0 && MessageDifferencer::Equals(state.roster, all))
        return Happened<v1::Event>{{}, asking.realm, std::to_string(state.roster_version)};
    v1::Event event;
    *event.mutable_roster_imported()->mutable_roster() = std::move(all);
    event.mutable_roster_imported()->set_actor(asking.actor);
    return Happened<v1::Event>{{event}, asking.realm, std::to_string(state.roster_version + 1)};
}

static Verdict set_policy(const State& state, const Asking& asking,
                          const v1::SetPolicyRequest& request) {
    if (auto no = confirm(state, asking, {"admin"})) return std::unexpected(*no);
    for (int i = 0; i < request.roles_size(); ++i)
        if (std::ranges::find(default_roles, request.roles(i)) == default_roles.end())
            return reject(
                Because::invalid_argument, "unknown_role",
                fmt::format("`{}` cannot approve; name approver or duty-officer", request.roles(i)),
                fmt::format("roles[{}]", i));
    if (request.quorum() < 1)
        return reject(Because::invalid_argument, "out_of_range", "a quorum is at least 1",
                      "quorum");
    if (request.roles().empty())
        return reject(Because::invalid_argument, "required", "name the roles that count", "roles");

    v1::Event event;
    v1::Policy& policy = *event.mutable_policy_set()->mutable_policy();
    policy.set_agency_id(asking.agency);
    policy.set_severity(request.severity());
    policy.set_quorum(request.quorum());
    *policy.mutable_roles() = request.roles();
    event.mutable_policy_set()->set_actor(asking.actor);

    std::string subject = fmt::format("{}/{}", asking.agency, static_cast<int>(request.severity()));
    const auto before = state.policies.find({asking.agency, request.severity()});
    if (before != state.policies.end() && MessageDifferencer::Equals(before->second.policy, policy))
        return Happened<v1::Event>{{}, std::move(subject), std::to_string(before->second.version)};
    const auto version = before == state.policies.end() ? 1 : before->second.version + 1;
    return Happened<v1::Event>{{event}, std::move(subject), std::to_string(version)};
}

// ---- reviews

// Null: that person has not approved, for whatever agency.
static const v1::Approval* approval_by(const v1::Review& review, std::string_view person) {
    for (const v1::AgencyReview& agency : review.agencies())
        for (const v1::Approval& approval : agency.approvals())
            if (approval.approver() == person) return &approval;
    return nullptr;
}

// The hand-over to publishing; `review` already holds the approval that completed it.
static std::expected<v1::Event, Rejection> clear(const State& state, const v1::Review& review) {
    v1::Event event;
    v1::Cleared& cleared = *event.mutable_cleared();
    cleared.set_message_id(review.message_id());
    cleared.set_content(*state.reviews.at(review.message_id()).content);
    cleared.set_digest(review.digest());
    *cleared.mutable_incident_agencies() = review.incident_agencies();
    for (const v1::AgencyReview& agency : review.agencies()) {
        const v1::Agency* known = find_agency(state.roster, agency.agency_id());
        // Publishing needs its CAP sender and public name.
        if (!known)
            return reject(Because::failed_precondition, "agency_unknown",
                          fmt::format("agency `{}` is no longer on the roster; import one that has "
                                      "it, or take the text back",
                                      agency.agency_id()));
        *cleared.add_agencies() = *known;
        for (const v1::Approval& approval : agency.approvals()) *cleared.add_approvals() = approval;
    }
    return event;
}

static Verdict give_approval(const State& state, const v1::Review& review,
                             const v1::Approval& approval) {
    std::vector<v1::Event> events(1);
    v1::ApprovalGiven& given = *events[0].mutable_approval_given();
    given.set_message_id(review.message_id());
    *given.mutable_approval() = approval;

    v1::Review after = review;
    bool all_cleared = true;
    for (v1::AgencyReview& agency : *after.mutable_agencies()) {
        if (agency.agency_id() == approval.agency_id()) {
            *agency.add_approvals() = approval;
            if (!agency.cleared() && agency.approvals_size() >= agency.quorum()) {
                agency.set_cleared(true);
                v1::AgencyCleared& cleared = *events.emplace_back().mutable_agency_cleared();
                cleared.set_message_id(review.message_id());
                cleared.set_agency_id(agency.agency_id());
            }
        }
        all_cleared = all_cleared && agency.cleared();
    }
    if (all_cleared) {
        auto cleared = clear(state, after);
        if (!cleared) return std::unexpected(cleared.error());
        events.push_back(std::move(*cleared));
    }
    return review_answer(review, std::move(events), 1);
}

static Verdict approve(const State& state, const Asking& asking, const v1::ApproveRequest& request,
                       Time now) {
    const auto found = state.reviews.find(request.message_id());
    if (found == state.reviews.end()) return no_review(request.message_id());
    const v1::Review review = found->second.get();
    if (auto no = of_its_agencies(review, asking)) return std::unexpected(*no);
    const v1::AgencyReview& own = *find_agency_review(review, asking.agency);
    // The roles of the policy as it stood when the review was opened.
    if (auto no = confirm(state, asking, {own.roles().begin(), own.roles().end()}))
        return std::unexpected(*no);
    // Whoever touched any revision, or submitted it, is out; being its last editor is not the test.
    if (contains(review.hands(), asking.actor))
        return reject(Because::permission_denied, "own_text",
                      fmt::format("`{}` wrote, edited or submitted this text; somebody else must "
                                  "approve it",
                                  asking.actor));
    const v1::Approval* before = approval_by(review, asking.actor);
    if (before && before->agency_id() != asking.agency)
        return reject(Because::permission_denied, "second_approval",
                      fmt::format("`{}` has approved it for agency `{}`, and one person approves "
                                  "once: somebody else must approve for `{}`",
                                  asking.actor, before->agency_id(), asking.agency));
    // A second click after the last approval is still the same yes.
    const bool again = before && request.digest() == review.digest();
    if (again && review.state() == "cleared") return review_answer(review, {});
    if (auto no = in_review(review)) return std::unexpected(*no);
    // The digest pins the exact words: approving last minute's text must not release this one.
    if (request.digest() != review.digest())
        return reject(Because::failed_precondition, "stale_digest",
                      "the text has changed since it was read; read it again and approve that",
                      "digest");
    if (again) return review_answer(review, {});

    v1::Approval approval;
    approval.set_approver(asking.actor);
    approval.set_agency_id(asking.agency);
    approval.set_digest(review.digest());
    *approval.mutable_approve_time() = to_proto(now);
    approval.set_comment(request.comment());
    return give_approval(state, review, approval);
}

static v1::Event returned(std::string_view message_id, std::string_view actor,
                          std::string_view reason, bool taken_back) {
    v1::Event event;
    v1::ReviewReturned& body = *event.mutable_review_returned();
    body.set_message_id(std::string(message_id));
    body.set_actor(std::string(actor));
    body.set_reason(std::string(reason));
    body.set_taken_back(taken_back);
    return event;
}

static Verdict request_changes(const State& state, const Asking& asking,
                               const v1::RequestChangesRequest& request) {
    const auto found = state.reviews.find(request.message_id());
    if (found == state.reviews.end()) return no_review(request.message_id());
    const v1::Review review = found->second.get();
    if (auto no = of_its_agencies(review, asking)) return std::unexpected(*no);
    if (auto no = confirm(state, asking, {"approver", "duty-officer"})) return std::unexpected(*no);
    if (auto no = in_review(review)) return std::unexpected(*no);
    return review_answer(review,
                         {returned(review.message_id(), asking.actor, request.reason(), false)});
}

static Verdict refuse(const State& state, const Asking& asking, const v1::RejectRequest& request) {
    const auto found = state.reviews.find(request.message_id());
    if (found == state.reviews.end()) return no_review(request.message_id());
    const v1::Review review = found->second.get();
    if (auto no = of_its_agencies(review, asking)) return std::unexpected(*no);
    if (auto no = confirm(state, asking, {"approver", "duty-officer"})) return std::unexpected(*no);
    if (auto no = in_review(review)) return std::unexpected(*no);

    v1::Event event;
    v1::ReviewRejected& rejected = *event.mutable_review_rejected();
    rejected.set_message_id(review.message_id());
    rejected.set_actor(asking.actor);
    rejected.set_reason(request.reason());
    return review_answer(review, {event});
}

static Verdict take_back(const State& state, const Asking& asking,
                         const v1::TakeBackRequest& request) {
    const auto found = state.reviews.find(request.message_id());
    if (found == state.reviews.end()) return no_review(request.message_id());
    const v1::Review review = found->second.get();
    if (auto no = of_its_agencies(review, asking)) return std::unexpected(*no);
    if (auto no = confirm(state, asking, {"author", "duty-officer"})) return std::unexpected(*no);
    // The baton is publishing's from clearance on: only its answer can stop the release.
    if (review.state() == "cleared")
        return reject(Because::failed_precondition, "cleared",
                      "this message is cleared; cancel its release in publishing instead",
                      "message_id");
    if (auto no = in_review(review)) return std::unexpected(*no);
    return review_answer(review,
                         {returned(review.message_id(), asking.actor, request.reason(), true)});
}

Verdict Decider::decide(const State& state, const Asking& asking, const v1::Command& command,
                        Time now) {
    switch (command.body_case()) {
        case v1::Command::kImportRoster:
            return import_roster(state, asking, command.import_roster());
        case v1::Command::kSetPolicy:
            return set_policy(state, asking, command.set_policy());
        case v1::Command::kApprove:
            return approve(state, asking, command.approve(), now);
        case v1::Command::kRequestChanges:
            return request_changes(state, asking, command.request_changes());
        case v1::Command::kReject:
            return refuse(state, asking, command.reject());
        case v1::Command::kTakeBack:
            return take_back(state, asking, command.take_back());
        case v1::Command::BODY_NOT_SET:
            break;
    }
    return reject(Because::unimplemented, "unknown_command",
                  "this version does not know the command; upgrade the service");
}

// ---- what drafting submits

// The policy is frozen here: a later SetPolicy binds later submissions only.
static v1::AgencyReview agency_review(const State& state, const std::string& agency_id,
                                      int severity) {
    v1::AgencyReview review;
    review.set_agency_id(agency_id);
    const auto policy = state.policies.find({agency_id, severity});
    if (policy != state.policies.end()) {
        review.set_quorum(policy->second.policy.quorum());
        *review.mutable_roles() = policy->second.policy.roles();
    } else {
        review.set_quorum(default_quorum);
        for (const std::string_view role : default_roles) review.add_roles(std::string(role));
    }
    return review;
}

// What keeps a submitted text from being reviewed at all; empty when nothing does.
static std::string unreviewable(const State& state, const drafting::v1::MessageSubmitted& submitted,
                                const std::expected<content::Content, std::string>& parsed,
                                const std::string& realm) {
    if (content::digest(submitted.content()) != submitted.digest())
        return "digest_mismatch: the stored bytes are not those that were submitted; submit it "
               "again";
    if (!parsed) return fmt::format("content_unreadable: {}; submit it again", parsed.error());
    if (parsed->message_id() != submitted.message_id() || parsed->realm() != realm)
        return "content_mismatch: the content belongs to another message; submit it again";
    if (parsed->draft().agencies().empty())
        return "agency_unknown: the message names no agency that could clear it; name one";
    for (const std::string& agency : parsed->draft().agencies())
        if (!find_agency(state.roster, agency))
            return fmt::format(
                "agency_unknown: agency `{}` is not on the roster; remove it from "
                "the message, or import a roster that has it",
                agency);
    return {};
}

// Even a text that cannot be reviewed is opened first: it was submitted, and only a return gives
// the baton back to drafting.
static std::vector<v1::Event> open_review(const State& state, const Foreign& foreign,
                                          const drafting::v1::MessageSubmitted& submitted) {
    const auto parsed = content::parse(submitted.content());
    std::vector<v1::Event> events(1);
    v1::Review& review = *events[0].mutable_review_opened()->mutable_review();
    events[0].mutable_review_opened()->set_crossing_id(submitted.crossing_id());
    review.set_message_id(submitted.message_id());
    review.set_digest(submitted.digest());
    review.set_content(submitted.content());
    review.set_state("in_review");
    *review.mutable_hands() = submitted.hands();
    *review.mutable_submit_time() = to_proto(foreign.at);
    *review.mutable_incident_agencies() = submitted.incident_agencies();
    if (parsed) {
        std::set<std::string> seen;
        for (const std::string& agency : parsed->draft().agencies())
            if (seen.insert(agency).second)
                *review.add_agencies() =
                    agency_review(state, agency, static_cast<int>(parsed->draft().severity()));
    }
    const std::string why = unreviewable(state, submitted, parsed, foreign.realm);
    if (!why.empty()) events.push_back(returned(submitted.message_id(), self, why, false));
    return events;
}

std::optional<Happened<v1::Event>> Decider::react(const State& state, const Foreign& foreign,
                                                  Time) {
    if (foreign.service != "drafting") return std::nullopt;
    Happened<v1::Event> happened;
    for (const std::string& bytes : foreign.events) {
        const auto event = runtime::parse_foreign<drafting::v1::Event>(bytes);
        // Everything else happens to texts that are drafting's own: no review is open on them.
        if (!event || !event->has_message_submitted()) continue;
        const auto& submitted = event->message_submitted();
        // Once cleared or refused a message never comes back to approval: a second clearance would
        // be a second release.
        const auto before = state.reviews.find(submitted.message_id());
        const std::string so_far =
            before == state.reviews.end() ? std::string{} : before->second.get().state();
        if (so_far == "cleared" || so_far == "rejected") continue;
        for (v1::Event& opened : open_review(state, foreign, submitted))
            happened.events.push_back(std::move(opened));
        happened.subject = submitted.message_id();
        happened.etag = std::string{"0"};
    }
    if (happened.events.empty()) return std::nullopt;
    return happened;
}

bool Decider::concerns(const Foreign& foreign) {
    using Drafted = drafting::v1::Event;
    return runtime::has_any<Drafted>(foreign, {Drafted::kMessageSubmitted});
}

// ---- evolve

static void add_approval(v1::Review& review, const v1::Approval& approval) {
    for (v1::AgencyReview& agency : *review.mutable_agencies())
        if (agency.agency_id() == approval.agency_id()) *agency.add_approvals() = approval;
}

static void clear_agency(v1::Review& review, const std::string& agency_id) {
    for (v1::AgencyReview& agency : *review.mutable_agencies())
        if (agency.agency_id() == agency_id) agency.set_cleared(true);
}

static void end_review(v1::Review& review, const char* state, const std::string& reason) {
    review.set_state(state);
    review.set_reason(reason);
}

std::string message_of(const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kReviewOpened:
            return event.review_opened().review().message_id();
        case v1::Event::kApprovalGiven:
            return event.approval_given().message_id();
        case v1::Event::kAgencyCleared:
            return event.agency_cleared().message_id();
        case v1::Event::kCleared:
            return event.cleared().message_id();
        case v1::Event::kReviewReturned:
            return event.review_returned().message_id();
        case v1::Event::kReviewRejected:
            return event.review_rejected().message_id();
        case v1::Event::kRosterImported:
        case v1::Event::kPolicySet:
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return {};
}

static void evolve_head(v1::Review& head, const v1::Event& event, Time decided_at) {
    switch (event.body_case()) {
        case v1::Event::kReviewOpened:
            head = event.review_opened().review();
            head.clear_content();
            return;
        case v1::Event::kApprovalGiven:
            return add_approval(head, event.approval_given().approval());
        case v1::Event::kAgencyCleared:
            return clear_agency(head, event.agency_cleared().agency_id());
        case v1::Event::kCleared:
            head.set_state("cleared");
            *head.mutable_clear_time() = to_proto(decided_at);
            return;
        case v1::Event::kReviewReturned:
            return end_review(head, "returned", event.review_returned().reason());
        case v1::Event::kReviewRejected:
            return end_review(head, "rejected", event.review_rejected().reason());
        case v1::Event::kRosterImported:
        case v1::Event::kPolicySet:
        case v1::Event::BODY_NOT_SET:
            return;
    }
}

void evolve(Review& review, const v1::Event& event, Time decided_at) {
    review.head.edit([&](v1::Review& head) { evolve_head(head, event, decided_at); });
    if (event.has_review_opened())
        review.content = runtime::SharedBytes(event.review_opened().review().content());
}

static bool ends(const v1::Event& event) {
    return event.has_cleared() || event.has_review_returned() || event.has_review_rejected();
}

bool Decider::evolve(State& state, const v1::Event& event, Time decided_at) {
    if (event.body_case() == v1::Event::BODY_NOT_SET) return false;
    if (event.has_roster_imported()) {
        state.roster = event.roster_imported().roster();
        ++state.roster_version;
        return true;
    }
    if (event.has_policy_set()) {
        const v1::Policy& policy = event.policy_set().policy();
        State::Policy& stored = state.policies[{policy.agency_id(), policy.severity()}];
        stored.policy = policy;
        ++stored.version;
        return true;
    }
    Review& review = state.reviews[message_of(event)];
    approval::evolve(review, event, decided_at);
    if (ends(event)) review.content = {};
    return true;
}

}  // namespace tocsin::approval
