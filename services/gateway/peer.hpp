// Who sent the request that is being answered. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::gateway {

struct Peer {
    std::string address;  // of IPv6 the network, /64: one host has all of it
    bool gone = false;    // before it had its answer: nobody waits for that any more
    // Since when it sends no more. That may be the end of its connection, or of its side only.
    std::optional<std::chrono::steady_clock::time_point> quiet_since;
    bool answer_anyway = false;  // as long as its connection may be open
    std::function<void()> when_gone;

    void leave() {
        gone = true;
        if (when_gone) std::exchange(when_gone, nullptr)();
    }
};

}  // namespace tocsin::gateway
