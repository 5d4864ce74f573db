// What one fold of a partition's ledger knows: the service's state, where each input stands, and
// which requests were answered how. Only `apply` changes it, and only with decisions, so that every
// instance, every replay and every simulation comes to the same.
#pragma once

#include "runtime/ledger/forgotten.hpp"
#include "runtime/ledger/ledger.hpp"
#include "runtime/ledger/rules.hpp"

#include <absl/container/node_hash_map.h>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tocsin::runtime {

// How a request was answered.
struct Remembered {
    std::string body_digest;
    Time expires_at;
    // Read back as counting; until then nothing may be answered or done because of it.
    bool counted = false;
    std::int64_t offset = -1;
    Time decided_at;
    std::string subject;
    std::string etag;
    std::optional<Rejection> rejection;
};

// The answer that a decision on a command gives.
Remembered answer_of(const ledger::v1::Decision& decision, std::int64_t offset);

class Fold {
public:
    // Where a decider stands in an input.
    struct Place {
        std::int64_t position = 0;  // offset of the next record to consider
        // The last inputs that were decided on, by offset, with the digests of their records, to
        // check later whether the log still holds them.
        std::deque<std::pair<std::int64_t, std::string>> causes;
        // From here on they are all that were decided on.
        std::int64_t begins = 0;
    };
    // A tail of an input that was lost is found as long as no more decisions than these were caused
    // by it.
    static constexpr std::size_t causes_kept = 256;

    Fold(std::string genesis, std::unique_ptr<Rules> rules);

    // Applies a decision whose digest is `digest`. `offset` is -1 while it is only appended.
    // False: it holds an event, or an outcome, that this version does not know. Throws what the
    // service's evolve() throws.
    bool apply(const ledger::v1::Decision& decision, const std::string& digest,
               std::int64_t offset);
    // A decision applied while appended was read back at `offset`.
    void mark_counted(const ledger::v1::Decision& decision, std::int64_t offset);

    const std::string& head() const { return head_; }
    // Instance and process that wrote the last decision.
    const std::string& writer() const { return writer_; }
    std::int64_t incarnation() const { return incarnation_; }
    bool opened() const { return opened_; }
    // `decided_at` of the last decision.
    Time last() const { return last_; }
    std::int64_t decisions() const { return decisions_; }
    // Id of the key that signs the next record; empty before the first decision.
    const std::string& key_id() const { return key_id_; }
    // By how many partitions realms were spread when it was opened.
    int partitions() const { return partitions_; }
    // `decided_at` of the change that replaced that key; nothing for one that was never replaced.
    std::optional<Time> replaced_at(std::string_view key_id) const;
    const Place& place(const std::string& topic) const;
    std::int64_t position(const std::string& topic) const { return place(topic).position; }
    // The first under this key, whatever its body.
    const Remembered* remembered(const std::string& key) const;
    // What exactly this request was answered: the first under its key, or its refusal beside it.
    const Remembered* answer(const std::string& key, const std::string& body_digest) const;
    std::size_t remembered_count() const;
    // Whether a request of that expiry may be one that was answered and forgotten. All that expire
    // after last() are remembered, except after an override of the clock.
    bool may_be_forgotten(Time expires_at) const { return forgotten_.may_hold(expires_at); }
    const Rules& rules() const { return *rules_; }
    // Realms whose due times may have changed since the last call.
    std::set<std::string> take_touched();

private:
    bool apply_outcome(const ledger::v1::Decision& decision, std::int64_t offset);
    void caused(const ledger::v1::Cause& cause);
    void move(const ledger::v1::InputPosition& input);
    static void keep_cause(Place& place, std::int64_t offset, const std::string& digest);
    void remember(const ledger::v1::Decision& decision, std::int64_t offset);
    void forget(Time decided_at);

    std::string head_;
    std::string writer_;
    std::int64_t incarnation_ = 0;
    bool opened_ = false;
    Time last_{};
    std::int64_t decisions_ = 0;
    std::string key_id_;
    int partitions_ = 0;
    std::map<std::string, Time, std::less<>> replaced_;  // keys, and when
    std::map<std::string, Place> places_;
    // Many small maps: one that grows moves all that it holds, and nothing is decided meanwhile.
    using Memory = absl::node_hash_map<std::string, Remembered>;
    static constexpr std::size_t memories = 256;
    static std::size_t shard_of(const std::string& key);
    Memory& memory_of(const std::string& key);
    std::array<Memory, memories> memory_;
    // The key of each of them, by the second in which it expires; nodes of the maps do not move.
    std::map<std::int64_t, std::vector<const std::string*>> expiring_;
    Forgotten forgotten_;
    std::unique_ptr<Rules> rules_;
    std::set<std::string> touched_;
};

}  // namespace tocsin::runtime
