#include "sim/driver_stage.hpp"

#include <algorithm>

namespace tocsin::sim {

static const runtime::WorldKeys& keys() {
    static const runtime::WorldKeys one({std::string(32, 'k')});
    return one;
}

Member::Member(FakeKafka& kafka, const runtime::Clock& right, const runtime::RuntimeConfig& like,
               std::string name, runtime::View* view)
    : config(like), clock(right) {
    config.instance = std::move(name);
    process = std::make_unique<runtime::LedgerProcess>(
        runtime::LedgerPlan{"toy", {}, {}, {"readings"}}, config, kafka.connect(), clock, keys(),
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

Stage::Stage(std::uint64_t seed) : kafka(clock, seed) { config.kafka_partitions = partitions; }

Member& Stage::add(const std::string& name, runtime::View* view) {
    members.push_back(std::make_unique<Member>(kafka, clock, config, name, view));
    members.back()->process->open();
    return *members.back();
}

void Stage::run(milliseconds time) {
    const Tick end = clock.tick() + time;
    while (clock.tick() < end) {
        kafka.advance();
        for (const auto& member : members) {
            if (member->frozen || !member->process || clock.tick() < member->awake_at) continue;
            ++member->turns;
            const auto idle = member->process->turn();
            member->awake_at = clock.tick() + std::max(idle, milliseconds(1));
        }
        advance(end);
    }
}

// What happens in Kafka wakes everybody, as an event does.
void Stage::advance(Tick end) {
    Tick next = end;
    for (const auto& member : members)
        if (!member->frozen && member->process) next = std::min(next, member->awake_at);
    const auto due = kafka.next();
    if (due && *due <= next) {
        next = *due;
        for (const auto& member : members) member->awake_at = {};
    }
    const auto step = std::chrono::ceil<milliseconds>(next - clock.tick());
    clock.advance(std::max(step, milliseconds(1)));
}

std::string Stage::realm(int partition, int number) {
    for (int i = 0;; ++i) {
        std::string name = "realm-" + std::to_string(i);
        if (runtime::partition_of(name, partitions) == partition && number-- == 0) return name;
    }
}

}  // namespace tocsin::sim
