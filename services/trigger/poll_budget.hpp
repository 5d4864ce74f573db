// How much a realm's polls may bring, so that no realm's gauges take the machine from the others:
// bytes by the minute, and answers on their way at a time. One thread.
#pragma once

#include "trigger/source.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace tocsin::trigger {

class PollBudget {
public:
    using Tick = std::chrono::steady_clock::time_point;
    // Ten provinces' files of 5 MB every 5 minutes are a sixth of it.
    static constexpr std::size_t realm_bytes_per_minute = std::size_t{64} << 20;
    static constexpr int of_realm_max = 8;
    // Each may bring `body_bytes_max`, and the last one `long_body_bytes_max`: 280 MiB.
    static constexpr int under_way_max = 32;
    // Of those, kept for realms without a poll under way: where servers do not answer, the other
    // realms still have their turn.
    static constexpr int first_of_realm = 16;

    struct Wait {
        std::chrono::milliseconds time;
        bool too_many_bytes = false;  // brought lately; otherwise too many polls are under way
    };
    // Nothing: a poll of the realm begins, to be ended by settle(). It counts as so many as fit
    // into `bytes_most`, which it may bring.
    std::optional<Wait> begin(const std::string& realm, std::size_t bytes_most, Tick now);
    void settle(const std::string& realm, std::size_t bytes_most, std::size_t bytes, Tick now);

private:
    struct Account {
        double left = realm_bytes_per_minute;  // below zero when an answer was more than was left
        Tick at;
        int under_way = 0;
    };
    static double left_at(const Account& account, Tick now);
    static int polls_of(std::size_t bytes_most);

    std::map<std::string, Account> accounts_;  // of realms with polls under way, or not full
    int under_way_ = 0;
};

}  // namespace tocsin::trigger
