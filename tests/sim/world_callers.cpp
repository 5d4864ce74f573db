// Who calls, and what is written elsewhere.
#include "runtime/ledger/record.hpp"
#include "sim/world.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

using runtime::RecordKind;
using runtime::Seal;
using std::chrono::seconds;

std::string World::some_body() {
    const int draw = below(20);
    if (draw < 10) return fmt::format("add {}", below(9));
    if (draw < 13) return fmt::format("arm d{} text-{}", deliveries_made_++, below(1000));
    if (draw < 15 && deliveries_made_ > 0) return fmt::format("cancel d{}", deliveries_made_ - 1);
    // Set by a clock that is a month ahead, a timer would be due in a month.
    if (draw < 16 && !scenario_.broker_wrong) return fmt::format("timer {}", 5 + below(40));
    if (draw == 16) return "boom";
    if (draw == 17 && chance(.1)) return "huge";  // A megabyte each time it is considered.
    return fmt::format("add {}", below(9));
}

std::string World::some_realm() {
    return realms_[static_cast<std::size_t>(below(static_cast<int>(realms_.size())))];
}

runtime::Submission World::submission(const std::string& realm, const std::string& id,
                                      const std::string& body, Time expires_at) const {
    runtime::Submission submission;
    submission.asking = {realm, "ana", "calgary", {}, id};
    submission.expires_at = expires_at;
    submission.sent_at = now();
    submission.body = body;
    return submission;
}

std::string World::value_of(const runtime::Submission& submission, const Part& part,
                            const Seal& seal) const {
    return runtime::command_bytes(submission, seal, key_of(part));
}

const std::string& World::key_of(const Part& part) const {
    const std::string& key = part.oracle->key_id();
    return key.empty() ? keys_.newest() : key;
}

void World::callers() {
    if (const Part* part = pressed()) {
        std::string realm = some_realm();
        while (partition_of(realm) != part->ledger.number) realm = some_realm();
        new_request(realm);
    } else if (chance(scenario_.requests))
        new_request(some_realm());
    if (scenario_.keys && chance(.02)) thief();
    if (chance(.03)) upstream_writes();
    if (chance(.04)) stream_writes();
    if (!requests_.empty() && chance(.04)) {
        const int count = requests_.size();
        const auto which = count - 1 - below(std::min(count, chance(.8) ? 8 : count));
        retry(requests_.at(which));
    }
}

void World::new_request(const std::string& realm) {
    std::string id = fmt::format("r{}", requests_made_++);
    if (requests_made_ > 3 && chance(.05)) id = fmt::format("r{}", requests_made_ - 1 - below(3));
    const Time expires = now() + (chance(.9) ? lifetime : seconds(3 + below(240)));
    Request& request =
        requests_.add({submission(realm, id, some_body(), expires), partition_of(realm)});
    if (part(request.partition).oracle->opened()) forge(request);
    retry(request);
}

// Somebody forges it, copies it from where it meant something else, brings it where its realm does
// not live, or writes what nobody can read.
void World::forge(const Request& request) {
    const Part& there = part(request.partition);
    Topic& commands = part(request.partition).commands;
    const Seal seal(both_keys_, commands.name, RecordKind::command);
    if (chance(.015)) {
        const Seal other(other_keys_, commands.name, RecordKind::command);
        commands.put(other.close(value_of(request.submission, there, seal), other_keys_.newest()));
    }
    if (chance(.015)) {
        const Seal elsewhere(both_keys_, "other.commands", RecordKind::command);
        commands.put(value_of(request.submission, there, elsewhere));
    }
    if (chance(.02)) commands.put(seal.close("\x0f garbage", key_of(there)));
    Part& other = part(1 - request.partition);
    if (chance(.02) && other.oracle->opened())
        other.commands.put(value_of(request.submission, other, seal));
}

void World::retry(Request& request) {
    Instance* one = any_alive();
    if (one == nullptr) return;
    request.retry_at = tick() + milliseconds(calm_ ? 2'000 : 6'000);
    one->submit(request.submission, seconds(1 + below(8)),
                [this, name = request.name()](const auto& answer) { heard(name, answer); });
}

// Who was answered may read with the token of it, elsewhere.
void World::heard(const std::string& name, const runtime::Answer& answer) {
    if (answer.kind == runtime::Answer::Kind::unavailable) return;
    ++totals_.answers;
    const int partition = requests_.all().at(name).partition;
    try {
        requests_.told(name, answer, oracle(partition), history_lost(partition));
    } catch (const Violation& violation) {
        broken(violation.what());
    }
    Instance* reader = any_alive();
    if (reader == nullptr || !chance(.5)) return;
    const auto& realm = requests_.all().at(name).submission.asking.realm;
    reader->await(realm, answer.position, seconds(1 + below(8)));
}

// Somebody who has the key that was replaced, and write access.
void World::thief() {
    Part& there = any_part();
    if (!there.oracle->out_of_force(keys_.newest(), now())) return;
    const std::string realm = there.ledger.number == partition_of("bow") ? "bow" : "elbow";
    const Seal commands(keys_, there.commands.name, RecordKind::command);
    const auto stolen = submission(realm, fmt::format("stolen-{}", totals_.ticks), "add 1",
                                   now() + std::chrono::hours(1));
    there.commands.put(runtime::command_bytes(stolen, commands, keys_.newest()));
    ledger::v1::Decision decision;
    decision.set_previous_digest(there.oracle->head());
    decision.set_writer("a");
    decision.set_realm(realm);
    *decision.mutable_decided_at() = runtime::to_proto(now());
    decision.mutable_accepted()->add_events("total 1000000");
    there.ledger.put(Seal(keys_, there.ledger.name, RecordKind::decision)
                         .close(decision.SerializeAsString(), keys_.newest()));
}

void World::upstream_writes() {
    const std::string realm = some_realm();
    Part& there = part(partition_of(realm));
    ledger::v1::Decision decision;
    const bool counts = chance(.7);
    decision.set_previous_digest(counts ? there.upstream_head
                                        : runtime::sha256(std::to_string(random_())));
    decision.set_writer("elsewhere");
    decision.set_realm(realm);
    *decision.mutable_decided_at() = runtime::to_proto(now());
    const int draw = below(10);
    if (draw < 5) decision.mutable_accepted()->add_events(fmt::format("add {}", below(9)));
    if (draw == 5) decision.mutable_accepted()->add_events("aside");
    if (draw == 6) decision.mutable_accepted()->add_events("boom");
    if (draw == 7 && deliveries_made_ > 0)
        decision.mutable_accepted()->add_events(fmt::format("veto d{}", deliveries_made_ - 1));
    if (draw == 8) decision.mutable_rejected()->set_code("no");
    const bool newer = draw == 9 && scenario_.versions && there.newer_at < 0 && counts;
    if (newer) {
        decision.mutable_accepted()->add_events("newer thing");
        there.newer_at = there.upstream.end();
        there.newer_since = tick();
    }
    const bool forged = !newer && chance(.1);
    const runtime::WorldKeys& keys = forged ? other_keys_ : keys_;
    std::string record = Seal(keys, there.upstream.name, RecordKind::decision)
                             .close(decision.SerializeAsString(), keys.newest());
    if (counts && !forged) there.upstream_head = runtime::sha256(record);
    const std::int64_t offset = there.upstream.put(std::move(record));
    if (Instance* reader = any_alive(); reader != nullptr && chance(.5))
        reader->await(realm, {"up", there.upstream.number, offset}, seconds(1 + below(8)));
}

void World::stream_writes() {
    const std::string realm = some_realm();
    const std::string body = fmt::format("reading {}", below(1 + static_cast<int>(totals_.ticks)));
    Part& there = part(partition_of(realm));
    const Seal seal(both_keys_, there.stream.name, RecordKind::reading);
    there.stream.put(value_of(submission(realm, "", body, now()), there, seal));
}

}  // namespace tocsin::sim
