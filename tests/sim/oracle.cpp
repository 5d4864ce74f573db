#include "sim/oracle.hpp"

#include "runtime/ledger/view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

using runtime::from_proto;
using runtime::RecordKind;
using runtime::Seal;

static void require(bool holds, const std::string& why) {
    if (!holds) throw Violation(why);
}

template <class Message>
static std::optional<Message> parse(std::string_view record, const Seal& seal) {
    Message message;
    const auto body = seal.open(record);
    if (!body || !message.ParseFromArray(body->data(), static_cast<int>(body->size())))
        return std::nullopt;
    return message;
}

static std::size_t body_hash(std::string_view record, const Seal& seal) {
    return std::hash<std::string_view>{}(*seal.open(record));
}

static runtime::Foreign foreign_of(const OracleLogs::Foreign& log, std::int64_t offset,
                                   const ledger::v1::Decision& theirs) {
    return {log.topic.name,
            log.service,
            theirs.realm(),
            offset,
            from_proto(theirs.decided_at()),
            {theirs.accepted().events().begin(), theirs.accepted().events().end()}};
}

static std::string genesis_of(const Topic& topic) {
    return runtime::sha256(topic.name + std::string(1, '\0') + std::to_string(topic.number));
}

static std::string key_of(const std::string& realm, const std::string& actor,
                          const std::string& id) {
    const std::string zero(1, '\0');
    return realm + zero + actor + zero + id;
}

std::string OracleLogs::text_of(const ledger::v1::Accepted& accepted) const {
    if (!canonical) return accepted.SerializeAsString();
    ledger::v1::Accepted same = accepted;
    for (std::string& event : *same.mutable_events()) event = canonical(event);
    return same.SerializeAsString();
}

Oracle::Oracle(OracleLogs logs, std::unique_ptr<runtime::Rules> rules,
               const runtime::WorldKeys& keys)
    : logs_(std::move(logs)),
      keys_(keys),
      ledger_seal_(keys, logs_.ledger.name, RecordKind::decision),
      commands_seal_(keys, logs_.commands.name, RecordKind::command),
      head_(genesis_of(logs_.ledger)),
      rules_(std::move(rules)) {
    for (const auto& log : logs_.upstreams)
        upstreams_.push_back({log,
                              Seal(keys, log.topic.name, RecordKind::decision),
                              genesis_of(log.topic),
                              0,
                              {},
                              {}});
}

void Oracle::start_over() {
    head_ = genesis_of(logs_.ledger);
    key_id_.clear();
    replaced_.clear();
    rules_ = rules_->fresh();
    last_ = {};
    positions_.clear();
    causes_.clear();
    skipped_.clear();
    expired_ = 0;
    memory_.clear();
    settled_.clear();
    chain_.clear();
    void_ = 0;
}

std::optional<ledger::v1::Decision> Oracle::appended(std::int64_t offset) {
    const std::string& record = logs_.ledger.at(offset).value;
    auto decision = parse<ledger::v1::Decision>(record, ledger_seal_);
    if (!decision) return std::nullopt;
    const std::string key(ledger_seal_.examine(record).key_id);
    if (decision->previous_digest() != head_ || (!key_id_.empty() && key != key_id_)) {
        ++void_;
        return std::nullopt;
    }
    check(*decision, offset);
    head_ = runtime::sha256(record);
    key_id_ = decision->has_key_changed() ? decision->key_changed().key_id() : key;
    if (key_id_ != key) replaced_[key] = from_proto(decision->decided_at());
    chain_.push_back({offset, head_, body_hash(record, ledger_seal_)});
    return decision;
}

void Oracle::check(const ledger::v1::Decision& decision, std::int64_t offset) {
    const Time at = from_proto(decision.decided_at());
    require(at <= latest_ || at == last_,
            fmt::format("a clock that is ahead stamped offset {}", offset));
    overridden_ = overridden_ || decision.has_clock_overridden();
    require(at >= last_ || decision.has_clock_overridden(),
            fmt::format("decided_at runs back at offset {}", offset));
    if (decision.has_input_restarted()) {
        check_restart(decision);
    } else if (decision.has_inputs_passed()) {
        for (const auto& input : decision.inputs_passed().inputs()) {
            const std::int64_t from = position(input.topic());
            require(input.next_offset() > from, "an input was passed without need");
            check_passed(input, from);
            positions_[input.topic()] = input.next_offset();
        }
    } else if (decision.has_inputs_rewound()) {
        check_rewound(decision);
    } else if (decision.has_accepted() || decision.has_rejected()) {
        const auto& cause = decision.cause();
        const std::int64_t from = position(cause.topic());
        require(cause.offset() >= from, fmt::format("{} {} decided twice at offset {}",
                                                    cause.topic(), cause.offset(), offset));
        check_skipped(cause, from);
        check_outcome(decision, expect(decision));
        if (!cause.request_id().empty()) check_request(decision, offset);
        positions_[cause.topic()] = cause.offset() + 1;
        causes_[cause.topic()][cause.offset()] = cause.record_digest();
    }
    forget(at);
    last_ = at;
    if (!decision.cause().request_id().empty()) {
        const auto& cause = decision.cause();
        std::string key = key_of(decision.realm(), cause.actor(), cause.request_id());
        if (decision.rejected().code() == "request_id_reused") key += cause.body_digest();
        memory_[key] = {cause.body_digest(), from_proto(cause.expires_at())};
    }
    for (const std::string& event : decision.accepted().events())
        require(rules_->evolve(decision.realm(), event, at), "an event that nobody knows");
}

// Where inputs go on is not taken on trust: the first decision takes each from where it begins, a
// later one moves only what no longer fits, and to what its log still holds.
void Oracle::check_restart(const ledger::v1::Decision& decision) {
    const bool first = chain_.empty();
    require(first || !decision.input_restarted().reason().empty(),
            "inputs restarted without an operator's word");
    for (const auto& input : decision.input_restarted().inputs()) {
        const Topic& topic = topic_named(input.topic());
        const bool ledger =
            find_upstream(input.topic()) != nullptr ||
            std::ranges::find(logs_.followed, input.topic(), &Topic::name) != logs_.followed.end();
        const std::int64_t from = position(input.topic()), next = input.next_offset();
        // Retention may have taken since what it began with.
        const bool begins =
            next == topic.low() || (next < topic.low() && lost_.contains({topic.name, next}));
        const bool right = first && ledger ? next == 0 : begins || (ledger && next <= from);
        require(right && next <= topic.end(),
                fmt::format("{} restarted at {} instead of {}", input.topic(), next,
                            first && ledger ? 0 : topic.low()));
        require(first || from < topic.low() || from > next, "an input was moved without need");
        check_skipped(input.topic(), from, next);
        positions_[input.topic()] = next;
    }
}

// Only to what its log does not hold any more; what was decided after that, by one who read on in
// the log without knowing of its loss, is met again. Not what an upstream ledger brought: nothing
// remembers it.
void Oracle::check_rewound(const ledger::v1::Decision& decision) {
    for (const auto& input : decision.inputs_rewound().inputs()) {
        require(input.next_offset() < position(input.topic()), "an input was set back to no end");
        const Topic& topic = topic_named(input.topic());
        auto& causes = causes_[input.topic()];
        const auto first = causes.lower_bound(input.next_offset());
        const bool upstream = find_upstream(input.topic()) != nullptr;
        // A command that was passed by needs a decision: something else lay there.
        const bool skipped = input.topic() == logs_.commands.name &&
                             skipped_.contains(input.next_offset()) &&
                             !may_pass(input.topic(), input.next_offset());
        for (auto cause = first; cause != causes.end() && !skipped; ++cause) {
            // Lost, the same bytes may lie there again.
            require(!topic.holds(cause->first) || lost_.contains({input.topic(), cause->first}) ||
                        runtime::sha256(topic.at(cause->first).value) != cause->second,
                    fmt::format("{} was set back over {}, which is still there", input.topic(),
                                cause->first));
            if (!upstream) break;
        }
        causes.erase(first, causes.end());
        if (input.topic() == logs_.commands.name)
            skipped_.erase(skipped_.lower_bound(input.next_offset()), skipped_.end());
        positions_[input.topic()] = input.next_offset();
        ++rewound_;
    }
}

const Topic& Oracle::topic_named(const std::string& name) const {
    if (name == logs_.commands.name) return logs_.commands;
    for (const auto* logs : {&logs_.upstreams, &logs_.streams})
        for (const auto& log : *logs)
            if (log.topic.name == name) return log.topic;
    for (const Topic& topic : logs_.followed)
        if (topic.name == name) return topic;
    throw Violation("no input: " + name);
}

void Oracle::tail_lost(const Topic& topic, std::int64_t offset) {
    for (std::int64_t at = std::max(offset, topic.low()); at < topic.end(); ++at)
        lost_[{topic.name, at}].push_back(topic.at(at));
    for (Upstream& upstream : upstreams_) {
        if (upstream.log.topic.name != topic.name) continue;
        walk(upstream);
        upstream.head = genesis_of(topic);
        upstream.next = 0;
        upstream.chain.clear();
        upstream.concerning.clear();
    }
}

void Oracle::taken(const Topic& topic, std::int64_t offset) {
    for (std::int64_t at = topic.low(); at < offset; ++at)
        lost_[{topic.name, at}].push_back(topic.at(at));
}

// The record that a decision names by its digest, be it lost by now.
std::optional<Topic::Record> Oracle::cause_record(const ledger::v1::Cause& cause) const {
    const auto is_it = [&](const Topic::Record& record) {
        return runtime::sha256(record.value) == cause.record_digest();
    };
    const Topic& topic = topic_named(cause.topic());
    if (topic.holds(cause.offset()) && is_it(topic.at(cause.offset())))
        return topic.at(cause.offset());
    const auto lost = lost_.find({cause.topic(), cause.offset()});
    if (lost == lost_.end()) return std::nullopt;
    const auto found = std::ranges::find_if(lost->second, is_it);
    if (found == lost->second.end()) return std::nullopt;
    return *found;
}

// A record that was decided on before its log lost it: what it follows may be lost as well.
void Oracle::check_skipped(const ledger::v1::Cause& cause, std::int64_t from) {
    const Topic& topic = topic_named(cause.topic());
    // Lost, the same bytes may lie there again.
    const bool there = topic.holds(cause.offset()) &&
                       !lost_.contains({cause.topic(), cause.offset()}) &&
                       runtime::sha256(topic.at(cause.offset()).value) == cause.record_digest();
    const bool commands = cause.topic() == logs_.commands.name;
    for (std::int64_t skipped = from; skipped < cause.offset(); ++skipped) {
        if (may_pass(cause.topic(), skipped)) continue;
        // Who decides may have read what lay there before. A command that lies there now is met
        // once others find that out.
        require((commands || !there) && lost_.contains({cause.topic(), skipped}),
                fmt::format("{} {} skipped for {}", cause.topic(), skipped, cause.offset()));
        if (commands) skipped_.insert(skipped);
    }
}

// Passed by before its log lost it, it is looked at again.
void Oracle::check_passed(const ledger::v1::InputPosition& input, std::int64_t from) {
    for (std::int64_t passed = from; passed < input.next_offset(); ++passed) {
        if (may_pass(input.topic(), passed)) continue;
        require(lost_.contains({input.topic(), passed}),
                fmt::format("{} {} passed by", input.topic(), passed));
        skipped_.insert(passed);
    }
}

void Oracle::check_skipped(const std::string& topic, std::int64_t from, std::int64_t to) {
    for (std::int64_t skipped = from; skipped < to; ++skipped)
        require(may_pass(topic, skipped), fmt::format("{} {} skipped for {}", topic, skipped, to));
}

// Who forgets, and when: by decided_at, to the second, once expired.
void Oracle::forget(Time at) {
    const auto second = std::chrono::floor<std::chrono::seconds>(at);
    std::erase_if(memory_, [&](const auto& entry) {
        return std::chrono::floor<std::chrono::seconds>(entry.second.expires_at) < second;
    });
}

bool Oracle::out_of_force(const std::string& key_id, Time stored_at) const {
    const auto replaced = replaced_.find(key_id);
    return replaced != replaced_.end() && stored_at > replaced->second + std::chrono::minutes(10);
}

void Oracle::check_key(const Topic::Record& record, const Seal& seal) const {
    require(!out_of_force(std::string(seal.examine(record.value).key_id), record.stored_at),
            "decided on what a key that was replaced asked for");
}

Oracle::Expected Oracle::expect(const ledger::v1::Decision& decision) {
    const auto& cause = decision.cause();
    if (cause.topic() != logs_.commands.name) return expect_foreign(decision);
    const auto record = cause_record(cause);
    require(record.has_value(), "decided on a command that is not there");
    const auto body = commands_seal_.open(record->value);
    require(body.has_value(), "decided on a command with a bad mac");
    check_key(*record, commands_seal_);
    return expect_command(*body, from_proto(decision.decided_at()), cause);
}

Oracle::Expected Oracle::expect_command(std::string_view body, Time at,
                                        const ledger::v1::Cause& cause) {
    ledger::v1::CommandRecord command;
    if (!command.ParseFromArray(body.data(), static_cast<int>(body.size())) ||
        command.request_id().empty())
        return {"unreadable", {}, true};
    const Time expires = from_proto(command.expires_at());
    require(cause.actor() == command.actor() && cause.request_id() == command.request_id(),
            "the cause names another request");
    require(cause.body_digest() == runtime::body_digest(command.agency(), command.body(), expires),
            "the cause names another body");
    const std::string key = key_of(command.realm(), command.actor(), command.request_id());
    require(!memory_.contains(key + cause.body_digest()), "a refused repeat was decided again");
    if (const auto found = memory_.find(key); found != memory_.end()) {
        require(found->second.digest != cause.body_digest(), "a repeat was decided again");
        return {"request_id_reused", {}, false};
    }
    if (at > expires) return {"expired", {}, false};
    if (expires > at + std::chrono::hours(24) + std::chrono::minutes(5))
        return {"expires_too_late", {}, false};
    if (runtime::partition_of(command.realm(), logs_.partitions) != logs_.ledger.number)
        return {"wrong_partition", {}, false};
    try {
        auto decided = rules_->decide({command.realm(),
                                       command.actor(),
                                       command.agency(),
                                       {command.roles().begin(), command.roles().end()},
                                       command.request_id()},
                                      command.body(), at);
        if (!decided) return {decided.error().code, {}, false};
        if (decided->ByteSizeLong() > logs_.record_bytes_max)
            return {"decision_too_large", {}, true};
        return {"", *decided, false};
    } catch (const std::exception&) {
        return {"decider_failed", {}, true};
    }
}

Oracle::Expected Oracle::expect_foreign(const ledger::v1::Decision& decision) {
    const auto& cause = decision.cause();
    const bool upstream = find_upstream(cause.topic()) != nullptr;
    runtime::Foreign foreign;
    if (upstream) {
        foreign = upstream_cause(cause);
    } else {
        const auto stream = std::ranges::find_if(
            logs_.streams, [&](const auto& one) { return one.topic.name == cause.topic(); });
        require(stream != logs_.streams.end(), "decided on what is no input: " + cause.topic());
        foreign = stream_record(*stream, cause);
    }
    require(decision.realm() == foreign.realm, "decided for another realm");
    try {
        const auto reaction = rules_->react(foreign, from_proto(decision.decided_at()));
        require(reaction || upstream, "a reading that changes nothing left a record");
        return {"", reaction.value_or(ledger::v1::Accepted{}), false};
    } catch (const Violation&) {
        throw;
    } catch (const std::exception&) {
        return {"decider_failed", {}, true};
    }
}

std::optional<runtime::Foreign> Oracle::upstream_decision(const std::string& topic,
                                                          std::int64_t offset) {
    const Upstream* const upstream = find_upstream(topic);
    if (upstream == nullptr || !upstream->concerning.contains(offset)) return std::nullopt;
    const auto& log = upstream->log;
    return foreign_of(log, offset,
                      *parse<ledger::v1::Decision>(log.topic.at(offset).value, upstream->seal));
}

// Counting in the log as it is, or in the one that lost its tail since.
runtime::Foreign Oracle::upstream_cause(const ledger::v1::Cause& cause) {
    const auto record = cause_record(cause);
    require(record.has_value(), "decided on an upstream record that is not there");
    const Upstream& upstream = *find_upstream(cause.topic());
    const bool lost = lost_.contains({cause.topic(), cause.offset()});
    require(lost || upstream.concerning.contains(cause.offset()),
            "decided on an upstream record that is void");
    return foreign_of(upstream.log, cause.offset(),
                      *parse<ledger::v1::Decision>(record->value, upstream.seal));
}

runtime::Foreign Oracle::stream_record(const OracleLogs::Foreign& stream,
                                       const ledger::v1::Cause& cause) const {
    const auto found = cause_record(cause);
    require(found.has_value(), "decided on an input that is not there");
    const Topic::Record& record = *found;
    const std::int64_t offset = cause.offset();
    const Seal seal(keys_, stream.topic.name, RecordKind::reading);
    const auto reading = parse<ledger::v1::CommandRecord>(record.value, seal);
    require(reading.has_value(), "decided on a reading with a bad mac");
    check_key(record, seal);
    return {stream.topic.name, stream.service,   reading->realm(), offset,
            record.stored_at,  {reading->body()}};
}

void Oracle::check_outcome(const ledger::v1::Decision& decision, const Expected& expected) {
    const auto& cause = decision.cause();
    const std::string& code = decision.rejected().code();
    if (code == "expired" && !was_decided(decision)) ++expired_;
    // What may have been forgotten is refused, too.
    if (overridden_ && code == "expired") return;
    require(code == expected.code, fmt::format("{} {} got '{}' instead of '{}'", cause.topic(),
                                               cause.offset(), code, expected.code));
    require(logs_.text_of(decision.accepted()) == logs_.text_of(expected.accepted),
            fmt::format("{} {} decided on another state", cause.topic(), cause.offset()));
    require(!expected.dead_letter || letters_.contains({cause.topic(), cause.offset()}),
            "refused before its bytes were kept");
}

bool Oracle::was_decided(const ledger::v1::Decision& decision) const {
    const auto& cause = decision.cause();
    const auto* before = settled(key_of(decision.realm(), cause.actor(), cause.request_id()));
    return before != nullptr &&
           std::ranges::find(*before, cause.body_digest(), &Settled::digest) != before->end();
}

// By the whole history, not by what a fold remembers.
void Oracle::check_request(const ledger::v1::Decision& decision, std::int64_t offset) {
    const auto& cause = decision.cause();
    const Time at = from_proto(decision.decided_at());
    const Time expires = from_proto(cause.expires_at());
    auto& before = settled_[key_of(decision.realm(), cause.actor(), cause.request_id())];
    for (const Settled& first : before) {
        const bool same = first.digest == cause.body_digest();
        require(!same || ((at > expires || overridden_) && decision.has_rejected()),
                fmt::format("{} was decided at {} as '{}' and at {} as '{}'", cause.request_id(),
                            first.offset, first.code, offset, decision.rejected().code()));
        require(!decision.has_accepted() || at > first.expires_at || overridden_ ||
                    first.code == "request_id_reused",
                "two bodies under one request id were executed");
    }
    require(!decision.has_accepted() || at <= expires, "an expired command was executed");
    before.push_back({offset, cause.body_digest(), expires, decision.rejected().code(),
                      decision.accepted().subject()});
}

bool Oracle::may_pass(const std::string& topic, std::int64_t offset) {
    if (topic != logs_.commands.name) {
        const Upstream* const upstream = find_upstream(topic);
        return upstream == nullptr || !upstream->concerning.contains(offset);
    }
    return !logs_.commands.holds(offset) || may_pass_command(logs_.commands.at(offset));
}

// Not ours, not any more, or a repeat of what is decided; whether it is still remembered or has
// expired by now.
bool Oracle::may_pass_command(const Topic::Record& record) {
    const auto opened = commands_seal_.examine(record.value);
    if (opened.sealed != runtime::Sealed::ours ||
        out_of_force(std::string(opened.key_id), record.stored_at))
        return true;
    const auto* const body = &opened.body;
    ledger::v1::CommandRecord command;
    if (!command.ParseFromArray(body->data(), static_cast<int>(body->size()))) return false;
    const std::string digest =
        runtime::body_digest(command.agency(), command.body(), from_proto(command.expires_at()));
    const auto* before = settled(key_of(command.realm(), command.actor(), command.request_id()));
    return before != nullptr &&
           std::ranges::find(*before, digest, &Settled::digest) != before->end();
}

// With what is new in it walked by the reading rule.
Oracle::Upstream* Oracle::find_upstream(const std::string& topic) {
    for (Upstream& upstream : upstreams_) {
        if (upstream.log.topic.name != topic) continue;
        walk(upstream);
        return &upstream;
    }
    return nullptr;
}

void Oracle::walk(Upstream& upstream) {
    const auto& log = upstream.log;
    for (; upstream.next < log.topic.end(); ++upstream.next) {
        const std::string& record = log.topic.at(upstream.next).value;
        const auto decision = parse<ledger::v1::Decision>(record, upstream.seal);
        if (!decision || decision->previous_digest() != upstream.head) continue;
        upstream.head = runtime::sha256(record);
        upstream.chain.push_back({upstream.next, upstream.head, body_hash(record, upstream.seal)});
        if (decision->accepted().events_size() > 0 &&
            rules_->concerns(foreign_of(log, upstream.next, *decision)))
            upstream.concerning.insert(upstream.next);
    }
}

const Chain& Oracle::upstream_chain(const std::string& topic) {
    const Upstream* const upstream = find_upstream(topic);
    require(upstream != nullptr, "it follows no " + topic);
    return upstream->chain;
}

bool Oracle::all_considered() {
    std::erase_if(skipped_, [&](std::int64_t offset) {
        return offset >= position(logs_.commands.name) || may_pass(logs_.commands.name, offset);
    });
    if (!skipped_.empty()) return false;
    std::vector<const Topic*> topics{&logs_.commands};
    for (const auto& log : logs_.upstreams) topics.push_back(&log.topic);
    return std::ranges::all_of(
        topics, [&](const Topic* topic) { return considered_before(topic->name, topic->end()); });
}

bool Oracle::considered_before(const std::string& topic, std::int64_t offset) {
    for (std::int64_t at = position(topic); at < offset; ++at)
        if (!may_pass(topic, at)) return false;
    return true;
}

const std::vector<Settled>* Oracle::settled(const std::string& key) const {
    const auto found = settled_.find(key);
    return found == settled_.end() ? nullptr : &found->second;
}

std::int64_t Oracle::position(const std::string& topic) const {
    const auto found = positions_.find(topic);
    return found == positions_.end() ? 0 : found->second;
}

}  // namespace tocsin::sim
