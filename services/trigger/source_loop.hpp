// The loop of one source: who polls, when, and how that went.
//
// A leader that is gone, or may not serve, is not replaced while there is nothing to decide, and a
// reading that changes nothing makes no instance the leader. So an instance that is ready stands in
// where no other brought a reading for `stand_in_patience`: it polls once, and again after as long.
// A leader that is there and finds nothing new is thus joined by at most one poll in five. Once
// readings of its own, two polls in a row, stand in the stream with nothing by another between them
// (see heard.hpp), no other polls, and it keeps the source's own pace until another's come.
#pragma once

#include "trigger/poll_rests.hpp"
#include "trigger/source_poll.hpp"

#include <optional>
#include <random>

namespace tocsin::trigger {

// What all loops of a poller share. Loop thread, but for `stopped`.
struct Polling {
    Polling(PollerLinks given, HealthBook& book, bool allow_private)
        : links(std::move(given)),
          health(book),
          allow_private_addresses(allow_private),
          jitter(std::random_device{}()) {}

    PollerLinks links;
    HealthBook& health;
    const bool allow_private_addresses;
    std::atomic<bool> stopped = false;
    std::minstd_rand jitter;
    std::int64_t stand_ins = 0;  // polls so far in the place of a leader
    PollBudget budget;
    PollRests rests;
};

// Loop thread. Freed while it sleeps it ends there; `polling` outlives it.
class SourceLoop {
public:
    SourceLoop(Polling& polling, const Wanted& wanted);
    SourceLoop(const SourceLoop&) = delete;

    // Runs up to its first wait. Once.
    void start();
    // Ends it, soon.
    void replace() { polled_.replaced = true; }

    const Wanted& wanted() const { return polled_.wanted; }
    bool replaced() const { return polled_.replaced; }
    bool ended() const { return ended_; }
    // See SourcePoll.
    bool large() const { return poll_.large(); }
    void expect_large(bool large) { poll_.expect_large(large); }

private:
    using Tick = std::chrono::steady_clock::time_point;
    // Not ready; ready, where another leads; leads.
    enum class Role { out, standing_by, leading };

    runtime::Task<void> run();
    runtime::Task<void> pause(Tick until);
    runtime::Task<SourcePoll::Outcome> poll(bool leading);
    void look();
    void judge();
    void wait_patiently();
    Tick stands_in_at() const;
    Tick end_turn(Tick began, const SourcePoll::Outcome& outcome);
    std::chrono::milliseconds settle(const SourcePoll::Outcome& outcome);
    std::chrono::milliseconds put_off(const PollBudget::Wait& wait);
    std::chrono::milliseconds interval() const;
    // At random, from one to the other.
    std::chrono::milliseconds spread(std::chrono::milliseconds least,
                                     std::chrono::milliseconds most);

    Polling& polling_;
    Polled polled_;
    SourceStream stream_;
    SourcePoll poll_;
    int failures_ = 0;                 // polls in a row
    bool put_off_ = false;             // since its last poll, and reported
    std::optional<Tick> waits_since_;  // for its turn
    Role role_ = Role::out;
    // While it stands by: since when, or since its last poll; how long without a reading until it
    // polls; and how soon at most it may.
    Tick quiet_since_{};
    std::chrono::milliseconds patience_{0};
    Tick not_before_{};
    bool ended_ = false;
    // Owned here, so that a loop that still sleeps at the end is freed with the poller. Last: its
    // frame refers to the members above.
    std::optional<runtime::Task<void>> task_;
};

}  // namespace tocsin::trigger
