#include "bench/history.hpp"

#include "bench/floor.hpp"
#include "bench/waiting.hpp"
#include "runtime/ids.hpp"
#include "runtime/public_event.hpp"
#include "runtime/record.hpp"
#include "runtime/topics.hpp"
#include "runtime/view.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <fmt/format.h>

#include <array>
#include <random>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;
using runtime::to_proto;

static constexpr int realms = 64;
static constexpr const char* author = "author@city.example";

namespace {

// The next decision of each partition.
class Scribe {
public:
    Scribe(const Stage& stage, const std::string& world)
        : world_(world),
          mac_(stage.mac_key()),
          commands_(runtime::commands_topic(world, "drafting")),
          ledger_(runtime::ledger_topic(world, "drafting")) {
        for (int i = 0; i < Stage::partitions; ++i) {
            const std::string opening = last_record(stage.kafka(), {ledger_, i});
            if (opening.empty()) throw std::runtime_error(ledger_ + " is not opened");
            Part& part = parts_[static_cast<std::size_t>(i)];
            part.head = runtime::sha256(opening);
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
        cause.set_actor(author);
        cause.set_request_id(request_id);
        cause.set_body_digest(runtime::sha256(request_id));
        *cause.mutable_expires_at() = to_proto(at + 1h);
        cause.set_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        *decision.mutable_decided_at() = to_proto(at);
        const std::string id = runtime::derive_id("inc", {"city", author, request_id});
        decision.mutable_accepted()->add_events(event(id, at).SerializeAsString());
        decision.mutable_accepted()->set_subject(id);
        decision.mutable_accepted()->set_etag("1");
        std::string bytes = runtime::seal(decision.SerializeAsString(), mac_);
        part.before = {part.next - 1, std::exchange(part.head, runtime::sha256(bytes))};
        ++part.next;
        return bytes;
    }

    // What publication of events leaves behind once it is done with all of it.
    std::vector<runtime::PublicRecord> last_event(int partition) const {
        const Part& part = parts_[static_cast<std::size_t>(partition)];
        if (part.before.offset < 0) return {};
        const runtime::PublicDecision last{part.decision, part.head, part.next - 1};
        return runtime::public_records({world_, "drafting", partition}, last, part.before).value();
    }

    const std::string& commands() const { return commands_; }
    const std::string& ledger() const { return ledger_; }

private:
    static drafting::v1::Event event(const std::string& id, runtime::Time at) {
        drafting::v1::Event event;
        auto& incident = *event.mutable_incident_opened()->mutable_incident();
        incident.set_incident_id(id);
        incident.set_kind("flood");
        incident.set_title("Bow River at Calgary above its flood threshold");
        incident.add_agencies("city");
        *incident.mutable_create_time() = to_proto(at);
        incident.set_creator(author);
        return event;
    }

    struct Part {
        std::string head;
        std::int64_t next = 0;     // offset in the ledger
        std::int64_t command = 0;  // offset of the next command
        ledger::v1::Decision decision;
        runtime::Published before;  // the one that the last decision follows
    };

    std::string world_;
    runtime::Mac mac_;
    std::string commands_, ledger_;
    std::array<Part, Stage::partitions> parts_;
    std::minstd_rand dice_{1};
};

// Appends without losing any, however full the queue is.
class Pen {
public:
    explicit Pen(const Stage& stage) : writer_(stage.kafka(), -1) {}

    void append(const std::string& topic, int partition, const std::string& key,
                const std::string& record, const runtime::Headers& headers = {}) {
        ++wanted_;
        const bool queued = wait_until(60s, [&] {
            writer_.poll();
            // A record that waits too long in the queue is given up.
            if (wanted_ - stored_ - lost_ > waiting_max) return false;
            return writer_.append(topic, partition, key, record, headers,
                                  [this](bool ok, std::int64_t) { ++(ok ? stored_ : lost_); });
        });
        if (!queued) throw std::runtime_error(topic + " takes no records");
    }

    void finish() {
        const bool all = wait_until(60s, [this] {
            writer_.poll();
            return stored_ + lost_ == wanted_;
        });
        if (!all || lost_ > 0) throw std::runtime_error("the history could not be written");
    }

private:
    static constexpr std::int64_t waiting_max = 20'000;

    runtime::KafkaWriter writer_;
    std::int64_t wanted_ = 0, stored_ = 0, lost_ = 0;
};

}  // namespace

void write_history(const Stage& stage, const std::string& world, std::int64_t count) {
    const auto now = std::chrono::floor<runtime::Duration>(std::chrono::system_clock::now());
    const runtime::Time begin = now - 1h - std::chrono::seconds(count);
    Scribe scribe(stage, world);
    Pen pen(stage);
    for (std::int64_t i = 0; i < count; ++i) {
        const std::string realm = fmt::format("region-{}", i % realms);
        const int partition = runtime::partition_of(realm, Stage::partitions);
        pen.append(scribe.commands(), partition, realm, "x");
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
