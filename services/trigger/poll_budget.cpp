#include "trigger/poll_budget.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::trigger {
namespace {

constexpr std::chrono::milliseconds look_again{200};
constexpr double bytes_per_second = PollBudget::realm_bytes_per_minute / 60.0;

}  // namespace

double PollBudget::left_at(const Account& account, Tick now) {
    const double seconds = std::chrono::duration<double>(now - account.at).count();
    return std::min<double>(realm_bytes_per_minute, account.left + seconds * bytes_per_second);
}

int PollBudget::polls_of(std::size_t bytes_most) {
    return static_cast<int>((bytes_most + body_bytes_max - 1) / body_bytes_max);
}

std::optional<PollBudget::Wait> PollBudget::begin(const std::string& realm, std::size_t bytes_most,
                                                  Tick now) {
    const auto known = accounts_.try_emplace(realm, Account{.at = now}).first;
    Account& account = known->second;
    const double left = left_at(account, now);
    if (left <= 0) {
        const double seconds = 1 - left / bytes_per_second;
        return Wait{std::chrono::milliseconds{std::llround(std::ceil(seconds * 1000))}, true};
    }
    const int most = account.under_way > 0 ? under_way_max - first_of_realm : under_way_max;
    if (account.under_way >= of_realm_max || under_way_ >= most) return Wait{look_again, false};
    // Beyond the most, so that one that counts as many is not kept waiting by ever more small ones.
    account.under_way += polls_of(bytes_most);
    under_way_ += polls_of(bytes_most);
    return std::nullopt;
}

void PollBudget::settle(const std::string& realm, std::size_t bytes_most, std::size_t bytes,
                        Tick now) {
    const auto known = accounts_.find(realm);
    Account& account = known->second;
    account.under_way -= polls_of(bytes_most);
    under_way_ -= polls_of(bytes_most);
    account.left = left_at(account, now) - static_cast<double>(bytes);
    account.at = now;
    const auto says_nothing = [&](const auto& entry) {
        return entry.second.under_way == 0 && left_at(entry.second, now) >= realm_bytes_per_minute;
    };
    std::erase_if(accounts_, says_nothing);
}

}  // namespace tocsin::trigger
