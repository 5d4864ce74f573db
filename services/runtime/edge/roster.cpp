#include "runtime/edge/roster.hpp"

#include "tocsin/approval/v1/approval_ledger.pb.h"

#include <algorithm>

namespace tocsin::runtime {

void RealmRoster::apply(const Counted& counted) {
    if (counted.service != "approval") return;
    // Other events, those of newer versions too, do not change who may do what.
    counted.each<approval::v1::Event>([&](const approval::v1::Event& event) {
        if (event.has_roster_imported()) import(event.roster_imported().roster());
    });
}

void RealmRoster::import(const approval::v1::Roster& roster) {
    auto import = std::make_shared<Import>();
    for (const auto& person : roster.people())
        import->people[{person.agency_id(), person.subject()}] = person;
    for (const auto& agency : roster.agencies()) import->agencies[agency.agency_id()] = agency;
    latest_ = std::move(import);
}

const approval::v1::Person* RealmRoster::person(const std::string& subject,
                                                const std::string& agency_id) const {
    if (!latest_) return nullptr;
    const auto found = latest_->people.find({agency_id, subject});
    return found == latest_->people.end() ? nullptr : &found->second;
}

const approval::v1::Agency* RealmRoster::agency(const std::string& agency_id) const {
    if (!latest_) return nullptr;
    const auto found = latest_->agencies.find(agency_id);
    return found == latest_->agencies.end() ? nullptr : &found->second;
}

static std::vector<std::string> only(const std::vector<std::string>& roles, std::string_view role) {
    if (std::ranges::find(roles, role) == roles.end()) return {};
    return {std::string(role)};
}

std::vector<std::string> Roster::confirmed(const Caller& caller) const {
    if (caller.actor.starts_with("service:")) return only(caller.roles, "service");
    return read(caller.realm, [&](const RealmRoster& roster) -> std::vector<std::string> {
        if (!roster.exists()) return only(caller.roles, "admin");
        const auto* person = roster.person(caller.actor, caller.agency);
        if (!person) return {};
        std::vector<std::string> both;
        const auto& given = person->roles();
        for (const std::string& role : caller.roles)
            if (role != "service" && role != operator_role &&
                std::ranges::find(given, role) != given.end())
                both.push_back(role);
        return both;
    });
}

std::optional<approval::v1::Agency> Roster::agency(const std::string& realm,
                                                   const std::string& agency_id) const {
    return read(realm, [&](const RealmRoster& roster) -> std::optional<approval::v1::Agency> {
        const auto* found = roster.agency(agency_id);
        if (!found) return std::nullopt;
        return *found;
    });
}

}  // namespace tocsin::runtime
