// How one partition of a ledger is read, one's own or another service's: what counts, what is void,
// and whether the log is still the one that was read. No I/O; fed by Partition.
//
// The one rule: a decision counts if and only if its previous_digest is the digest of the last one
// that counted, and the key that is in force after that one signed it. So a key that was replaced,
// and may be in other hands, adds nothing.
#pragma once

#include "tocsin/ledger/v1/ledger.pb.h"

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::runtime {

class Chain {
public:
    explicit Chain(std::string genesis) : genesis_(std::move(genesis)), head_(genesis_) {}

    enum class Found {
        counts,
        void_record,
        // Void, and what it extends was never here: either that was lost on its way, or the log is
        // no longer the one that was read. Returned once for each record; verify() decides which.
        orphan,
        wrong_key,  // it extends the head, but its key is not the one in force
    };
    // What of a decision makes the chain. `key_id` signed it.
    struct Link {
        Link(const ledger::v1::Decision& decision, std::string_view key)
            : previous(decision.previous_digest()),
              key_id(key),
              next_key_id(decision.has_key_changed() ? decision.key_changed().key_id() : key) {}
        std::string_view previous;
        std::string_view key_id;
        std::string_view next_key_id;  // that is in force after it
    };
    // A record of ours, which is read in the order of its offsets.
    Found read(std::int64_t offset, const std::string& digest, const Link& link);

    // Begins to compare the log with the last decisions that counted. The offset from which it must
    // be read again; nothing where none counted yet.
    std::optional<std::int64_t> verify();
    bool verifying() const { return verifying_; }
    enum class Check {
        going_on,
        same,     // the log is to be read on from head_offset() + 1
        changed,  // the log lost its tail
    };
    // A record while verifying; without a link where it is not ours.
    Check check(std::int64_t offset, const std::string& digest, const std::optional<Link>& link);
    // The log ends at `offset`, while verifying.
    Check check_end(std::int64_t offset);

    // From the first record again.
    void reset();

    const std::string& genesis() const { return genesis_; }
    const std::string& head() const { return head_; }
    // Id of the key that signs what extends the head; empty while nothing counted.
    const std::string& key_id() const { return key_id_; }
    // Where the head was read; -1: nothing counted yet.
    std::int64_t head_offset() const { return head_offset_; }
    // Where one of the last decisions that counted was read.
    std::optional<std::int64_t> offset_of(const std::string& digest) const;
    // Whether it is known that no decision of that digest counted at that offset, which was read.
    bool disagrees(std::int64_t offset, const std::string& digest) const;
    bool empty() const { return head_offset_ < 0; }

private:
    void remember(const std::string& digest);

    // A tail that was lost is seen as long as it is no longer than this.
    static constexpr std::size_t recent_max = 1000;
    // Predecessors are looked for among as many records, at least; a pipeline is far shorter.
    static constexpr std::size_t seen_max = 50'000;

    std::string genesis_;
    std::string head_;
    std::string key_id_;
    std::int64_t head_offset_ = -1;
    // The last that counted, by offset; the head is the last of them.
    std::deque<std::pair<std::int64_t, std::string>> recent_;
    bool verifying_ = false;
    std::size_t verified_ = 0;     // of `recent_`, fewer than all while verifying
    std::string verified_key_id_;  // in force after the last of them
    // Shortened digests of what was read, in two generations; and of orphans that were reported.
    absl::flat_hash_set<std::uint64_t> seen_, seen_before_, orphans_;
};

}  // namespace tocsin::runtime
