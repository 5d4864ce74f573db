// The decider and the view together.
#pragma once

#include "measurement/view.hpp"
#include "unit/measurement/samples.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tocsin::measurement::samples {

// Decides on what other services decided, and feeds the view with it.
class Stage {
public:
    void operator()(const runtime::Foreign& decision, bool live = true) {
        given_.when(decision);
        ledger::v1::Decision counted;
        counted.set_realm("bow");
        for (const auto& event : given_.events())
            counted.mutable_accepted()->add_events(event.SerializeAsString());
        realm.apply({"measurement", 0, 0, decision.at, counted, live});
        for (const auto& [clock, seconds] : realm.news()) clocks.emplace_back(clock, seconds);
    }
    v1::Scorecard card() const { return *realm.scorecard("msg-1"); }

    Realm realm;
    std::vector<std::pair<std::string, double>> clocks;

private:
    Given<Decider> given_;
};

}  // namespace tocsin::measurement::samples
