// Walks the ledger by the reading rule with code of its own and checks every decision that counts:
// right verdict on the right state, nothing twice, nothing skipped, nothing after its time.
#pragma once

#include "runtime/digest.hpp"
#include "sim/log.hpp"
#include "sim/toy.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::sim {

// A decision on a request that counted.
struct Settled {
    std::int64_t offset = 0;
    std::string digest;  // of body and expiry
    Time expires_at;
    std::string code;  // empty: accepted
    std::string subject;
};

class Oracle {
public:
    Oracle(const Topic& ledger, const Topic& commands, const Topic& upstream, const Topic& stream,
           const std::set<std::pair<std::string, std::int64_t>>& dead_letters,
           const runtime::Mac& mac);

    // The ledger's last record is new.
    void appended();
    // The ledger lost its tail: what was seen of it is another history.
    void start_over();
    // Whether everything in the commands and the upstream ledger was decided or passed over.
    bool all_considered();

    const std::string& head() const { return head_; }
    bool opened() const { return !chain_.empty(); }
    const Toy& state() const { return state_; }
    // Digests of what counted, in order, with its offset.
    const std::vector<std::pair<std::int64_t, std::string>>& chain() const { return chain_; }
    const std::vector<std::pair<std::int64_t, std::string>>& upstream_chain();
    const std::vector<Settled>* settled(const std::string& key) const;
    std::int64_t position(const std::string& topic) const;
    std::int64_t void_records() const { return void_; }

private:
    struct Expected {
        std::string code;  // empty: accepted
        ledger::v1::Accepted accepted;
        bool dead_letter = false;
    };
    struct Known {
        std::string digest;
        Time expires_at;
    };

    void check(const ledger::v1::Decision& decision, std::int64_t offset);
    void check_restart(const ledger::v1::Decision& decision);
    void check_skipped(const std::string& topic, std::int64_t from, std::int64_t to);
    void check_outcome(const ledger::v1::Decision& decision, const Expected& expected) const;
    void check_request(const ledger::v1::Decision& decision, std::int64_t offset);
    Expected expect(const ledger::v1::Decision& decision);
    Expected expect_command(std::string_view body, Time at, const ledger::v1::Cause& cause);
    Expected expect_foreign(const ledger::v1::Decision& decision);
    bool may_pass(const std::string& topic, std::int64_t offset);
    bool may_pass_command(std::string_view record);
    bool may_pass_upstream(std::int64_t offset);
    void forget(Time at);

    const Topic& ledger_;
    const Topic& commands_;
    const Topic& upstream_;
    const Topic& stream_;
    const std::set<std::pair<std::string, std::int64_t>>& dead_letters_;
    const runtime::Mac& mac_;

    std::string head_;
    Toy state_;
    Time last_{};
    std::map<std::string, std::int64_t> positions_;
    std::map<std::string, Known> memory_;
    std::map<std::string, std::vector<Settled>> settled_;
    std::vector<std::pair<std::int64_t, std::string>> chain_;
    std::int64_t void_ = 0;
    std::string upstream_head_;
    std::int64_t upstream_next_ = 0;
    std::vector<std::pair<std::int64_t, std::string>> upstream_chain_;
};

}  // namespace tocsin::sim
