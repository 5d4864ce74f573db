#include "sim/instance.hpp"

#include "sim/world.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

using runtime::InputSpec;

static ProcessPlan plan(int version) {
    ProcessPlan plan;
    plan.service = "sim";
    plan.inputs.resize(3);
    plan.inputs[0] = {InputSpec::Kind::commands, "sim.commands", "sim"};
    plan.inputs[1] = {InputSpec::Kind::ledger, "up.ledger", "up"};
    plan.inputs[2] = {InputSpec::Kind::stream, "sim.readings", "sim"};
    plan.record_bytes_max = record_bytes_max;
    plan.rules = [version] { return std::make_unique<Toy>(version); };
    return plan;
}

Instance::Instance(World& world, std::string name)
    : Process(world, plan(world.version_of(name)), name), world_(world) {}

void Instance::start() {
    Process::start();
    executor_ = fmt::format("{}#{}", name(), incarnation());
}

void Instance::crash() {
    Process::crash();
    realm_of_.clear();
    armed_.clear();
    claimed_.clear();
    asked_at_.clear();
    done_.clear();
    ask_again_at_.clear();
}

void Instance::history_changed() {
    Process::history_changed();
    armed_.clear();
    claimed_.clear();
}

void Instance::follow(const ledger::v1::Decision& decision) {
    for (const std::string& event : decision.accepted().events()) follow(decision.realm(), event);
}

std::string Instance::command_of(const runtime::Orders::Fire& fire) {
    return world_.command_value(fire.realm, fire.request_id, fire.body, fire.expires_at);
}

// The executor's own picture of the deliveries.
void Instance::follow(const std::string& realm, const std::string& event) {
    const auto word = words(event);
    const std::string& id = word.size() > 1 ? word[1] : event;
    if (word[0] == "armed" || word[0] == "armed_again") {
        realm_of_[id] = realm;
        armed_[id] = word[0] == "armed" ? 0 : claimed_[id].attempt;
        claimed_.erase(id);
    } else if (word[0] == "claimed") {
        armed_.erase(id);
        const int attempt = std::stoi(word[2]);
        claimed_[id] = {attempt, world_.tick(),
                        word[3] == executor_ && !done_.contains({id, attempt})};
    } else if (word[0] == "delivered" || word[0] == "cancelled") {
        armed_.erase(id);
        claimed_.erase(id);
    }
}

// What was asked may be lost; it is asked again, but not at once.
bool Instance::may_ask(const std::string& delivery) {
    std::int64_t& next = ask_again_at_[delivery];
    if (world_.tick() < next || !chance(.1)) return false;
    next = world_.tick() + 40;
    return true;
}

void Instance::act() {
    for (const auto& [id, attempt] : armed_) {
        if (!may_ask(id)) continue;
        asked_at_.try_emplace({id, attempt + 1}, world_.tick());
        ask(realm_of_[id], fmt::format("claim-{}-{}", executor_, asked_++),
            fmt::format("claim {} {} {}", id, attempt + 1, executor_));
    }
    for (auto& [id, claim] : claimed_) {
        if (!claim.mine) {
            resolve(id, claim);
            continue;
        }
        if (chance(.3)) continue;
        claim.mine = false;
        done_.insert({id, claim.attempt});
        const bool in_time = world_.tick() - asked_at_[{id, claim.attempt}] < give_up_ticks;
        const ToyRealm& realm =
            static_cast<const Toy&>(partition().fold().rules()).realms().at(realm_of_[id]);
        if (in_time)
            world_.perform(realm_of_[id], id, claim.attempt, executor_,
                           realm.deliveries.at(id).content);
        if (dies(.05)) return;
        ask(realm_of_[id], fmt::format("outcome-{}-{}", executor_, asked_++),
            fmt::format("settle {} {} {}", id, claim.attempt, in_time ? "done" : "stood_down"));
    }
}

// The claim's own executor counts from before it asked, so after this time it will not act.
void Instance::resolve(const std::string& id, const Claim& claim) {
    if (world_.tick() - claim.seen <= give_up_ticks + margin_ticks || !may_ask(id)) return;
    ask(realm_of_[id], fmt::format("resolve-{}-{}", executor_, asked_++),
        fmt::format("settle {} {} {}", id, claim.attempt,
                    world_.performed(id) ? "present" : "absent"));
}

void Instance::ask(const std::string& realm, const std::string& id, const std::string& body) {
    const Time expires = now() + std::chrono::seconds(lifetime_ticks * second_per_tick);
    send(world_.commands(), world_.command_value(realm, id, body, expires));
}

}  // namespace tocsin::sim
