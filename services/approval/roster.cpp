#include "approval/roster.hpp"

#include "approval/roster_import.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <utility>

namespace tocsin::approval {

using google::protobuf::util::MessageDifferencer;
using runtime::Asking;
using runtime::Because;
using runtime::Rejection;

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

std::optional<Rejection> require_role_on_roster(const v1::Roster& roster, const Asking& asking,
                                                const std::vector<std::string>& roles) {
    const v1::Person* person = find_person(roster, asking.actor, asking.agency);
    if (!person)
        return Rejection{Because::permission_denied,
                         "not_on_roster",
                         fmt::format("`{}` is not on the roster for agency `{}`; an admin of that "
                                     "agency can import a roster with this person",
                                     asking.actor, asking.agency),
                         {}};
    Asking confirmed = asking;
    std::erase_if(confirmed.roles,
                  [&](const std::string& role) { return !texts::contains(person->roles(), role); });
    return runtime::require_role(confirmed, roles);
}

// ---- commands

// Before the first import there is no roster: the token alone gives the role.
static std::optional<Rejection> require_importer(const RosterState& state, const Asking& asking) {
    if (auto no = runtime::require_role(asking, {"admin"})) return no;
    if (state.version == 0) return std::nullopt;
    return require_role_on_roster(state.current, asking, {"admin"});
}

Verdict import_roster(const RosterState& state, const Asking& asking,
                      const v1::ImportRosterRequest& request) {
    const v1::Roster& imported = request.roster();
    if (auto no = require_importer(state, asking)) return std::unexpected(*no);
    if (auto no = require_sound(imported)) return std::unexpected(*no);
    if (auto no = require_own_agencies(state.current, asking, imported))
        return std::unexpected(*no);
    v1::Roster all = merged(state.current, imported);
    if (auto no = require_sound_merge(all, asking, imported)) return std::unexpected(*no);

    if (state.version > 0 && MessageDifferencer::Equals(state.current, all))
        return Happened{{}, asking.realm, std::to_string(state.version)};
    v1::Event event = event_of({});
    *event.mutable_roster_imported()->mutable_roster() = std::move(all);
    event.mutable_roster_imported()->set_actor(asking.actor);
    return Happened{{event}, asking.realm, std::to_string(state.version + 1)};
}

// ---- events

void evolve(RosterState& state, const v1::RosterImported& imported) {
    state.current = imported.roster();
    ++state.version;
}

}  // namespace tocsin::approval
