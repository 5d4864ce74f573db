// The commands of trigger, for tests to vary.
#pragma once

#include "support/given.hpp"
#include "trigger/decider.hpp"

namespace tocsin::trigger::cases {

inline v1::Command put_source(double poll_seconds = 60) {
    v1::Command command;
    auto& put = *command.mutable_put_source();
    put.set_source_id("bow");
    put.set_format("eccc-csv");
    put.set_url("https://dd.weather.gc.ca/hydrometric/csv/AB/hourly/AB_hourly_hydrometric.csv");
    put.set_poll_seconds(poll_seconds);
    return command;
}

inline v1::Command put_rule(double threshold = 1000) {
    v1::Command command;
    auto& put = *command.mutable_put_rule();
    put.set_rule_id("bow-high");
    put.set_source_id("bow");
    put.set_series("05BH004:discharge");
    put.set_threshold(threshold);
    put.set_template_id("river-high");
    put.set_incident_id("flood");
    return command;
}

inline v1::Command remove_rule() {
    v1::Command command;
    command.mutable_remove_rule()->set_rule_id("bow-high");
    return command;
}

inline v1::Command remove_source() {
    v1::Command command;
    command.mutable_remove_source()->set_source_id("bow");
    return command;
}

inline testing::Given<Decider> officer() {
    testing::Given<Decider> given;
    given.by("dora", "calgary", {"duty-officer"});
    return given;
}

}  // namespace tocsin::trigger::cases
