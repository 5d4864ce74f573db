#include "runtime/call_slots.hpp"

#include <algorithm>

namespace tocsin::runtime {

CallSlots::Limits CallSlots::limits(std::size_t all, std::size_t realm_max) {
    Limits limits;
    limits.all = all;
    limits.realm = std::min(all, realm_max > 0 ? realm_max : std::max<std::size_t>(all / 4, 64));
    limits.actor = std::min(limits.realm, std::max<std::size_t>(limits.realm / 2, 32));
    return limits;
}

static void give_back(std::unordered_map<std::string, std::size_t>& counts,
                      const std::string& name) {
    const auto found = counts.find(name);
    if (--found->second == 0) counts.erase(found);
}

static std::size_t held(const std::unordered_map<std::string, std::size_t>& counts,
                        const std::string& name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
}

CallSlots::Slot CallSlots::take(const std::string& realm, const std::string& actor,
                                std::size_t bytes) {
    const bool service = actor.starts_with("service:");
    const std::size_t pool = service ? 1 : 0;
    const bool single = !service && !actor.empty();
    Counts& counts = *counts_;
    const Limits& limits = counts.limits;
    const std::lock_guard guard(counts.mutex);
    // One realm's own timers and claims leave half of the reserve to the others.
    const std::size_t realm_max = service ? (limits.all + 1) / 2 : limits.realm;
    if (counts.all[pool] >= limits.all || held(counts.realms[pool], realm) >= realm_max) return {};
    if (single && held(counts.actors, actor) >= limits.actor) return {};
    if (!service && counts.bytes > 0 && counts.bytes + bytes > limits.bytes) return {};
    ++counts.all[pool];
    ++counts.realms[pool][realm];
    if (single) ++counts.actors[actor];
    if (!service) counts.bytes += bytes;
    return Slot(this, [kept = counts_, realm, actor, pool, single, bytes](const void*) {
        const std::lock_guard freeing(kept->mutex);
        --kept->all[pool];
        give_back(kept->realms[pool], realm);
        if (single) give_back(kept->actors, actor);
        if (pool == 0) kept->bytes -= bytes;
    });
}

}  // namespace tocsin::runtime
