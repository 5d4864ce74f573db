// The crossings of a realm, as people read them: with what drafting made of each, and how its
// evidence was corrected.
#pragma once

#include "runtime/base/shared_bytes.hpp"
#include "runtime/base/shared_map.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "trigger/rule.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::trigger {

// A value whose copy costs O(1).
class CrossingView {
public:
    // Before the decider's state follows the event: `rules` as they were until then.
    void apply(const v1::Event& event, const Rules& rules);
    // Nothing orders drafting's ledger against trigger's: an answer may be read before the
    // crossing.
    void apply(const drafting::v1::Event& event);

    // `use(number, const Packed<Crossing>&)`, newest first, from the first before number `before`
    // (0: the newest), until it returns false. The oldest fall off.
    template <class Use>
    void each(std::int64_t before, Use&& use) const {
        crossings_.descend(before == 0 ? nullptr : &before, use);
    }
    std::size_t size() const { return crossings_.size(); }
    v1::Crossing shown(v1::Crossing crossing) const;
    // Why drafting made no message of it; empty: it made one, or has not answered yet.
    std::string refusal_of(const std::string& crossing_id) const;
    // Crossings since `from` of which drafting made no message, of rules that still read the same:
    // who removes the rule, or lets it read another series, has dealt with it.
    std::int64_t refused(Time from, const Rules& rules) const;

private:
    struct Answer {
        std::string message_id, refused;  // one of them is empty
    };
    void add(const v1::Crossing& crossing);
    void note_dealt_with(const v1::Event& event, const Rules& rules);

    runtime::SharedMap<std::string, Answer> answers_;  // by crossing
    runtime::SharedMap<std::string, std::vector<runtime::Packed<content::v1::EvidenceRevision>>>
        revised_;                                                                // by crossing
    runtime::SharedMap<std::int64_t, runtime::Packed<v1::Crossing>> crossings_;  // from number 1
    std::int64_t last_ = 0;  // the highest number so far
    // By rule that was removed, or reads another series than before: the last crossing until then.
    runtime::SharedMap<std::string, std::int64_t> dealt_with_;
};

}  // namespace tocsin::trigger
