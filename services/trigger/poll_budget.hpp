// How much a realm's polls may bring, so that no realm's gauges take the machine from the others,
// and no source of it the budget from the realm's: bytes by the minute, and answers on their way at
// a time, for which the source that has waited longest comes next. One thread.
#pragma once

#include "trigger/sources.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::trigger {

class PollBudget {
public:
    using Tick = std::chrono::steady_clock::time_point;
    // Ten provinces' files of 5 MB every 5 minutes are a sixth of it.
    static constexpr std::size_t realm_bytes_per_minute = std::size_t{64} << 20;
    // Of that, what one source may bring.
    static constexpr std::size_t source_bytes_per_minute = realm_bytes_per_minute / 2;
    static constexpr int of_realm_max = 8;
    // Each may bring `body_bytes_max`, and the last one `long_body_bytes_max`: 280 MiB.
    static constexpr int under_way_max = 32;
    // Of those, kept for realms without a poll under way: where servers do not answer, the other
    // realms still have their turn.
    static constexpr int first_of_realm = 16;

    enum class Why {
        turn,         // too many polls are under way
        its_bytes,    // the source brought too many lately
        realm_bytes,  // all of the realm did
    };
    struct Wait {
        std::chrono::milliseconds time;
        Why why = Why::turn;
        std::string largest;  // of realm_bytes: the source that brought most of it
    };
    // Nothing: a poll of the source begins, to be ended by settle(). It counts as so many as fit
    // into `bytes_most`, which it may bring. Who waits and does not ask again for two seconds has
    // given up its turn.
    std::optional<Wait> begin(const std::string& realm, const std::string& source,
                              std::size_t bytes_most, Tick now);
    void settle(const std::string& realm, const std::string& source, std::size_t bytes_most,
                std::size_t bytes, Tick now);

private:
    // Fills up again by the minute.
    struct Share {
        double left;  // below zero when an answer was more than was left
        Tick at;
        double left_at(Tick now, double per_minute) const;
    };
    struct Waiting {
        std::string source;
        Tick asked;
    };
    struct Account {
        Share all;
        std::map<std::string, Share> sources;  // those that are not full
        std::vector<Waiting> waiting;          // in the order in which they came
        int under_way = 0;
    };
    static std::size_t place_in_line(Account& account, const std::string& source, Tick now);
    static int polls_of(std::size_t bytes_most);

    std::map<std::string, Account> accounts_;  // of realms with polls under way, or not full
    int under_way_ = 0;
};

}  // namespace tocsin::trigger
