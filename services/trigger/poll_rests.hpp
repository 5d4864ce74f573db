// Until when which address is not polled: the wait that a server requested, or the one after a
// failure, holds for every loop that polls that address next. A rule put meanwhile does not end it.
#pragma once

#include "trigger/wanted.hpp"

#include <chrono>
#include <map>
#include <string>
#include <tuple>

namespace tocsin::trigger {

// One thread.
class PollRests {
public:
    using Tick = std::chrono::steady_clock::time_point;
    // After an answer that requested it, or none that could be used.
    struct Rest {
        Tick asked_until{};  // by the server
        Tick until{};        // where the format is the same
        int failures = 0;    // in a row
    };

    void begin(const Wanted& wanted, const Rest& rest);
    void end(const Wanted& wanted);
    void forget_past(Tick now);

    // The beginning of all time: it may be polled.
    Tick until(const Wanted& wanted) const;
    // Polls that failed in a row, in that format.
    int failures(const Wanted& wanted) const;

private:
    using Address = std::tuple<std::string, std::string, std::string>;  // realm, source id, URL
    struct OfFormat {
        std::string format;
        Rest rest;
    };
    static Address address_of(const Wanted& wanted);

    std::map<Address, OfFormat> rests_;
};

}  // namespace tocsin::trigger
