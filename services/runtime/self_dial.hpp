// Whether this process still accepts connections on a port of its own. A server that has gone deaf
// looks healthy to whoever is connected already; only a new connection tells.
//
// One thread of its own, from construction to destruction.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace tocsin::runtime {

struct SelfDialTimes {
    std::chrono::milliseconds every{5'000};
    std::chrono::milliseconds answer{3'000};  // how long one connection may wait for a sign of life
    int failures_max = 6;                     // in a row
};

class SelfDial {
public:
    // `listen` is host:port as it is listened on. The first of its addresses that answers is
    // judged, and none before it did: a name that is not resolved, or a family that this machine
    // lacks, is no deaf server. `deaf` is called once, with the last reason, when `failures_max`
    // connections in a row came to nothing.
    SelfDial(const std::string& listen, int port, SelfDialTimes times,
             std::function<void(const std::string&)> deaf);

private:
    std::jthread thread_;
};

// Empty: somebody took the connection, whatever they said. The peer is told at once that nothing
// will be sent, so that it costs a server of any protocol, with TLS or without, next to nothing.
std::string dial(const std::string& host, int port, std::chrono::milliseconds answer);

}  // namespace tocsin::runtime
