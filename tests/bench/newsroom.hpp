// A realm whose agencies have many receivers, and messages to all receivers of some of them.
#pragma once

#include "bench/audience.hpp"
#include "bench/stage.hpp"
#include "runtime/base/time.hpp"
#include "tocsin/drafting/v1/drafting_service.pb.h"
#include "tocsin/publishing/v1/publishing_service.pb.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::bench {

// By id, each with the number of its webhook channels. The receivers of an agency are the group of
// its name. An agency takes 500 deliveries of a release at most.
using AgencySizes = std::vector<std::pair<std::string, int>>;

class Newsroom {
public:
    using Agencies = std::vector<std::string>;

    // Starts tocsin-all with these agencies.
    Newsroom(Stage& stage, Audience& audience, AgencySizes sizes);

    struct Draft {
        Agencies agencies;
        content::v1::Severity severity = content::v1::SEVERITY_SEVERE;
        std::optional<runtime::Time> release_at{};
    };
    // Submits a message, and approves it for all its agencies but the last.
    drafting::v1::Message submit(const Draft& draft);
    // Approves it for the last one, which clears it; when that was called.
    runtime::Time clear(const drafting::v1::Message& message, const Agencies& agencies);
    // Stops or retracts its release; when that was called.
    runtime::Time stop(const publishing::v1::Release& release);

    struct Sent {
        runtime::Time called;                 // the call that cleared it
        runtime::Time fire_at;                // T0
        std::vector<runtime::Time> arrivals;  // at the receivers, in order
        drafting::v1::Message message;
        publishing::v1::Release release;
    };
    // All of that, until the outcome of the last delivery is recorded.
    Sent send(const Draft& draft);
    publishing::v1::Release await(const drafting::v1::Message& message,
                                  publishing::v1::ReleaseState state) const;

    // How many receivers these agencies have, and where those are.
    std::size_t count(const Agencies& agencies) const;
    std::vector<std::string> urls(const Agencies& agencies) const;

    Running& all() { return all_; }
    std::string token(const std::string& agency, const std::string& role) const;

private:
    void import_agencies();
    void put_channels(const std::string& agency, int count);
    void open_incident();

    Stage& stage_;
    Audience& audience_;
    AgencySizes sizes_;
    Running all_;
    std::string incident_;
};

// Milliseconds from `from` until `to`.
double ms_between(runtime::Time from, runtime::Time to);

}  // namespace tocsin::bench
