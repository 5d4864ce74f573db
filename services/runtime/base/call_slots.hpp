// How many may wait at once, and how many bytes they may hold: in all, of one realm, of one actor.
// The services' own commands (timers, claims, outcomes) have slots of their own, which no realm and
// no caller can take.
// Thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tocsin::runtime {

class CallSlots {
public:
    struct Limits {
        std::size_t all = 0;
        std::size_t realm = 0;
        std::size_t actor = 0;
        // Bytes held at once by all callers but services. One realm may hold a quarter of it, and
        // one actor half of that: a few large calls must not keep out all other realms.
        std::size_t bytes = static_cast<std::size_t>(-1);
    };
    // `realm_max` 0: a quarter of `all`, at least 64. Of one realm, one actor may hold half, at
    // least 32. Never more than `all`.
    static Limits limits(std::size_t all, std::size_t realm_max);

    // Held by whatever needs the slot; given back with the last copy, which may be at any time.
    using Slot = std::shared_ptr<const void>;

    explicit CallSlots(Limits limits) : counts_(std::make_shared<Counts>(limits)) {}

    // Nothing: too many hold one. An empty actor is only counted to its realm. Of each bound on
    // bytes, the only call that it counts fits, however large.
    Slot take(const std::string& realm, const std::string& actor, std::size_t bytes = 0);

private:
    // What the slots that were taken and not given back add up to; nobody who holds none is kept.
    struct Held {
        std::size_t calls = 0;
        std::size_t bytes = 0;
    };
    using HeldBy = std::unordered_map<std::string, Held>;
    static Held held(const HeldBy& counts, const std::string& name);
    static void give_back(HeldBy& counts, const std::string& name, std::size_t bytes);

    struct Counts {
        explicit Counts(Limits most) : limits(most) {}
        const Limits limits;
        std::mutex mutex;
        // Of everybody else, and of services, whose bytes are not bounded.
        Held all[2];
        HeldBy realms[2];
        HeldBy actors;
    };
    std::shared_ptr<Counts> counts_;
};

}  // namespace tocsin::runtime
