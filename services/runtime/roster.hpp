// The realm's roster as every service knows it: folded from approval's ledger, because a role is
// what the token says and the roster confirms.
#pragma once

#include "runtime/rpc.hpp"
#include "runtime/view.hpp"
#include "tocsin/approval/v1/approval_service.pb.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::runtime {

class RealmRoster {
public:
    void apply(const Counted& counted);

    // Whether one was ever imported.
    bool exists() const { return exists_; }
    const approval::v1::Person* person(const std::string& subject) const;
    const approval::v1::Agency* agency(const std::string& agency_id) const;

private:
    void import(const approval::v1::Roster& roster);

    bool exists_ = false;
    std::map<std::string, approval::v1::Person> people_;
    std::map<std::string, approval::v1::Agency> agencies_;
};

// Fed on the ledger thread; asked by any thread.
class Roster final : public RealmViews<RealmRoster>, public RoleConfirmer {
public:
    using RealmViews::RealmViews;

    // For a person: the token's roles that the roster gives the same subject for the same agency.
    // While the realm has no roster, `admin` of the token counts, so that one can be imported.
    // The role `service` is never a person's: it is confirmed only for a subject `service:...`,
    // and such a subject has no other.
    std::vector<std::string> confirmed(const Caller& caller) const override;

    // Nothing when the roster does not have it.
    std::optional<approval::v1::Agency> agency(const std::string& realm,
                                               const std::string& agency_id) const;
};

}  // namespace tocsin::runtime
