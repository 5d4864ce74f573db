#include "gateway/token_checks.hpp"

namespace tocsin::gateway {

std::expected<TokenChecks::Check, TokenChecks::Refused> TokenChecks::begin(
    const std::string& address, Time now) {
    Check check{&in_all_};
    auto wait = in_all_.take({}, now);
    if (wait && !refused_lately(address, now)) {
        check.in_all = &reserve_;
        wait = reserve_.take({}, now);
    }
    if (wait) return std::unexpected(Refused{Limit::of_all, *wait});
    // Last: nobody's addresses are counted faster than tokens are checked.
    wait = by_address_.take(address, now);
    if (!wait) return check;
    check.in_all->give_back({});
    return std::unexpected(Refused{Limit::of_address, *wait});
}

void TokenChecks::end(const Check& check, const std::string& address, Verdict verdict, Time now) {
    if (verdict != Verdict::refused) check.in_all->give_back({});
    if (verdict == Verdict::good) by_address_.give_back(address);
    if (verdict == Verdict::refused) remember(address, now);
}

bool TokenChecks::refused_lately(const std::string& address, Time now) {
    forget_old_ones(now);
    return refused_.find(address) != nullptr;
}

void TokenChecks::remember(const std::string& address, Time now) {
    forget_old_ones(now);
    refused_.keep(address, {});
}

void TokenChecks::forget_old_ones(Time now) {
    if (now - turned_ < lately) return;
    refused_.turn();
    turned_ = now;
}

}  // namespace tocsin::gateway
