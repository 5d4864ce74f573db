// What polling is given, and what the parts of one source's loop share.
#pragma once

#include "runtime/host/reading_thread.hpp"
#include "runtime/http/http.hpp"
#include "runtime/ledger/ledger.hpp"
#include "trigger/heard.hpp"
#include "trigger/wanted.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace tocsin::trigger {

// The functions so that a test can stand in for clock and loop.
struct PollerLinks {
    runtime::Ledger& ledger;
    runtime::HttpTransport& http;
    // Runs a task on the loop thread, from any thread.
    std::function<void(std::move_only_function<void()>)> post;
    std::function<Time()> now;
    std::function<std::chrono::steady_clock::time_point()> tick;
    Heard& heard;
    // How an answer is read, away from the loop thread.
    runtime::Aside aside;
};

// The source that a loop polls, and whether the loop still does. Loop thread.
struct Polled {
    const Wanted wanted;
    const std::atomic<bool>& stopped;  // the poller is
    // For good, even if the same is wanted again: what was known of the source may be forgotten by
    // then, and only a loop that begins is watched anew. From then on it reports nothing.
    bool replaced = false;
    // The number of the poll, in the place of a leader; 0: this instance leads.
    std::int64_t stand_in = 0;

    bool over() const { return stopped || replaced; }
};

}  // namespace tocsin::trigger
