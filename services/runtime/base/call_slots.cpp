#include "runtime/base/call_slots.hpp"

#include "runtime/base/invariant.hpp"

#include <algorithm>

namespace tocsin::runtime {

CallSlots::Limits CallSlots::limits(std::size_t all, std::size_t realm_max) {
    Limits limits;
    limits.all = all;
    limits.realm = std::min(all, realm_max > 0 ? realm_max : std::max<std::size_t>(all / 4, 64));
    limits.actor = std::min(limits.realm, std::max<std::size_t>(limits.realm / 2, 32));
    return limits;
}

CallSlots::Held CallSlots::held(const HeldBy& counts, const std::string& name) {
    const auto found = counts.find(name);
    return found == counts.end() ? Held{} : found->second;
}

void CallSlots::give_back(HeldBy& counts, const std::string& name, std::size_t bytes) {
    const auto found = counts.find(name);
    invariant(found != counts.end() && found->second.bytes >= bytes,
              "what is given back was taken");
    found->second.bytes -= bytes;
    if (--found->second.calls == 0) counts.erase(found);
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
    const auto fits = [&](const Held& now, std::size_t calls_max, std::size_t bytes_max) {
        if (now.calls >= calls_max) return false;
        return service || now.bytes == 0 || now.bytes + bytes <= bytes_max;
    };
    if (!fits(counts.all[pool], limits.all, limits.bytes) ||
        !fits(held(counts.realms[pool], realm), realm_max, limits.bytes / 4))
        return {};
    if (single && !fits(held(counts.actors, actor), limits.actor, limits.bytes / 8)) return {};
    const auto add = [&](Held& to) {
        ++to.calls;
        to.bytes += bytes;
    };
    add(counts.all[pool]);
    add(counts.realms[pool][realm]);
    if (single) add(counts.actors[actor]);
    return Slot(this, [kept = counts_, realm, actor, pool, single, bytes](const void*) {
        const std::lock_guard freeing(kept->mutex);
        --kept->all[pool].calls;
        kept->all[pool].bytes -= bytes;
        give_back(kept->realms[pool], realm, bytes);
        if (single) give_back(kept->actors, actor, bytes);
    });
}

}  // namespace tocsin::runtime
