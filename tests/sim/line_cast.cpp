#include "sim/line_cast.hpp"

#include "runtime/base/ids.hpp"
#include "support/sample_message.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

// The last of them claim to be what the roster does not know.
static constexpr std::size_t claims = 2;

const std::vector<Person>& people() {
    static const std::vector<Person> all{
        {"ana", "calgary", {"author"}},    {"ben", "calgary", {"author", "approver"}},
        {"olga", "calgary", {"approver"}}, {"dan", "calgary", {"duty-officer"}},
        {"eve", "calgary", {"approver"}},  {"ivy", "alberta", {"author"}},
        {"abe", "alberta", {"approver"}},  {"amy", "alberta", {"duty-officer"}},
        {"root", "calgary", {"admin"}},    {"rita", "alberta", {"admin"}},
        {"mel", "calgary", {"analyst"}},   {"olga", "alberta", {"duty-officer"}},
        {"bo", "banff", {"duty-officer"}}, {"stranger", "calgary", {"approver"}},
        {"mel", "calgary", {"approver"}},
    };
    return all;
}

const Person& named(std::string_view subject) {
    return *std::ranges::find(people(), subject, &Person::subject);
}

approval::v1::Roster roster(int change) {
    approval::v1::Roster roster;
    for (const char* id : {"calgary", "alberta", "banff"}) {
        auto& agency = *roster.add_agencies();
        agency.set_agency_id(id);
        agency.set_cap_sender(fmt::format("{}@example.org", id));
        (*agency.mutable_names())["en-CA"] = id;
        (*agency.mutable_names())["fr-CA"] = id;
    }
    for (std::size_t i = 0; i + claims < people().size(); ++i) {
        const Person& one = people()[i];
        if ((change & 1) != 0 && one.subject == "eve") continue;
        auto& person = *roster.add_people();
        person.set_subject(one.subject);
        person.set_agency_id(one.agency);
        for (const std::string& role : one.roles) person.add_roles(role);
        if ((change & 2) != 0 && one.subject == "olga") person.add_roles("duty-officer");
    }
    return roster;
}

content::Draft draft_of(int number, runtime::Time now, bool both_agencies) {
    content::Draft draft = content::samples::make_draft();
    draft.clear_onset();
    draft.clear_evidence();
    *draft.mutable_expires() = runtime::to_proto(now + std::chrono::hours(4));
    draft.set_title(fmt::format("Bow River, number {}", number));
    draft.clear_agencies();
    draft.add_agencies("calgary");
    if (both_agencies) draft.add_agencies("alberta");
    return draft;
}

std::string first_incident() { return runtime::derive_id("inc", {"calgary", "ana", "incident"}); }

}  // namespace tocsin::sim
