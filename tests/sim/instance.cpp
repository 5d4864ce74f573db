#include "sim/instance.hpp"

#include "sim/world.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

static constexpr milliseconds looks_every{500};
static constexpr milliseconds call_wait{5'000};

static ProcessPlan plan(int version) {
    return {{"sim", {"up"}, {}, {"readings"}},
            [version] { return std::make_unique<Toy>(version); }};
}

Instance::Instance(World& world, std::string name)
    : Process(world, plan(world.version_of(name)), name), world_(world) {}

void Instance::end() {
    realm_of_.clear();
    armed_.clear();
    claimed_.clear();
    asked_at_.clear();
    done_.clear();
    ask_again_at_.clear();
}

// All of its own is told again.
void Instance::forget(int partition) {
    const auto there = [&](const auto& entry) {
        return world_.partition_of(realm_of_[entry.first]) == partition;
    };
    std::erase_if(armed_, there);
    std::erase_if(claimed_, there);
}

void Instance::follow(const runtime::Counted& counted) {
    for (const std::string& event : counted.decision.accepted().events())
        follow(counted.decision.realm(), event);
    act_at_ = {};
}

// The executor's own picture of the deliveries.
void Instance::follow(const std::string& realm, const std::string& event) {
    const auto word = words(event);
    const std::string& id = word.size() > 1 ? word[1] : event;
    if (word[0] == "armed" || word[0] == "armed_again") {
        realm_of_[id] = realm;
        if (word[0] == "armed") content_of_[id] = word[2];
        armed_[id] = word[0] == "armed" ? 0 : claimed_[id].attempt;
        claimed_.erase(id);
    } else if (word[0] == "claimed") {
        armed_.erase(id);
        const int attempt = std::stoi(word[2]);
        claimed_[id] = {attempt, world_.tick(),
                        word[3] == incarnation() && !done_.contains({id, attempt})};
    } else if (word[0] == "delivered" || word[0] == "cancelled") {
        armed_.erase(id);
        claimed_.erase(id);
    }
}

// What was asked may be lost; it is asked again, but not at once.
bool Instance::may_ask(const std::string& delivery) {
    Tick& next = ask_again_at_[delivery];
    if (world_.tick() < next || !world_.chance(.1)) return false;
    next = world_.tick() + milliseconds(10'000);
    return true;
}

void Instance::after_turn() {
    if (!ready() || world_.tick() < act_at_) return;
    act_at_ = world_.tick() + looks_every;
    act();
}

void Instance::act() {
    for (const auto& [id, attempt] : armed_) {
        if (!may_ask(id)) continue;
        asked_at_.try_emplace({id, attempt + 1}, world_.tick());
        ask(realm_of_[id], fmt::format("claim-{}-{}", incarnation(), asked_++),
            fmt::format("claim {} {} {}", id, attempt + 1, incarnation()));
    }
    for (auto& [id, claim] : claimed_) {
        if (!claim.mine)
            resolve(id, claim);
        else if (!world_.chance(.3) && !execute(id, claim))
            return crash();
    }
}

// False: it dies before it can tell.
bool Instance::execute(const std::string& id, Claim& claim) {
    claim.mine = false;
    done_.insert({id, claim.attempt});
    const bool in_time = world_.tick() - asked_at_[{id, claim.attempt}] < give_up;
    const std::string& realm = realm_of_[id];
    if (in_time) world_.perform(realm, id, claim.attempt, incarnation(), content_of_[id]);
    if (world_.crashes() && world_.chance(.05)) return false;
    ask(realm, fmt::format("outcome-{}-{}", incarnation(), asked_++),
        fmt::format("settle {} {} {}", id, claim.attempt, in_time ? "done" : "stood_down"));
    return true;
}

// The claim's own executor counts from before it asked, so after this time it will not act.
void Instance::resolve(const std::string& id, const Claim& claim) {
    if (world_.tick() - claim.seen <= give_up + give_up_margin || !may_ask(id)) return;
    ask(realm_of_[id], fmt::format("resolve-{}-{}", incarnation(), asked_++),
        fmt::format("settle {} {} {}", id, claim.attempt,
                    world_.performed(id) ? "present" : "absent"));
}

void Instance::ask(const std::string& realm, const std::string& id, const std::string& body) {
    submit(world_.submission(realm, id, body, now() + lifetime), call_wait,
           [](const runtime::Answer&) {});
}

}  // namespace tocsin::sim
