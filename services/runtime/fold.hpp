// What one fold of a partition's ledger knows: the service's state, where each input stands, and
// which requests were answered how. Only `apply` changes it, and only with decisions, so that every
// instance, every replay and every simulation comes to the same.
#pragma once

#include "runtime/ledger.hpp"
#include "runtime/rules.hpp"

#include <absl/container/node_hash_map.h>

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

namespace tocsin::runtime {

// How a request was answered.
struct Remembered {
    std::string body_digest;
    Time expires_at;
    // Read back as counting; until then nobody may be told.
    bool counted = false;
    std::int64_t offset = -1;
    Time decided_at;
    std::string subject;
    std::string etag;
    std::optional<Rejection> rejection;
};

// Planted bugs for the simulator's own test: each must be caught by it. Never set elsewhere.
enum class Bug {
    none,
    no_chain,             // a record counts whatever it extends
    no_memory,            // requests are not remembered
    short_memory,         // forgotten before they expired
    no_expiry,            // an expired command is executed
    no_fold_again,        // nothing is folded again after a void
    position_off_by_one,  // an input's position is one too far
    early_answer,         // the caller is told before the decision was read back
    skip_head_check,      // a vanished tail goes unnoticed
    clock_runs_back,      // decided_at follows the clock backwards
    lost_reactor,         // upstream decisions are taken from void records too
    effect_early,         // a claim is acted on before it was read back
};

// The answer that a decision on a command gives.
Remembered answer_of(const ledger::v1::Decision& decision, std::int64_t offset);

class Fold {
public:
    Fold(std::string genesis, std::unique_ptr<Rules> rules, Bug bug);

    // Applies a decision whose digest is `digest`. `offset` is -1 while it is only appended.
    // False: it holds an event that this version does not know.
    bool apply(const ledger::v1::Decision& decision, const std::string& digest,
               std::int64_t offset);
    // A decision applied while appended was read back at `offset`.
    void mark_counted(const ledger::v1::Decision& decision, std::int64_t offset);

    const std::string& head() const { return head_; }
    const std::string& writer() const { return writer_; }
    bool opened() const { return opened_; }
    Time last() const { return last_; }
    std::int64_t decisions() const { return decisions_; }
    // Offset of the next record of `topic` to consider.
    std::int64_t position(const std::string& topic) const;
    // The first under this key, whatever its body.
    const Remembered* remembered(const std::string& key) const;
    // What exactly this request was answered: the first under its key, or its refusal beside it.
    const Remembered* answer(const std::string& key, const std::string& body_digest) const;
    std::size_t remembered_count() const { return memory_.size(); }
    const Rules& rules() const { return *rules_; }
    // Realms whose due times may have changed since the last call.
    std::set<std::string> take_touched();

private:
    void remember(const ledger::v1::Decision& decision, std::int64_t offset);
    void forget(Time decided_at);

    std::string head_;
    std::string writer_;
    bool opened_ = false;
    Time last_{};
    std::int64_t decisions_ = 0;
    std::map<std::string, std::int64_t> positions_;
    absl::node_hash_map<std::string, Remembered> memory_;
    // Keys of memory_ with the second in which they expire, the next on top; nodes of the map do
    // not move.
    using Expiry = std::pair<std::int64_t, const std::string*>;
    std::priority_queue<Expiry, std::vector<Expiry>, std::greater<>> expiring_;
    std::unique_ptr<Rules> rules_;
    std::set<std::string> touched_;
    Bug bug_;
};

}  // namespace tocsin::runtime
