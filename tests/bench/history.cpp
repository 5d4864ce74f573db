#include "bench/history.hpp"

#include "bench/floor.hpp"
#include "bench/pen.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/ledger/public_event.hpp"
#include "runtime/ledger/record.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/view.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <fmt/format.h>

#include <array>
#include <random>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;
using runtime::to_proto;

// What lies in the commands topic: nobody reads before a recorded position.
static constexpr const char* history_command = "x";
static constexpr const char* history_author = "author@city.example";

namespace {

// The next decision of each partition.
class Scribe {
public:
    Scribe(const Stage& stage, const std::string& world)
        : world_(world),
          commands_(runtime::commands_topic(world, "drafting")),
          ledger_(runtime::ledger_topic(world, "drafting")),
          keys_({stage.mac_key()}),
          seal_(keys_, ledger_, runtime::RecordKind::decision) {
        for (int i = 0; i < Stage::partitions; ++i) {
            const std::string last = last_record(stage.kafka(), {ledger_, i});
            if (last.empty()) throw std::runtime_error(ledger_ + " is not opened");
            Part& part = parts_[static_cast<std::size_t>(i)];
            part.head = runtime::sha256(last);
            part.next = end_offset(stage.kafka(), {ledger_, i});
        }
    }

    std::string record(const std::string& realm, int partition, runtime::Time at) {
        Part& part = parts_[static_cast<std::size_t>(partition)];
        runtime::UuidRandomness random;
        for (auto& byte : random) byte = static_cast<std::uint8_t>(dice_());
        const std::string request_id = runtime::uuid_v7(at, random);
        ledger::v1::Decision& decision = part.decision;
        decision.Clear();
        decision.set_previous_digest(part.head);
        decision.set_writer("drafting-1");
        decision.set_realm(realm);
        auto& cause = *decision.mutable_cause();
        cause.set_topic(commands_);
        cause.set_offset(part.command++);
        cause.set_actor(history_author);
        cause.set_request_id(request_id);
        cause.set_body_digest(runtime::sha256(request_id));
        *cause.mutable_expires_at() = to_proto(at + 1h);
        cause.set_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        *decision.mutable_decided_at() = to_proto(at);
        cause.set_record_digest(command_digest_);
        accept_incident(decision, "city", at);
        std::string bytes = seal_.close(decision.SerializeAsString(), keys_.newest());
        part.before = {part.next - 1, std::exchange(part.head, runtime::sha256(bytes))};
        ++part.next;
        return bytes;
    }

    // What the export of events leaves behind once it is done with all of it.
    std::vector<runtime::PublicRecord> last_event(int partition) const {
        const Part& part = parts_[static_cast<std::size_t>(partition)];
        if (part.before.offset < 0) return {};
        const runtime::PublicDecision last{part.decision, part.head, part.next - 1};
        return runtime::public_records({world_, "drafting", partition}, last, part.before).value();
    }

    const std::string& commands() const { return commands_; }
    const std::string& ledger() const { return ledger_; }

private:
    struct Part {
        std::string head;
        std::int64_t next = 0;     // offset in the ledger
        std::int64_t command = 0;  // offset of the next command
        ledger::v1::Decision decision;
        runtime::Exported before;  // the one that the last decision follows
    };

    std::string world_;
    std::string commands_, ledger_;
    std::string command_digest_ = runtime::sha256(history_command);
    runtime::WorldKeys keys_;
    runtime::Seal seal_;
    std::array<Part, Stage::partitions> parts_;
    std::minstd_rand dice_{1};
};

}  // namespace

void accept_incident(ledger::v1::Decision& decision, const std::string& agency, runtime::Time at) {
    const ledger::v1::Cause& cause = decision.cause();
    const std::string id = runtime::derive_id("inc", {agency, cause.actor(), cause.request_id()});
    drafting::v1::Event event;
    auto& incident = *event.mutable_incident_opened()->mutable_incident();
    incident.set_incident_id(id);
    incident.set_kind("flood");
    incident.set_title("Bow River at Calgary above its flood threshold");
    incident.add_agencies(agency);
    *incident.mutable_create_time() = to_proto(at);
    incident.set_creator(cause.actor());
    ledger::v1::Accepted& accepted = *decision.mutable_accepted();
    accepted.add_events(event.SerializeAsString());
    accepted.set_subject(id);
    accepted.set_etag("1");
}

std::vector<std::string> many_realms() {
    std::vector<std::string> realms;
    for (int i = 0; i < 64; ++i) realms.push_back(fmt::format("region-{}", i));
    return realms;
}

void write_history(const Stage& stage, const std::string& world, std::int64_t count,
                   const std::vector<std::string>& realms) {
    const auto now = std::chrono::floor<runtime::Duration>(std::chrono::system_clock::now());
    const runtime::Time begin = now - 1h - std::chrono::seconds(count);
    Scribe scribe(stage, world);
    Pen pen(stage);
    for (std::int64_t i = 0; i < count; ++i) {
        const std::string& realm = realms[static_cast<std::size_t>(i) % realms.size()];
        const int partition = runtime::partition_of(realm, Stage::partitions);
        pen.append(scribe.commands(), partition, realm, history_command);
        pen.append(scribe.ledger(), partition, realm,
                   scribe.record(realm, partition, begin + std::chrono::seconds(i)));
    }
    for (int partition = 0; partition < Stage::partitions; ++partition)
        for (const runtime::PublicRecord& event : scribe.last_event(partition))
            pen.append(runtime::events_topic(world), partition, event.key, event.value,
                       event.headers);
    pen.finish();
}

}  // namespace tocsin::bench
