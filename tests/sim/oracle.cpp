#include "sim/oracle.hpp"

#include "runtime/record.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

using runtime::from_proto;

static void require(bool holds, const std::string& why) {
    if (!holds) throw Violation(why);
}

// Field 15 at the end: two bytes of tag and length, 32 of mac.
static std::optional<std::string_view> signed_part(std::string_view record,
                                                   const runtime::Mac& mac) {
    if (record.size() < 34) return std::nullopt;
    const std::string_view body = record.substr(0, record.size() - 34);
    if (record.substr(body.size(), 2) != "\x7a\x20") return std::nullopt;
    if (mac.sign(body) != record.substr(body.size() + 2)) return std::nullopt;
    return body;
}

template <class Message>
static std::optional<Message> parse(std::string_view record, const runtime::Mac& mac) {
    Message message;
    const auto body = signed_part(record, mac);
    if (!body || !message.ParseFromArray(body->data(), static_cast<int>(body->size())))
        return std::nullopt;
    return message;
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

static std::string genesis_of(const std::string& topic) {
    return runtime::sha256(topic + std::string(1, '\0') + "0");
}

static std::string key_of(const std::string& actor, const std::string& id) {
    return actor + std::string(1, '\0') + id;
}

std::string OracleLogs::text_of(const ledger::v1::Accepted& accepted) const {
    if (!canonical) return accepted.SerializeAsString();
    ledger::v1::Accepted same = accepted;
    for (std::string& event : *same.mutable_events()) event = canonical(event);
    return same.SerializeAsString();
}

Oracle::Oracle(OracleLogs logs, std::unique_ptr<runtime::Rules> rules, const runtime::Mac& mac)
    : logs_(std::move(logs)),
      mac_(mac),
      head_(genesis_of(logs_.ledger.name)),
      rules_(std::move(rules)) {
    for (const auto& log : logs_.upstreams)
        upstreams_.push_back({log, genesis_of(log.topic.name), 0, {}, {}});
}

void Oracle::start_over() {
    head_ = genesis_of(logs_.ledger.name);
    rules_ = rules_->fresh();
    last_ = {};
    positions_.clear();
    memory_.clear();
    settled_.clear();
    chain_.clear();
    void_ = 0;
}

void Oracle::appended() {
    const std::int64_t offset = logs_.ledger.end() - 1;
    const std::string& record = logs_.ledger.at(offset).value;
    const auto decision = parse<ledger::v1::Decision>(record, mac_);
    if (!decision) return;
    if (decision->previous_digest() != head_) {
        ++void_;
        return;
    }
    check(*decision, offset);
    head_ = runtime::sha256(record);
    chain_.emplace_back(offset, head_);
}

void Oracle::check(const ledger::v1::Decision& decision, std::int64_t offset) {
    const Time at = from_proto(decision.decided_at());
    require(at >= last_, fmt::format("decided_at runs back at offset {}", offset));
    if (decision.has_input_restarted()) {
        check_restart(decision);
    } else {
        const auto& cause = decision.cause();
        const std::int64_t from = position(cause.topic());
        require(cause.offset() >= from, fmt::format("{} {} decided twice at offset {}",
                                                    cause.topic(), cause.offset(), offset));
        check_skipped(cause.topic(), from, cause.offset());
        check_outcome(decision, expect(decision));
        if (!cause.request_id().empty()) check_request(decision, offset);
        positions_[cause.topic()] = cause.offset() + 1;
    }
    forget(at);
    last_ = at;
    if (!decision.cause().request_id().empty()) {
        const auto& cause = decision.cause();
        std::string key = key_of(cause.actor(), cause.request_id());
        if (decision.rejected().code() == "request_id_reused") key += cause.body_digest();
        memory_[key] = {cause.body_digest(), from_proto(cause.expires_at())};
    }
    for (const std::string& event : decision.accepted().events())
        require(rules_->evolve(decision.realm(), event, at), "an event that nobody knows");
}

void Oracle::check_restart(const ledger::v1::Decision& decision) {
    require(chain_.empty() || !decision.input_restarted().reason().empty(),
            "inputs restarted without an operator's word");
    for (const auto& input : decision.input_restarted().inputs())
        positions_[input.topic()] = input.next_offset();
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

Oracle::Expected Oracle::expect(const ledger::v1::Decision& decision) {
    const auto& cause = decision.cause();
    if (cause.topic() != logs_.commands.name) return expect_foreign(decision);
    require(logs_.commands.holds(cause.offset()), "decided on a command that is not there");
    const auto body = signed_part(logs_.commands.at(cause.offset()).value, mac_);
    require(body.has_value(), "decided on a command with a bad mac");
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
    require(cause.body_digest() == runtime::body_digest(command.body(), expires),
            "the cause names another body");
    const std::string key = key_of(command.actor(), command.request_id());
    require(!memory_.contains(key + cause.body_digest()), "a refused repeat was decided again");
    if (const auto found = memory_.find(key); found != memory_.end()) {
        require(found->second.digest != cause.body_digest(), "a repeat was decided again");
        return {"request_id_reused", {}, false};
    }
    if (at > expires) return {"expired", {}, false};
    if (expires > at + std::chrono::hours(24) + std::chrono::minutes(5))
        return {"expires_too_late", {}, false};
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
        const auto theirs = upstream_decision(cause.topic(), cause.offset());
        require(theirs.has_value(), "decided on an upstream record that is void, or not there");
        foreign = *theirs;
    } else {
        const auto stream = std::ranges::find_if(
            logs_.streams, [&](const auto& one) { return one.topic.name == cause.topic(); });
        require(stream != logs_.streams.end(), "decided on what is no input: " + cause.topic());
        foreign = stream_record(*stream, cause.offset());
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
    return foreign_of(log, offset, *parse<ledger::v1::Decision>(log.topic.at(offset).value, mac_));
}

runtime::Foreign Oracle::stream_record(const OracleLogs::Foreign& stream,
                                       std::int64_t offset) const {
    require(stream.topic.holds(offset), "decided on an input that is not there");
    const auto& record = stream.topic.at(offset);
    const auto reading = parse<ledger::v1::CommandRecord>(record.value, mac_);
    require(reading.has_value(), "decided on a reading with a bad mac");
    return {stream.topic.name, stream.service,   reading->realm(), offset,
            record.stored_at,  {reading->body()}};
}

void Oracle::check_outcome(const ledger::v1::Decision& decision, const Expected& expected) const {
    const auto& cause = decision.cause();
    require(decision.rejected().code() == expected.code,
            fmt::format("{} {} got '{}' instead of '{}'", cause.topic(), cause.offset(),
                        decision.rejected().code(), expected.code));
    require(logs_.text_of(decision.accepted()) == logs_.text_of(expected.accepted),
            fmt::format("{} {} decided on another state", cause.topic(), cause.offset()));
    require(!expected.dead_letter || logs_.dead_letters.contains({cause.topic(), cause.offset()}),
            "refused before its bytes were kept");
}

// By the whole history, not by what a fold remembers.
void Oracle::check_request(const ledger::v1::Decision& decision, std::int64_t offset) {
    const auto& cause = decision.cause();
    const Time at = from_proto(decision.decided_at());
    const Time expires = from_proto(cause.expires_at());
    auto& before = settled_[key_of(cause.actor(), cause.request_id())];
    for (const Settled& first : before) {
        const bool same = first.digest == cause.body_digest();
        require(!same || (at > expires && decision.has_rejected()),
                fmt::format("{} was decided at {} as '{}' and at {} as '{}'", cause.request_id(),
                            first.offset, first.code, offset, decision.rejected().code()));
        require(
            !decision.has_accepted() || at > first.expires_at || first.code == "request_id_reused",
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
    return !logs_.commands.holds(offset) || may_pass_command(logs_.commands.at(offset).value);
}

// Not ours, or a repeat of what is decided; whether it is still remembered or has expired by now.
bool Oracle::may_pass_command(std::string_view record) {
    const auto body = signed_part(record, mac_);
    if (!body) return true;
    ledger::v1::CommandRecord command;
    if (!command.ParseFromArray(body->data(), static_cast<int>(body->size()))) return false;
    const std::string digest =
        runtime::body_digest(command.body(), from_proto(command.expires_at()));
    const auto* before = settled(key_of(command.actor(), command.request_id()));
    return before != nullptr &&
           std::any_of(before->begin(), before->end(),
                       [&](const Settled& one) { return one.digest == digest; });
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
        const auto decision = parse<ledger::v1::Decision>(record, mac_);
        if (!decision || decision->previous_digest() != upstream.head) continue;
        upstream.head = runtime::sha256(record);
        upstream.chain.emplace_back(upstream.next, upstream.head);
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
    std::vector<const Topic*> topics{&logs_.commands};
    for (const auto& log : logs_.upstreams) topics.push_back(&log.topic);
    for (const Topic* topic : topics)
        for (std::int64_t at = position(topic->name); at < topic->end(); ++at)
            if (!may_pass(topic->name, at)) return false;
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
