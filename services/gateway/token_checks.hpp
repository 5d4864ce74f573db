// How often a token that was not seen before may be checked, which takes a tenth of a millisecond
// of the one thread: for each address, and in all. What many addresses use up together does not
// keep out one of which nothing was refused lately: a reserve is kept for those. One thread.
#pragma once

#include "gateway/rates.hpp"
#include "runtime/base/generations.hpp"

#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <variant>

namespace tocsin::gateway {

class TokenChecks {
public:
    using Time = Rates::Time;
    static constexpr double in_all_max = 2'000;  // a second
    static constexpr double reserve_max = 500;   // a second, beyond those
    static constexpr std::chrono::seconds lately{60};
    // So many addresses are remembered at the most, twice.
    static constexpr std::size_t addresses_max = 20'000;

    enum class Limit { of_address, of_all };
    struct Refused {
        Limit limit = Limit::of_address;
        std::chrono::milliseconds wait{0};
    };
    enum class Verdict {
        good,
        not_checked,  // refused before its signature was looked at
        refused
    };
    // What a check was charged to.
    struct Check {
        Rates* in_all = nullptr;
    };

    // `refused_per_address`: a second; 0: no limit.
    explicit TokenChecks(double refused_per_address) : by_address_(refused_per_address) {}

    // Whether one may be checked that `address` shows; if so, end() follows.
    std::expected<Check, Refused> begin(const std::string& address, Time now);
    // A good one uses nothing up; one that was not checked, nothing of what all have together.
    void end(const Check& check, const std::string& address, Verdict verdict, Time now);

private:
    bool refused_lately(const std::string& address, Time now);
    void remember(const std::string& address, Time now);
    void forget_old_ones(Time now);

    Rates by_address_;
    Rates in_all_{in_all_max};
    Rates reserve_{reserve_max};
    // Addresses of which one was refused, and since when the young ones are.
    runtime::Generations<std::monostate> refused_{addresses_max};
    Time turned_{};
};

}  // namespace tocsin::gateway
