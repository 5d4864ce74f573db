#include "trigger/poll_budget.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::trigger {
namespace {

constexpr std::chrono::milliseconds look_again{200};
constexpr std::chrono::seconds line_left_after{2};

PollBudget::Wait until_filled(double left, double per_minute, PollBudget::Why why) {
    const double seconds = 1 - left / (per_minute / 60);
    return {std::chrono::milliseconds{std::llround(std::ceil(seconds * 1000))}, why, {}};
}

}  // namespace

double PollBudget::Share::left_at(Tick now, double per_minute) const {
    const double minutes = std::chrono::duration<double, std::ratio<60>>(now - at).count();
    return std::min(per_minute, left + minutes * per_minute);
}

int PollBudget::polls_of(std::size_t bytes_most) {
    return static_cast<int>((bytes_most + body_bytes_max - 1) / body_bytes_max);
}

std::size_t PollBudget::place_in_line(Account& account, const std::string& source, Tick now) {
    std::erase_if(account.waiting, [&](const Waiting& waiting) {
        return waiting.asked + line_left_after < now && waiting.source != source;
    });
    auto place = std::ranges::find(account.waiting, source, &Waiting::source);
    if (place == account.waiting.end()) place = account.waiting.insert(place, {source, now});
    place->asked = now;
    return static_cast<std::size_t>(place - account.waiting.begin());
}

std::optional<PollBudget::Wait> PollBudget::begin(const std::string& realm,
                                                  const std::string& source, std::size_t bytes_most,
                                                  Tick now) {
    const Share full{realm_bytes_per_minute, now};
    Account& account = accounts_.try_emplace(realm, Account{full, {}, {}, 0}).first->second;
    if (const auto own = account.sources.find(source); own != account.sources.end())
        if (const double left = own->second.left_at(now, source_bytes_per_minute); left <= 0)
            return until_filled(left, source_bytes_per_minute, Why::its_bytes);
    if (const double left = account.all.left_at(now, realm_bytes_per_minute); left <= 0) {
        Wait wait = until_filled(left, realm_bytes_per_minute, Why::realm_bytes);
        const auto least = std::ranges::min_element(account.sources, {}, [&](const auto& entry) {
            return entry.second.left_at(now, source_bytes_per_minute);
        });
        if (least != account.sources.end()) wait.largest = least->first;
        return wait;
    }
    const std::size_t before = place_in_line(account, source, now);
    const int most = account.under_way > 0 ? under_way_max - first_of_realm : under_way_max;
    if (account.under_way + static_cast<int>(before) >= of_realm_max || under_way_ >= most)
        return Wait{look_again, Why::turn, {}};
    account.waiting.erase(account.waiting.begin() + static_cast<std::ptrdiff_t>(before));
    // Beyond the most, so that one that counts as many is not kept waiting by ever more small ones.
    account.under_way += polls_of(bytes_most);
    under_way_ += polls_of(bytes_most);
    return std::nullopt;
}

void PollBudget::settle(const std::string& realm, const std::string& source, std::size_t bytes_most,
                        std::size_t bytes, Tick now) {
    Account& account = accounts_.find(realm)->second;
    account.under_way -= polls_of(bytes_most);
    under_way_ -= polls_of(bytes_most);
    const auto charge = [&](Share& share, double per_minute) {
        share = {share.left_at(now, per_minute) - static_cast<double>(bytes), now};
    };
    charge(account.all, realm_bytes_per_minute);
    charge(account.sources.try_emplace(source, Share{source_bytes_per_minute, now}).first->second,
           source_bytes_per_minute);
    std::erase_if(account.sources, [&](const auto& entry) {
        return entry.second.left_at(now, source_bytes_per_minute) >= source_bytes_per_minute;
    });
    std::erase_if(accounts_, [&](const auto& entry) {
        const Account& each = entry.second;
        return each.under_way == 0 && each.sources.empty() &&
               each.all.left_at(now, realm_bytes_per_minute) >= realm_bytes_per_minute &&
               std::ranges::none_of(each.waiting, [&](const Waiting& waiting) {
                   return waiting.asked + line_left_after >= now;
               });
    });
}

}  // namespace tocsin::trigger
