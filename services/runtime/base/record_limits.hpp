// How large records get, for the ledger and for the rules that fill them. None of it depends on a
// setting: what one instance decides must fit for every other one, however it is configured.
#pragma once

#include <cstddef>

namespace tocsin::runtime {

// The most that --command-bytes-max allows.
inline constexpr std::size_t command_bytes_limit = 1'000'000;
// Of a decision as it is recorded. It may hold the whole command; topics take 1,048,588.
inline constexpr std::size_t decision_bytes_max = command_bytes_limit + 40'000;
// Of the events of one decision, where rules add to it until it is full. What wraps them, and the
// few events beside them, is below the difference to `decision_bytes_max`.
inline constexpr std::size_t decision_events_bytes = 850'000;

}  // namespace tocsin::runtime
