#include "approval/roster_import.hpp"

#include "texts/contains.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace tocsin::approval {

using google::protobuf::util::MessageDifferencer;
using runtime::Asking;
using runtime::Because;
using runtime::Rejection;
using texts::contains;

// Every import records the whole roster.
static constexpr std::size_t roster_bytes_max = 800'000;
// As many as one import may name; every one has series of its own in the metrics.
static constexpr int agencies_max = 200;

// By agency and subject: to look for each of thousands in turn would hold up every decision.
using People = std::map<std::pair<std::string_view, std::string_view>, const v1::Person*>;

static People::key_type person_key(const v1::Person& person) {
    return {person.agency_id(), person.subject()};
}

// Of one agency, or of all where that is empty.
static People people_of(const v1::Roster& roster, std::string_view agency_id = {}) {
    People people;
    for (const v1::Person& person : roster.people())
        if (agency_id.empty() || person.agency_id() == agency_id)
            people.emplace(person_key(person), &person);
    return people;
}

// ---- the import alone

static std::optional<Rejection> require_sound_agencies(const v1::Roster& roster) {
    if (roster.agencies().empty())
        return Rejection{Because::invalid_argument, "empty_roster",
                         "the roster has no agency; name at least one", "roster.agencies"};
    std::set<std::string_view> ids;
    for (int i = 0; i < roster.agencies_size(); ++i)
        if (!ids.insert(roster.agencies(i).agency_id()).second)
            return Rejection{Because::invalid_argument, "duplicate_agency",
                             fmt::format("agency `{}` is listed twice; keep one of the entries",
                                         roster.agencies(i).agency_id()),
                             fmt::format("roster.agencies[{}].agency_id", i)};
    return std::nullopt;
}

static std::optional<Rejection> require_sound_people(const v1::Roster& roster) {
    if (roster.people().empty())
        return Rejection{Because::invalid_argument, "empty_roster",
                         "the roster has no people; name at least one person", "roster.people"};
    std::set<People::key_type> people;
    for (int i = 0; i < roster.people_size(); ++i) {
        const v1::Person& person = roster.people(i);
        if (!people.insert(person_key(person)).second)
            return Rejection{Because::invalid_argument, "duplicate_person",
                             fmt::format("`{}` is listed twice for agency `{}`; give all roles in "
                                         "one entry",
                                         person.subject(), person.agency_id()),
                             fmt::format("roster.people[{}].subject", i)};
        if (!find_agency(roster, person.agency_id()))
            return Rejection{Because::invalid_argument, "unknown_agency",
                             fmt::format("agency `{}` of `{}` is not in this roster; add it, or "
                                         "correct the person's agency",
                                         person.agency_id(), person.subject()),
                             fmt::format("roster.people[{}].agency_id", i)};
    }
    return std::nullopt;
}

std::optional<Rejection> require_sound(const v1::Roster& imported) {
    if (auto no = require_sound_agencies(imported)) return no;
    return require_sound_people(imported);
}

// ---- against the present roster

static bool has_admin(const v1::Roster& roster, std::string_view agency_id) {
    return std::ranges::any_of(roster.people(), [&](const v1::Person& person) {
        return person.agency_id() == agency_id && contains(person.roles(), "admin");
    });
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

// Of an agency that nobody could change any more: who comes to it may do nothing else there.
static bool only_gets_admins(const v1::Roster& before, const v1::Roster& after,
                             const std::string& agency_id) {
    const People were = people_of(before, agency_id);
    v1::Roster without;
    *without.add_agencies() = *find_agency(after, agency_id);
    for (const auto& [key, person] : people_of(after, agency_id)) {
        if (were.contains(key))
            *without.add_people() = *person;
        else if (person->roles_size() != 1 || person->roles(0) != "admin")
            return false;
    }
    return same_agency(before, without, agency_id);
}

std::optional<Rejection> require_own_agencies(const v1::Roster& present, const Asking& asking,
                                              const v1::Roster& imported) {
    for (int i = 0; i < imported.agencies_size(); ++i) {
        const std::string& id = imported.agencies(i).agency_id();
        if (id == asking.agency || !find_agency(present, id) || same_agency(present, imported, id))
            continue;
        const bool has_own = has_admin(present, id);
        if (!has_own && only_gets_admins(present, imported, id)) continue;
        return Rejection{
            Because::permission_denied, "other_agency",
            has_own ? fmt::format("agency `{}` has admins of its own, who alone may change it; "
                                  "leave it out, or let one of them import it",
                                  id)
                    : fmt::format("agency `{}` has no admin: all that another agency may do is to "
                                  "add people to it who have the role admin and no other",
                                  id),
            fmt::format("roster.agencies[{}].agency_id", i)};
    }
    return std::nullopt;
}

v1::Roster merged(const v1::Roster& present, const v1::Roster& imported) {
    v1::Roster all;
    for (const v1::Agency& agency : present.agencies()) {
        const v1::Agency* named = find_agency(imported, agency.agency_id());
        *all.add_agencies() = named ? *named : agency;
    }
    for (const v1::Agency& agency : imported.agencies())
        if (!find_agency(present, agency.agency_id())) *all.add_agencies() = agency;
    const People before = people_of(present), now = people_of(imported);
    for (const v1::Person& person : present.people()) {
        if (const auto named = now.find(person_key(person)); named != now.end())
            *all.add_people() = *named->second;
        else if (!find_agency(imported, person.agency_id()))
            *all.add_people() = person;
    }
    for (const v1::Person& person : imported.people())
        if (!before.contains(person_key(person))) *all.add_people() = person;
    return all;
}

// ---- the whole

// The importer's own agency needs one, or it could not change its part again.
static std::optional<Rejection> require_admin(const v1::Roster& all, const Asking& asking,
                                              const v1::Roster& imported) {
    const bool own = find_agency(imported, asking.agency) != nullptr;
    const bool any = std::ranges::any_of(
        all.people(), [](const v1::Person& person) { return contains(person.roles(), "admin"); });
    if (any && (!own || has_admin(all, asking.agency))) return std::nullopt;
    return Rejection{Because::invalid_argument, "no_admin",
                     fmt::format("nobody of agency `{}` has the role admin, so nobody could import "
                                 "its next roster; give the role to at least one person",
                                 asking.agency),
                     "roster.people"};
}

// An alert is known by its sender: no two agencies have one.
static std::optional<Rejection> require_own_senders(const v1::Roster& all,
                                                    const v1::Roster& imported) {
    for (int i = 0; i < imported.agencies_size(); ++i) {
        const v1::Agency& agency = imported.agencies(i);
        for (const v1::Agency& other : all.agencies())
            if (!agency.cap_sender().empty() && other.agency_id() != agency.agency_id() &&
                other.cap_sender() == agency.cap_sender())
                return Rejection{Because::invalid_argument, "duplicate_sender",
                                 fmt::format("`{}` is the CAP sender of agency `{}`; give each "
                                             "agency one of its own",
                                             agency.cap_sender(), other.agency_id()),
                                 fmt::format("roster.agencies[{}].cap_sender", i)};
    }
    return std::nullopt;
}

static std::optional<Rejection> require_room(const v1::Roster& all) {
    if (all.agencies_size() > agencies_max)
        return runtime::no_room("roster_too_large",
                                {.of = "the roster of the realm",
                                 .bound = agencies_max,
                                 .things = "agencies",
                                 .remedy = "name fewer",
                                 .field = "roster.agencies",
                                 .wanted = static_cast<std::size_t>(all.agencies_size())});
    if (all.ByteSizeLong() > roster_bytes_max)
        return runtime::no_room("roster_too_large", {.of = "the roster of the realm",
                                                     .bound = roster_bytes_max,
                                                     .things = "bytes",
                                                     .remedy = "name fewer people",
                                                     .field = "roster",
                                                     .wanted = all.ByteSizeLong()});
    return std::nullopt;
}

std::optional<Rejection> require_sound_merge(const v1::Roster& all, const Asking& asking,
                                             const v1::Roster& imported) {
    if (auto no = require_admin(all, asking, imported)) return no;
    if (auto no = require_own_senders(all, imported)) return no;
    return require_room(all);
}

}  // namespace tocsin::approval
