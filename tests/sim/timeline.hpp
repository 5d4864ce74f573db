// Virtual time: it stands still while somebody acts and jumps to where the next thing is due.
#pragma once

#include "sim/fake_kafka.hpp"

#include <vector>

namespace tocsin::sim {

// Somebody who acts when it is due. One thread.
class Actor {
public:
    virtual ~Actor() = default;
    // When it acts next as things are, be it in the past; Tick::max(): not before something
    // happens.
    virtual Tick due() const = 0;
    virtual void turn() = 0;
};

class Timeline {
public:
    Timeline(FakeClock& clock, FakeKafka& kafka) : clock_(clock), kafka_(kafka) {}
    Timeline(const Timeline&) = delete;

    // `actor` lives as long as this. Those that are due at one time act in the order in which they
    // were added.
    void add(Actor& actor) { actors_.push_back(&actor); }
    // Lets time pass and everybody act whose time comes. Nobody acts twice in a millisecond.
    void run(milliseconds time);

private:
    FakeClock& clock_;
    FakeKafka& kafka_;
    std::vector<Actor*> actors_;
};

}  // namespace tocsin::sim
