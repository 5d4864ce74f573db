// Strangers who attack the gateway from an address of their own, 127.0.0.2, and never pause. Their
// threads have the lowest priority: what is measured is what they take of the gateway, not of the
// machine that they share with it here.
#pragma once

#include "bench/stage.hpp"

#include <atomic>
#include <functional>
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
    // What one attacker does, again and again while `running`; `port` is the gateway's.
    std::function<void(int port, const std::atomic<bool>& running)> once;
};

// One for each way of issue: to hold connections, to open them, to show forged tokens, to send
// bodies without one, to frame bodies without end, and not to read.
std::vector<Attack> attacks(const std::string& good_token);

class Attackers {
public:
    static constexpr int number = 4;

    // From now on until this is destroyed.
    Attackers(const Attack& attack, int port);
    ~Attackers();

private:
    std::atomic<bool> running_{true};
    std::vector<std::jthread> threads_;
};

}  // namespace tocsin::bench
