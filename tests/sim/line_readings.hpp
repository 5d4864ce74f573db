// What a rule owes to the readings that it is shown, checked each time that a process looks at a
// record of them, whether it makes something of it or not. It knows every record that there was;
// what the rule did before it knows from the events that the same process folded, so that each look
// is held against what the ledger said then.
#pragma once

#include "runtime/ledger/rules.hpp"
#include "sim/line_waves.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::sim {

// What a ledger says of one rule.
struct RuleHistory {
    struct Version {
        trigger::v1::Rule rule;
        Time put_at;
        Time counts_from;          // what is put again begins anew where it was removed
        bool same_series = false;  // as the one before
        bool edit = false;         // and it asks the same of it
    };
    struct Crossed {
        std::string id;
        Time at;
        std::vector<content::v1::Evidence> evidence;  // as it was told of last
        bool withdrawn = false;
        int question = 0;
        std::string source, series;
        std::size_t version = 0;
    };
    std::vector<Version> versions;
    bool active = false;
    std::optional<Time> removed_at;
    int question = 0;
    std::optional<std::string> unit;  // that it reads, once it has met a reading
    std::vector<Crossed> crossed;
    // The latest reading that was told of: within the cooldown, and too old.
    std::optional<Time> suppressed, passed;

    const trigger::v1::Rule& rule() const { return versions.back().rule; }
    void follow(const trigger::v1::Event& event, Time at);

private:
    void put(const trigger::v1::Rule& rule, Time at);
    void revise(const trigger::v1::EvidenceRevised& revised);
};
using RuleHistories = std::map<std::string, RuleHistory>;

class ReadingPromises {
public:
    explicit ReadingPromises(std::function<void(const std::string&)> broken)
        : broken_(std::move(broken)) {}

    // A record came to lie in the stream.
    void stored(std::int64_t offset, Time stored_at, const trigger::v1::Readings& record);
    // Somebody whose ledger said `histories` made `events` of it.
    void looked(const RuleHistories& histories, std::int64_t offset, Time now,
                const std::vector<trigger::v1::Event>& events);
    // Whether somebody looked at each record.
    bool all_looked_at() const { return looked_at_.size() == records_.size(); }
    // Readings at which rules crossed, lately: what a provider corrects may be one of them.
    const std::vector<Time>& crossed_lately() const { return crossed_lately_; }

    // The same rules, watched.
    std::unique_ptr<runtime::Rules> watched(std::unique_ptr<runtime::Rules> rules);

private:
    using Series = std::pair<std::string, std::string>;
    struct Record {
        Time stored_at;
        Series series;
        std::string unit;
        Points shown;  // that a rule may go by
        Points known;  // with all that was known before
    };
    struct Look {
        const Record& record;
        Time now;
        std::string id;  // of the rule
        Terms terms;
        std::size_t crossed_before;  // how often
    };

    void look(const Record& record, const std::string& id, RuleHistory history, Time now,
              const std::vector<trigger::v1::Event>& events);
    void check_crossing(const Look& look, const RuleHistory& history,
                        const trigger::v1::RuleCrossed& crossed) const;
    void check_once(const Look& look, const RuleHistory& history, Time at) const;
    static bool was_owed(const RuleHistory& history, std::size_t first, const WaveSeen& wave,
                         std::span<const Point> points);
    void check_edit(const Look& look, const RuleHistory& history, Time at) const;
    void check_revision(const Look& look, const RuleHistory& history,
                        const trigger::v1::EvidenceRevised& revised) const;
    void check_revised(const Look& look, const RuleHistory& history) const;
    void check_waves(const Look& look, const RuleHistory& history) const;
    bool is_settled(const Look& look, const RuleHistory& history, const WaveSeen& wave) const;
    bool may_know(const Look& look, const RuleHistory& history, const WaveSeen& wave,
                  Time at) const;
    static bool was_met(const Look& look, const RuleHistory& history, Time at);
    static bool parted(const Look& look, const RuleHistory& history,
                       const RuleHistory::Crossed& before, Time at);

    std::function<void(const std::string&)> broken_;
    std::map<std::int64_t, Record> records_;                  // by offset
    std::map<std::pair<Series, std::string>, Points> known_;  // by series and unit
    std::set<std::int64_t> looked_at_;
    std::vector<Time> crossed_lately_;
};

}  // namespace tocsin::sim
