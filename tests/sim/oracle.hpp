// Walks one partition of a ledger by the reading rule with code of its own and checks every
// decision that counts: right verdict on the right state, nothing twice, nothing skipped, nothing
// after its time.
#pragma once

#include "runtime/ledger/record.hpp"
#include "runtime/ledger/rules.hpp"
#include "sim/topic.hpp"
#include "sim/violation.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
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

// A decision that counts.
struct Link {
    std::int64_t offset = 0;
    std::string digest;
    std::size_t body = 0;  // hash of its bytes without the seal
};
using Chain = std::vector<Link>;
// Topic and offset of an input whose bytes are kept.
using LettersKept = std::set<std::pair<std::string, std::int64_t>>;

// One partition of a service and the logs that it lives on.
struct OracleLogs {
    struct Foreign {
        Topic topic;
        std::string service;
    };
    Topic ledger;
    Topic commands;
    std::vector<Foreign> upstreams, streams;
    std::vector<Topic> followed;  // that only views see
    std::size_t record_bytes_max;
    int partitions = 1;
    // An event in bytes that are the same for the same event; unset where they always are. A map
    // in it has no order.
    std::function<std::string(const std::string&)> canonical{};

    std::string text_of(const ledger::v1::Accepted& accepted) const;
};

class Oracle {
public:
    Oracle(OracleLogs logs, std::unique_ptr<runtime::Rules> rules, const runtime::WorldKeys& keys);

    // The ledger has a new record there; returned where it counts.
    std::optional<ledger::v1::Decision> appended(std::int64_t offset);
    // The bytes of an input are among the dead letters.
    void letter_kept(const std::string& topic, std::int64_t offset) {
        letters_.insert({topic, offset});
    }
    const LettersKept& letters() const { return letters_; }
    // The ledger lost its tail: what was seen of it is another history.
    void start_over();
    // An input is about to lose everything from `offset` on. What was read of it before may still
    // be decided on by a record that is under way.
    void tail_lost(const Topic& topic, std::int64_t offset);
    // Retention is about to take everything before `offset` from an input, all of it decided on;
    // what is under way may name it still.
    void taken(const Topic& topic, std::int64_t offset);
    // The clock was overridden: what may have been forgotten is refused as expired.
    bool overridden() const { return overridden_; }
    // No decision may be stamped later, but for one that repeats the stamp before it.
    void latest_stamp(Time latest) { latest_ = latest; }
    // Requests refused as expired; not those that are met again once that is forgotten.
    std::int64_t expired() const { return expired_; }
    // Inputs that were set back.
    std::int64_t rewound() const { return rewound_; }
    // Whether everything in the commands and the upstream ledgers was decided or passed over.
    bool all_considered();
    // The same of what lies before an offset of one of them.
    bool considered_before(const std::string& topic, std::int64_t offset);

    const OracleLogs& logs() const { return logs_; }
    const std::string& head() const { return head_; }
    // Id of the key in force; empty before the first decision.
    const std::string& key_id() const { return key_id_; }
    // Whether what is stored now under that key is too late for it to count.
    bool out_of_force(const std::string& key_id, Time stored_at) const;
    bool opened() const { return !chain_.empty(); }
    const runtime::Rules& rules() const { return *rules_; }
    // What counted, in order.
    const Chain& chain() const { return chain_; }
    const Chain& upstream_chain(const std::string& topic);
    // What counts there at that offset, if it concerns the service.
    std::optional<runtime::Foreign> upstream_decision(const std::string& topic,
                                                      std::int64_t offset);
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
    struct Upstream {
        OracleLogs::Foreign log;
        runtime::Seal seal;
        std::string head;
        std::int64_t next = 0;
        Chain chain;
        std::set<std::int64_t> concerning;  // offsets
    };

    void check(const ledger::v1::Decision& decision, std::int64_t offset);
    void check_restart(const ledger::v1::Decision& decision);
    void check_rewound(const ledger::v1::Decision& decision);
    std::optional<Topic::Record> cause_record(const ledger::v1::Cause& cause) const;
    const Topic& topic_named(const std::string& name) const;
    void check_passed(const ledger::v1::InputPosition& input, std::int64_t from);
    void check_skipped(const ledger::v1::Cause& cause, std::int64_t from);
    void check_skipped(const std::string& topic, std::int64_t from, std::int64_t to);
    void check_outcome(const ledger::v1::Decision& decision, const Expected& expected);
    bool was_decided(const ledger::v1::Decision& decision) const;
    void check_request(const ledger::v1::Decision& decision, std::int64_t offset);
    Expected expect(const ledger::v1::Decision& decision);
    Expected expect_command(std::string_view body, Time at, const ledger::v1::Cause& cause);
    Expected expect_foreign(const ledger::v1::Decision& decision);
    runtime::Foreign upstream_cause(const ledger::v1::Cause& cause);
    runtime::Foreign stream_record(const OracleLogs::Foreign& stream,
                                   const ledger::v1::Cause& cause) const;
    bool may_pass(const std::string& topic, std::int64_t offset);
    bool may_pass_command(const Topic::Record& record);
    void check_key(const Topic::Record& record, const runtime::Seal& seal) const;
    Upstream* find_upstream(const std::string& topic);
    void walk(Upstream& upstream);
    void forget(Time at);

    OracleLogs logs_;
    LettersKept letters_;
    const runtime::WorldKeys& keys_;
    const runtime::Seal ledger_seal_, commands_seal_;

    std::string head_;
    std::string key_id_;
    std::map<std::string, Time> replaced_;  // keys, and when
    std::unique_ptr<runtime::Rules> rules_;
    Time last_{};
    std::map<std::string, std::int64_t> positions_;
    std::map<std::string, std::map<std::int64_t, std::string>> causes_;
    std::int64_t rewound_ = 0;
    std::map<std::pair<std::string, std::int64_t>, std::vector<Topic::Record>> lost_;
    // Commands that somebody passed by who had read what lay there before.
    std::set<std::int64_t> skipped_;
    bool overridden_ = false;
    Time latest_ = Time::max();
    std::int64_t expired_ = 0;
    std::map<std::string, Known> memory_;
    std::map<std::string, std::vector<Settled>> settled_;
    Chain chain_;
    std::int64_t void_ = 0;
    std::vector<Upstream> upstreams_;
};

}  // namespace tocsin::sim
