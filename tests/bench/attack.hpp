// Strangers who attack the gateway and the port of gRPC from an address of their own, 127.0.0.2,
// and a neighbour with a good token; none of them ever pauses. Their threads have the lowest
// priority: what is measured is what they take of the gateway, not of the machine that they share
// with it here.
#pragma once

#include "bench/stage.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tocsin::bench {

// A socket of the attackers; -1 where it is refused.
class Wire {
public:
    explicit Wire(int port);
    ~Wire();
    Wire(Wire&& other) noexcept;
    Wire(const Wire&) = delete;

    // False: the other side has closed it, or takes nothing for a second.
    bool send(std::string_view bytes) const;
    // Until something came, or the end, or a second has passed; false: the end.
    bool read_some() const;

private:
    int handle_ = -1;
};

struct Attack {
    std::string name;
    // What one attacker does, again and again while `running`.
    std::function<void(const std::atomic<bool>& running)> once;
};

// What they know.
struct Target {
    int gateway = 0, grpc = 0;  // ports
    std::string token;          // which they cannot show, but change
    std::string neighbour;      // which the neighbour shows
};

// Strangers hold connections, open them, show forged tokens, send bodies without one, frame bodies
// and trailers without end, read nothing, and ping; the neighbour sends what is slow to parse,
// calls and hangs up, and watches without reading.
std::vector<Attack> attacks(const Target& target);

class Attackers {
public:
    static constexpr int number = 4;

    // From now on until this is destroyed.
    explicit Attackers(const Attack& attack);
    ~Attackers();

private:
    std::atomic<bool> running_{true};
    std::vector<std::jthread> threads_;
};

}  // namespace tocsin::bench
