// Measures this instance's clock against the brokers': a record is sent, and the time at which it
// was stored lies between sending and acknowledgement by a clock that is right. Ledger thread only.
#pragma once

#include "runtime/host/clock.hpp"
#include "runtime/ledger/log.hpp"

#include <algorithm>
#include <functional>
#include <string>

namespace tocsin::runtime {

struct ClockReading {
    Time sent, acked;  // by this instance's clock
    Time stored_at;    // by the broker's, in milliseconds
    Tick tick{};       // when the acknowledgement came

    // How far the own clock is ahead, at least: negative when it is behind, zero within the
    // precision of the round trip and the broker's milliseconds.
    Duration ahead() const {
        if (sent >= stored_at + std::chrono::milliseconds(1))
            return sent - stored_at - std::chrono::milliseconds(1);
        return acked < stored_at ? acked - stored_at : Duration(0);
    }
};

class ClockProbe {
public:
    static constexpr std::chrono::seconds every{60};
    static constexpr std::chrono::seconds again{1};  // after one that failed

    ClockProbe(LogWriter& writer, const Clock& clock, std::string topic, std::string service,
               std::function<void(const ClockReading&)> read,
               std::function<void(const std::string& why)> fails)
        : writer_(writer),
          clock_(clock),
          topic_(std::move(topic)),
          service_(std::move(service)),
          read_(std::move(read)),
          fails_(std::move(fails)) {}
    ClockProbe(const ClockProbe&) = delete;

    // Sends one if it is time, the first at once. One is on its way at a time.
    void turn(Tick tick);
    // Soon. An instance whose clock is off orders it all the time, which must cost little.
    void order() { next_ = std::min(next_, soonest_); }

private:
    LogWriter& writer_;
    const Clock& clock_;
    std::string topic_;
    std::string service_;
    std::function<void(const ClockReading&)> read_;
    std::function<void(const std::string&)> fails_;
    Tick next_ = Tick::min();
    Tick soonest_ = Tick::min();
    bool on_its_way_ = false;
};

}  // namespace tocsin::runtime
