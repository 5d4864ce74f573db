#include "bench/rival.hpp"

#include "bench/history.hpp"
#include "bench/waiting.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/view.hpp"

#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

static Place place_of(const std::string& topic, const std::string& realm) {
    return {topic, runtime::partition_of(realm, Stage::partitions)};
}

Rival::Rival(const Stage& stage, std::string realm)
    : stage_(stage),
      realm_(std::move(realm)),
      commands_place_(place_of(runtime::commands_topic("live", "drafting"), realm_)),
      ledger_place_(place_of(runtime::ledger_topic("live", "drafting"), realm_)),
      keys_({stage.mac_key()}),
      command_seal_(keys_, commands_place_.topic, runtime::RecordKind::command),
      seal_(keys_, ledger_place_.topic, runtime::RecordKind::decision),
      commands_(stage.kafka(), commands_place_),
      ledger_(stage.kafka(), ledger_place_),
      writer_(stage.kafka(), -1),
      head_(runtime::sha256(last_record(stage.kafka(), ledger_place_))),
      next_(end_offset(stage.kafka(), ledger_place_)) {
    bool asked = true;
    writer_.ask_warm(ledger_place_.topic, 5000ms, [&asked](bool) { asked = false; });
    wait_until(10s, [&] {
        writer_.poll();
        return !asked;
    });
}

void Rival::catch_up() {
    const std::int64_t end = end_offset(stage_.kafka(), ledger_place_);
    while (next_ < end) {
        const auto record = ledger_.next(10s);
        if (!record) throw std::runtime_error(ledger_place_.topic + " does not come to its end");
        next_ = std::max(next_, record->offset + 1);
        const auto body = seal_.open(record->bytes);
        ledger::v1::Decision decision;
        if (body && decision.ParseFromArray(body->data(), static_cast<int>(body->size())) &&
            decision.previous_digest() == head_)
            head_ = runtime::sha256(record->bytes);
    }
    while (commands_.next(0ms)) {
    }
}

std::optional<Clock::time_point> Rival::decide_next() {
    const auto command = commands_.next(10s);
    if (!command) return std::nullopt;
    const auto appended = Clock::now();
    std::optional<std::int64_t> stored;
    bool lost = false;
    const bool queued = writer_.append(ledger_place_.topic, ledger_place_.partition, realm_,
                                       decide(*command), {}, [&](const runtime::Stored& result) {
                                           lost = !result.ok();
                                           stored = result.offset;
                                       }) == runtime::Queued::queued;
    const bool answered = queued && wait_until(15s, [&] {
                              writer_.poll();
                              return stored.has_value();
                          });
    if (!answered || lost) throw std::runtime_error(ledger_place_.topic + " takes no records");
    if (*stored != next_) return std::nullopt;
    return appended;
}

std::string Rival::decide(const Tail::Record& command) const {
    const auto body = command_seal_.open(command.bytes);
    ledger::v1::CommandRecord asked;
    if (!body || !asked.ParseFromArray(body->data(), static_cast<int>(body->size())))
        throw std::runtime_error(commands_place_.topic + " holds something that is no command");
    const auto now = std::chrono::floor<runtime::Duration>(std::chrono::system_clock::now());
    ledger::v1::Decision decision;
    decision.set_previous_digest(head_);
    decision.set_writer("drafting-2");
    decision.set_incarnation(1);
    decision.set_realm(realm_);
    ledger::v1::Cause& cause = *decision.mutable_cause();
    cause.set_topic(commands_place_.topic);
    cause.set_offset(command.offset);
    cause.set_actor(asked.actor());
    cause.set_request_id(asked.request_id());
    cause.set_body_digest(runtime::body_digest(asked.agency(), asked.body(),
                                               runtime::from_proto(asked.expires_at())));
    *cause.mutable_expires_at() = asked.expires_at();
    cause.set_traceparent(asked.traceparent());
    cause.set_record_digest(runtime::sha256(command.bytes));
    *decision.mutable_decided_at() = runtime::to_proto(now);
    accept_incident(decision, asked.agency(), now);
    return seal_.close(decision.SerializeAsString(), keys_.newest());
}

}  // namespace tocsin::bench
