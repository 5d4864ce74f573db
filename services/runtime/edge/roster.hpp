// The realm's roster as every service knows it: folded from approval's ledger, because a role is
// what the token says and the roster confirms.
#pragma once

#include "runtime/edge/rpc.hpp"
#include "runtime/ledger/view.hpp"
#include "tocsin/approval/v1/approval_service.pb.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::runtime {

class RealmRoster {
public:
    void apply(const Counted& counted);

    // Whether one was ever imported.
    bool exists() const { return latest_ != nullptr; }
    // As somebody of that agency. Valid as long as the snapshot.
    const approval::v1::Person* person(const std::string& subject,
                                       const std::string& agency_id) const;
    const approval::v1::Agency* agency(const std::string& agency_id) const;
    // `use(const approval::v1::Person&)`, of an agency by subject, from the first behind `after`
    // (empty: the first), until it returns false.
    template <class Use>
    void people(const std::string& agency_id, const std::string& after, Use&& use) const {
        if (!latest_) return;
        for (auto at = latest_->people.upper_bound({agency_id, after});
             at != latest_->people.end() && at->first.first == agency_id && use(at->second); ++at) {
        }
    }
    // `use(const approval::v1::Person&)`, by agency and subject.
    template <class Use>
    void each_person(Use&& use) const {
        if (!latest_) return;
        for (const auto& entry : latest_->people) use(entry.second);
    }

private:
    void import(const approval::v1::Roster& roster);

    // One import, which the next replaces as a whole. Null: there was none.
    struct Import {
        // By agency and subject: a person may act for several agencies, with a token for each.
        std::map<std::pair<std::string, std::string>, approval::v1::Person> people;
        std::map<std::string, approval::v1::Agency> agencies;
    };
    std::shared_ptr<const Import> latest_;
};

// Fed as every view is; asked by any thread.
class Roster final : public SnapshotViews<RealmRoster>, public RoleConfirmer {
public:
    using SnapshotViews::SnapshotViews;

    // For a person: the token's roles that the roster gives the same subject for the same agency.
    // While the realm has no roster, `admin` of the token counts, so that one can be imported.
    // The role `service` is never a person's: it is confirmed only for a subject `service:...`,
    // and such a subject has no other. Nor is `operator` a realm's to give.
    std::vector<std::string> confirmed(const Caller& caller) const override;

    // Nothing when the roster does not have it.
    std::optional<approval::v1::Agency> agency(const std::string& realm,
                                               const std::string& agency_id) const;
};

}  // namespace tocsin::runtime
