// Whether this process still accepts connections on a port of its own. A server that has gone deaf
// looks healthy to clients that are connected already; only a new connection shows it.
//
// One thread of its own, from construction to destruction, which cuts short what it waits for.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::runtime {

struct SelfDialTimes {
    std::chrono::milliseconds every{5'000};
    std::chrono::milliseconds answer{3'000};  // how long one connection may wait for a sign of life
    int failures_doubted = 2;                 // in a row: then it is reported as not answering
    int failures_max = 6;                     // in a row: then it is deaf
};

class SelfDial {
public:
    // Called on the thread of the dialling.
    struct Tells {
        // Whether all of them answer: at each change, and not before the first doubt.
        std::function<void(bool answers)> answers;
        // Once and last, with the last reason, when `failures_max` connections in a row to one of
        // them came to nothing.
        std::function<void(const std::string& why)> deaf;
        // How many connections were accepted since the start, where that is counted. While it
        // grows, the server has too much to do, which is doubted and reported, and is not deaf.
        std::function<std::size_t()> accepted = {};
    };

    // `listen` is host:port as it is listened on: a listener for each address of the host. Those
    // that answer when the first of them does are judged, each by itself, and none before: a name
    // that is not resolved, or a family that this machine lacks, is no deaf server.
    SelfDial(const std::string& listen, int port, SelfDialTimes times, Tells tells);
    SelfDial(std::vector<std::string> hosts, int port, SelfDialTimes times, Tells tells);

private:
    std::jthread thread_;
};

// Empty: the connection was accepted, whatever the answer. It is shut for writing at once, so that
// it costs a server of any protocol, with TLS or without, next to nothing.
std::string dial(const std::string& host, int port, std::chrono::milliseconds answer);

}  // namespace tocsin::runtime
