// Who sent the request that is being answered. One thread.
#pragma once

#include <functional>
#include <string>
#include <utility>

namespace tocsin::gateway {

struct Peer {
    std::string address;  // of IPv6 the network, /64: one host has all of it
    bool gone = false;    // closed its connection, or its side of it, before it had its answer
    std::function<void()> when_gone;

    void leave() {
        gone = true;
        if (when_gone) std::exchange(when_gone, nullptr)();
    }
};

}  // namespace tocsin::gateway
