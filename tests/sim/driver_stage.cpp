#include "sim/driver_stage.hpp"

#include <algorithm>

namespace tocsin::sim {

const runtime::WorldKeys& usual_keys() {
    static const runtime::WorldKeys one({std::string(32, 'k')});
    return one;
}

const ClientAnswers& usual_client() {
    static const ClientAnswers none;
    return none;
}

Member::Member(FakeKafka& kafka, const runtime::Clock& right, const runtime::RuntimeConfig& like,
               std::string name, runtime::View* view, const runtime::WorldKeys& keys,
               const ClientAnswers& answers)
    : config(like), clock(right) {
    config.instance = std::move(name);
    auto connection = kafka.connect();
    connection_ = connection.get();
    process = std::make_unique<runtime::LedgerProcess>(
        runtime::LedgerPlan{"toy", {}, {}, {"readings"}}, config,
        std::make_unique<AnsweringBackend>(std::move(connection), answers), clock, keys,
        std::make_unique<Toy>(), metrics);
    if (view != nullptr) process->add_view(view);
}

std::shared_ptr<Member::Call> Member::submit(const std::string& realm, const std::string& body,
                                             milliseconds wait, const std::string& actor) {
    auto call = std::make_shared<Call>();
    runtime::Submission submission;
    submission.asking = {realm, actor, "", {}, fmt::format("{}-{}", config.instance, ++calls_)};
    submission.sent_at = clock.now();
    submission.expires_at = clock.now() + std::chrono::hours(1);
    submission.body = body;
    process->submit(std::move(submission), wait, [call](runtime::Answer answer) {
        ++call->answers;
        call->answer = std::move(answer);
    });
    awake_at = {};
    return call;
}

Tick Member::due() const {
    if (frozen || !process) return Tick::max();
    return connection_->woken() ? Tick{} : awake_at;
}

void Member::turn() {
    ++turns;
    connection_->take_woken();
    const auto idle = process->turn();
    awake_at = clock.tick() + std::max(idle, milliseconds(1));
}

Stage::Stage(std::uint64_t seed) : kafka(clock, seed) {
    config.kafka_partitions = partitions;
    timeline_.add(*this);
}

Member& Stage::add(const std::string& name, runtime::View* view, const runtime::WorldKeys& keys) {
    members.push_back(std::make_unique<Member>(kafka, clock, config, name, view, keys, answers));
    members.back()->process->open();
    return *members.back();
}

Tick Stage::due() const {
    Tick next = Tick::max();
    for (const auto& member : members) next = std::min(next, member->due());
    return next;
}

void Stage::turn() {
    for (const auto& member : members)
        if (member->due() <= clock.tick()) member->turn();
}

std::string Stage::realm(int partition, int number) {
    for (int i = 0;; ++i) {
        std::string name = "realm-" + std::to_string(i);
        if (runtime::partition_of(name, partitions) == partition && number-- == 0) return name;
    }
}

}  // namespace tocsin::sim
