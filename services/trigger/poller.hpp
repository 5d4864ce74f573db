// Polls the sources of the realms that this instance leads, and appends what is new to the stream
// of readings: one coroutine per source (source_loop.hpp), all on the loop thread of the HTTP
// client. What a realm's polls may bring is bounded (poll_budget.hpp): a source beyond that is
// polled later, and its health shows it.
#pragma once

#include "trigger/poll_pace.hpp"
#include "trigger/source_loop.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tocsin::trigger {

// Destroyed after the loop thread ended; all else on the loop thread except stop().
class Poller {
public:
    Poller(PollerLinks links, HealthBook& health, bool allow_private_addresses)
        : polling_(std::move(links), health, allow_private_addresses) {}

    // Starts what is new or changed, ends what is gone. What is gone for a moment, while its
    // realm's history is folded again and it is not `whole`, starts as if it were new, but for what
    // was heard of it.
    void refresh(
        const std::vector<Wanted>& wanted,
        const std::function<bool(const std::string&)>& whole = [](const auto&) { return true; });
    // Any thread: no further poll begins.
    void stop() { polling_.stopped = true; }

private:
    void start(const Wanted& wanted);

    Polling polling_;
    // At most one of each source that is neither replaced nor ended.
    std::vector<std::unique_ptr<SourceLoop>> loops_;
};

}  // namespace tocsin::trigger
