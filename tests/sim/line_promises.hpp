// What holds between the services of the line, checked at each decision that counts with code of
// its own: who may clear what, what may be planned, which milestones a message reaches.
#pragma once

#include "all_ledgers.hpp"
#include "runtime/ledger/decider.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::sim {

using runtime::Time;

class LinePromises {
public:
    // One clock for all: what follows from something has no earlier time.
    void clocks_agree() { clocks_agree_ = true; }
    // Throws Violation.
    void counted(const std::string& service, const ledger::v1::Decision& decision);
    // The ledger of measurement is another one from now on.
    void measurement_starts_over() { measured_.clear(), crossings_measured_.clear(); }
    // Once nothing is under way: everything that was begun came to its end, and was measured.
    void check_end() const;
    struct Tally {
        int messages = 0, cleared = 0, fired = 0;
    };
    Tally tally() const;

private:
    struct Need {
        int quorum = 0;
        std::set<std::string> roles;
    };
    struct Message {
        std::set<std::string> writers;  // and submitters
        std::string digest;             // of what was submitted last
        int submitted = 0, reviewed = 0;
        std::map<std::string, Need> needs;                        // by agency, of the latest review
        std::vector<approval::v1::Approval> approvals;            // since it was opened
        std::set<std::pair<std::string, std::string>> approvers;  // ever: agency and person
        std::string cleared;                                      // bytes
        std::string release;
        bool given_back = false;      // by its release, since it was cleared
        std::string approved_digest;  // of what `approvals` are about
        std::optional<Time> drafted_at, submitted_at, cleared_at;
        bool over = false;  // withdrawn or refused
        // Whom it concerned, draft by draft, and the agencies that take part in its incident.
        std::vector<std::vector<std::string>> named;
        std::vector<std::string> members;
    };
    struct Measured {
        std::set<std::string> reached;
        // By kind and whether it is the retraction's, the latest word.
        std::map<std::pair<measurement::v1::MilestoneKind, bool>, Time> at;
        std::vector<std::string> named;  // whom it concerns
    };

    // One for each service: counted() does not compile without.
    void follow(const drafting::v1::Event& event, Time at);
    void follow(const approval::v1::Event& event, Time at);
    void follow(const trigger::v1::Event& event, Time at);
    void follow(const publishing::v1::Event& event, Time at);
    void follow(const measurement::v1::Event& event, Time at);
    void open(const approval::v1::Review& review);
    // The approvals that a text which comes back as it was brings with it.
    void carry(Message& message, const approval::v1::Review& review) const;
    void approve(const std::string& id, const approval::v1::Approval& approval);
    void clear(const std::string& id, const approval::v1::Cleared& cleared, Time at);
    void reach(const std::string& id, const std::string& release,
               const measurement::v1::MilestoneReached& reached);
    void concern(const std::string& id, const measurement::v1::PartiesNoted& noted);
    void check_order(const std::string& id, const Measured& measured) const;
    static std::ptrdiff_t given_by(const Message& message, const std::string& agency);
    static bool approved(const Message& message);
    bool plays(const approval::v1::Approval& approval, const Need& need) const;

    bool clocks_agree_ = false;
    approval::v1::Roster roster_;
    std::map<std::pair<std::string, int>, Need> policies_;
    std::map<std::string, Message> messages_;
    std::map<std::string, std::vector<std::string>> incidents_;  // agencies that take part
    std::set<std::string> crossings_, crossings_answered_, crossings_drafted_;
    std::set<std::string> alerts_, alerts_known_;  // that were claimed, and those drafting knows
    std::map<std::string, Measured> measured_;
    std::set<std::string> crossings_measured_;
};

}  // namespace tocsin::sim
