// One poll of a source: the request, the answer and what becomes of it.
#pragma once

#include "trigger/health.hpp"
#include "trigger/poll_budget.hpp"
#include "trigger/poll_links.hpp"
#include "trigger/source_stream.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace tocsin::trigger {

// Of one loop, and on the loop thread, but for the reading of an answer: a large one holds up
// nobody's poll. What it is given outlives it.
class SourcePoll {
public:
    struct Outcome {
        std::string error;  // empty: it went well
        bool unchanged = false;
        std::chrono::milliseconds wait_least{0};  // as the server requested
        // It was cut where answers of most sources end; request all of it at once.
        bool again_larger = false;
    };

    SourcePoll(const PollerLinks& links, HealthBook& health, const Polled& polled,
               SourceStream& stream, bool allow_private_addresses)
        : links_(links),
          health_(health),
          polled_(polled),
          stream_(stream),
          allow_private_addresses_(allow_private_addresses),
          format_(find_format(polled.wanted.source.format())) {}

    // False: its format is that of a newer version; the source is watched, not polled.
    bool can_read() const { return format_ != nullptr; }
    // What an answer may have at most, of a format that it can read.
    std::size_t bytes_most() const;
    // Its answers are larger than usual, which its format may be.
    bool large() const { return large_; }
    void expect_large(bool large) { large_ = large; }
    // The next poll requests a whole answer.
    void forget_validators();

    // Once `budget` let it begin. Of a loop that is over nothing is said.
    runtime::Task<Outcome> poll(PollBudget& budget);

private:
    runtime::HttpRequest request() const;
    runtime::Task<Outcome> take(const runtime::HttpResponse& answer);

    const PollerLinks& links_;
    HealthBook& health_;
    const Polled& polled_;
    SourceStream& stream_;
    const bool allow_private_addresses_;
    const SourceFormat* const format_;
    std::string etag_, last_modified_;  // of the last answer of which all is stored
    bool large_ = false;
};

}  // namespace tocsin::trigger
