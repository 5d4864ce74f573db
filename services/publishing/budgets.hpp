// Budgets: how many posts an account may have in a time, and how many of those are kept for what
// cannot wait.
//
// An account is a URL with a credential: the channels of one account share what it may post. A
// claim counts as a post, whatever comes of it. The last `reserve` posts are for Extreme and Severe
// messages, Updates and Cancels. A retraction counts and is never kept back: the server itself may
// refuse it, and it is tried again.
#pragma once

#include "publishing/release.hpp"
#include "runtime/base/shared_map.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace tocsin::publishing {

// A value whose copy costs O(1).
struct Budgets {
    // Claims by account, in order of time; those that count for the budget of the last one's
    // channel, and at most `budget_posts_max`.
    runtime::SharedMap<std::string, std::deque<Time>> claims;
};

inline constexpr int budget_posts_max = 10'000;

// Counts in one decision what it claims itself. Budgets outlive it.
class Spending {
public:
    Spending(const Budgets& budgets, Time now) : budgets_(budgets), now_(now) {}

    // Nothing: it may be claimed. Else when its account has room again, as far as is known now.
    std::optional<Time> full_until(const Release& release, const Delivery& delivery) const;
    void spend(const Delivery& delivery);

private:
    const Budgets& budgets_;
    Time now_;
    std::map<std::string, int> spent_;  // by account
};

// Posts that the account of a channel with a budget still has, and those kept for what is urgent
// among them.
int posts_left(const Budgets& budgets, const v1::Channel& channel, Time now);

// ---- events

// Of claims; nothing changes by another event. `release`: as it is after the event.
void evolve(Budgets& budgets, const Release& release, const v1::Event& event, Time decided_at);

}  // namespace tocsin::publishing
