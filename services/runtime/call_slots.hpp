// How many may wait at once: in all, of one realm, of one actor. What services ask of themselves
// (timers, claims, outcomes) has slots of its own, which no realm and no caller can take.
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
        // Of what is held at once by everybody but services.
        std::size_t bytes = static_cast<std::size_t>(-1);
    };
    // `realm_max` 0: a quarter of `all`, at least 64. Of one realm, one actor may hold half, at
    // least 32. Never more than `all`.
    static Limits limits(std::size_t all, std::size_t realm_max);

    // Held by whatever needs the slot; given back with the last copy, which may be at any time.
    using Slot = std::shared_ptr<const void>;

    explicit CallSlots(Limits limits) : counts_(std::make_shared<Counts>(limits)) {}

    // Nothing: too many hold one. An empty actor is only counted to its realm.
    Slot take(const std::string& realm, const std::string& actor, std::size_t bytes = 0);

private:
    struct Counts {
        explicit Counts(Limits most) : limits(most) {}
        const Limits limits;
        std::mutex mutex;
        // Of everybody else, and of services.
        std::size_t all[2] = {0, 0};
        std::size_t bytes = 0;
        std::unordered_map<std::string, std::size_t> realms[2];
        std::unordered_map<std::string, std::size_t> actors;
    };
    std::shared_ptr<Counts> counts_;
};

}  // namespace tocsin::runtime
