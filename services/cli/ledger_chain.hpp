// The chain rule of the ledger, checked independently of the services: which records of one
// partition count, and whether every other record is explained. Pure.
#pragma once

#include "runtime/base/time.hpp"
#include "runtime/ledger/chain.hpp"
#include "runtime/ledger/record.hpp"
#include "tocsin/ledger/v1/ledger.pb.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::cli {

class LedgerChain {
public:
    enum class Kind { counted, empty_void, foreign };

    LedgerChain(std::string_view topic, int partition, const runtime::WorldKeys& keys);

    // The records of the partition in order. `decision` is what it holds; unset for a foreign one.
    struct Seen {
        Kind kind = Kind::foreign;
        std::optional<ledger::v1::Decision> decision;
        std::string digest;
        std::string key_id;  // that it is sealed with
    };
    Seen add(std::int64_t offset, std::string_view record);

    std::int64_t counted() const { return counted_; }
    std::int64_t void_records() const { return void_; }
    std::int64_t foreign() const { return foreign_; }
    const std::string& head() const { return head_; }
    // Id of the key in force, and where it was changed: the offset of the change, the new key.
    const std::string& key_id() const { return key_id_; }
    const std::vector<std::pair<std::int64_t, std::string>>& key_changes() const {
        return key_changes_;
    }
    bool has_counted(const std::string& digest) const { return counted_digests_.contains(digest); }
    // Empty: every record is explained. A record that extends what is not in the log is explained
    // once the chain goes on after it: then its predecessor was never stored. Otherwise something
    // that counted may have been taken out.
    std::string fault() const;

private:
    void note(std::int64_t offset, const std::string& what);
    void count(std::int64_t offset, const Seen& seen);

    runtime::Seal seal_;
    std::string head_;
    runtime::Time decided_at_{};
    std::string key_id_;
    std::vector<std::pair<std::int64_t, std::string>> key_changes_;
    std::int64_t next_offset_ = 0;
    std::int64_t counted_ = 0, void_ = 0, foreign_ = 0;
    std::set<std::string> counted_digests_;
    std::set<std::string> void_digests_;
    std::optional<std::int64_t> orphan_;
    std::string fault_;
};

}  // namespace tocsin::cli
