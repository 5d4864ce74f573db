#include "sim/world.hpp"

#include "runtime/base/record_limits.hpp"
#include "runtime/ledger/topics.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

static constexpr int world_partitions = 2;
static constexpr int world_step_ms_most = 600;

World::World(std::uint64_t seed, Scenario scenario, int steps)
    : random_(seed),
      scenario_(std::move(scenario)),
      steps_(steps * scenario_.longer),
      kafka_(clock_, random_()) {
    config_.kafka_partitions = world_partitions;
    config_.pipeline_max = 5;
    config_.command_bytes_max = command_bytes_max;
    kafka_.landed = [this](const auto& place, std::int64_t offset) { landed(place, offset); };
    for (int i = 0; i < world_partitions; ++i) parts_.push_back(make_part(i));
    realms_ = {"bow", "elbow"};
    if (scenario_.two_realms) realms_.insert(realms_.end(), {"kananaskis", "calgary"});
    for (const char* name : {"a", "b", "c"})
        instances_.push_back(std::make_unique<Instance>(*this, name));
    if (scenario_.namesakes) {
        instances_.resize(1);
        instances_.push_back(std::make_unique<Instance>(*this, "a"));
    }
    for (auto& instance : instances_) timeline_.add(*instance);
}

World::Part World::make_part(int number) {
    Part part{{kafka_, runtime::ledger_topic("live", "sim"), number},
              {kafka_, runtime::commands_topic("live", "sim"), number},
              {kafka_, runtime::ledger_topic("live", "up"), number},
              {kafka_, runtime::stream_topic("live", "sim", "readings"), number}};
    part.oracle = std::make_unique<Oracle>(OracleLogs{part.ledger,
                                                      part.commands,
                                                      {{part.upstream, "up"}},
                                                      {{part.stream, "sim"}},
                                                      {},
                                                      runtime::decision_bytes_max,
                                                      world_partitions},
                                           std::make_unique<Toy>(2), both_keys_);
    part.upstream_head = runtime::genesis_digest(part.upstream.name, number);
    return part;
}

void World::landed(const FakeKafka::Place& place, std::int64_t offset) {
    Part& there = part(place.second);
    if (there.ledger.is(place)) {
        there.oracle->appended(offset);
        return;
    }
    if (place.first != runtime::dead_letters_topic("live")) return;
    const auto& headers = kafka_.log(place.first, place.second).at(offset).headers;
    const auto value = [&](std::string_view name) {
        return std::ranges::find(headers, name, &runtime::Headers::value_type::first)->second;
    };
    there.oracle->letter_kept(value("tocsin_error_topic"),
                              std::stoll(value("tocsin_error_offset")));
}

int World::partition_of(const std::string& realm) const {
    return runtime::partition_of(realm, world_partitions);
}

void World::run() {
    start();
    for (int i = 0; i < steps_; ++i) {
        play(i);
        faults();
        step();
    }
    check_fault_was_noticed();
    if (scenario_.inputs != Scenario::Inputs::kept) {
        damage_inputs();
        check_halted_and_restart();
        for (int i = 0; i < steps_ / 2; ++i) {
            faults();
            step();
        }
    }
    calm_down();
    if (scenario_.quiet) quiet_week();
    check_end();
}

void World::step() {
    ++totals_.ticks;
    // Twice the tolerance: measured within it, a clock may move by as much before it is noticed.
    if (!scenario_.broker_wrong)
        for (const Part& part : parts_)
            part.oracle->latest_stamp(now() + 2 * clock_tolerance + std::chrono::seconds(5));
    // It takes minutes until a key that was replaced is out of force.
    const int most =
        pressed() != nullptr ? 100 : world_step_ms_most * (scenario_.keys && !calm_ ? 4 : 1);
    timeline_.run(milliseconds(1 + below(most)));
    breaches_.raise();
}

void World::steps(int count) {
    for (int i = 0; i < count; ++i) step();
}

Instance& World::any() {
    return *instances_[static_cast<std::size_t>(below(static_cast<int>(instances_.size())))];
}

Instance* World::any_alive() {
    Instance& one = any();
    return one.alive() && !one.frozen() ? &one : nullptr;
}

void World::count_end(const runtime::Partition::Counters& counters) {
    totals_.folds += counters.folds_again;
    folds_ += counters.folds_again;
    totals_.races_lost += counters.races_lost;
    totals_.takeovers += counters.takeovers;
}

// What must hold at the moment that matters.
void World::perform(const std::string& realm, const std::string& id, int attempt,
                    const std::string& executor, const std::string& content) {
    ++totals_.effects;
    Effect& effect = journal_[id];
    effect.realm = realm;
    effect.content = content;
    ++effect.times;
    const int partition = partition_of(realm);
    if (history_lost(partition)) return;
    if (effect.times > 1) throw Violation("delivered twice: " + id);
    const auto& realms = truth(partition).realms();
    const auto found = realms.find(realm);
    const Delivery* delivery = nullptr;
    if (found != realms.end())
        if (const auto place = found->second.deliveries.find(id);
            place != found->second.deliveries.end())
            delivery = &place->second;
    if (delivery == nullptr || delivery->phase != Delivery::Phase::claimed ||
        delivery->attempt != attempt || delivery->executor != executor)
        throw Violation("an effect without a claim that counts: " + id);
}

std::string World::trace() const {
    std::string all = fmt::format("scenario {}, {} steps", scenario_.name, totals_.ticks);
    for (const Part& part : parts_)
        all += fmt::format("; {} ledger records, {} counted, {} commands", part.ledger.end(),
                           part.oracle->chain().size(), part.commands.end());
    return all + fmt::format("; {} void, {} folds, {} expired", totals_.void_records, folds_,
                             totals_.expired);
}

}  // namespace tocsin::sim
