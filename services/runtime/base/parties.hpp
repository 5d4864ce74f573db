// Whom of a realm a message concerns: the agencies that it names, and the duty officers of those
// that take part in its incident. The one rule, for views and deciders.
#pragma once

#include "runtime/base/shared_bytes.hpp"
#include "texts/contains.hpp"
#include "tocsin/content/v1/content.pb.h"

namespace tocsin::runtime {

// `Who` has an agency and roles: a Caller at the edge, an Asking in a decider. What the ledgers
// before the first roster hold names no agency, and concerns nobody.
template <class Who, class Agencies, class IncidentAgencies>
bool concerns(const Who& who, const Agencies& agencies, const IncidentAgencies& of_incident) {
    if (who.agency.empty()) return false;
    if (texts::contains(agencies, who.agency)) return true;
    return who.has("duty-officer") && texts::contains(of_incident, who.agency);
}

template <class Who>
bool concerns(const Who& who, const content::v1::Parties& parties) {
    return concerns(who, parties.agencies(), parties.incident_agencies());
}

// As they are kept: most messages of an incident concern the same agencies, which are held once.
class KeptParties {
public:
    KeptParties() = default;  // Of nobody.
    explicit KeptParties(const content::v1::Parties& parties) : bytes_(stable_bytes(parties)) {}
    content::v1::Parties get() const {
        content::v1::Parties parties;
        if (!bytes_.empty()) parties.ParseFromString(*bytes_);
        return parties;
    }

private:
    SharedBytes bytes_;
};

}  // namespace tocsin::runtime
