// How soon a source is polled again.
#pragma once

#include "runtime/base/time.hpp"
#include "trigger/poll_budget.hpp"

#include <chrono>
#include <string>

namespace tocsin::trigger {

std::chrono::milliseconds milliseconds_of(double seconds);
// The wait that a server requests, by `Retry-After` in seconds or as a date; at most an hour.
std::chrono::milliseconds retry_after(const std::string& header, Time now);
// Before the next try: doubles from a part of the poll interval, at most 5 minutes.
std::chrono::milliseconds backoff(int failures, double poll_seconds);
// How long no reading of a source arrives, at the least, before another than the leader polls it.
std::chrono::milliseconds stand_in_patience(double poll_seconds);
// Why a poll has to wait, for people.
std::string why_later(const PollBudget::Wait& wait);

}  // namespace tocsin::trigger
