#include "publishing/budgets.hpp"

#include "publishing/channel.hpp"
#include "publishing/urgency.hpp"
#include "runtime/base/planted.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace tocsin::publishing {

static bool has_budget(const Delivery& delivery) {
    return delivery.channel && delivery.channel->budget_posts() > 0;
}

static Duration window_of(const v1::Channel& channel) {
    return std::chrono::seconds{channel.budget_seconds()};
}

// The first claim that still counts.
static auto first_counted(const std::deque<Time>& claims, const v1::Channel& channel, Time now) {
    return std::ranges::upper_bound(claims, now - window_of(channel));
}

std::optional<Time> Spending::full_until(const Release& release, const Delivery& delivery) const {
    if (!has_budget(delivery) || delivery.retracts() || planted(runtime::Bug::budget_ignored))
        return std::nullopt;
    const v1::Channel& channel = *delivery.channel;
    const std::string account = account_of(channel);
    const auto own = spent_.find(account);
    const std::deque<Time>* known = budgets_.claims.find(account);
    const int here = own == spent_.end() ? 0 : own->second;
    const int most = is_urgent(release.content.get())
                         ? channel.budget_posts()
                         : channel.budget_posts() - channel.budget_reserve();
    if (!known) return here < most ? std::nullopt : std::optional{now_ + window_of(channel)};
    const auto first = first_counted(*known, channel, now_);
    const auto counted = std::distance(first, known->end());
    const auto over = counted + here - most;
    if (over < 0) return std::nullopt;
    // Once so many of the oldest count no more.
    if (over >= counted) return now_ + window_of(channel);
    return *std::next(first, over) + window_of(channel);
}

void Spending::spend(const Delivery& delivery) {
    if (has_budget(delivery)) ++spent_[account_of(*delivery.channel)];
}

int posts_left(const Budgets& budgets, const v1::Channel& channel, Time now) {
    const std::deque<Time>* known = budgets.claims.find(account_of(channel));
    if (!known) return channel.budget_posts();
    const auto counted = std::distance(first_counted(*known, channel, now), known->end());
    return std::max(channel.budget_posts() - static_cast<int>(counted), 0);
}

// ---- events

void evolve(Budgets& budgets, const Release& release, const v1::Event& event, Time decided_at) {
    if (!event.has_deliveries_claimed()) return;
    for (const std::string& id : event.delivery_ids()) {
        const Delivery* delivery = release.find(id);
        if (!delivery || !has_budget(*delivery)) continue;
        auto& claims = budgets.claims.edit(account_of(*delivery->channel));
        claims.erase(claims.begin(), first_counted(claims, *delivery->channel, decided_at));
        claims.push_back(decided_at);
        if (claims.size() > budget_posts_max) claims.pop_front();
    }
}

}  // namespace tocsin::publishing
