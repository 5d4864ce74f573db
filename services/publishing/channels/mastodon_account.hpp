// Requests to a Mastodon server without a public effect: whose account the token is, how long
// a post may be, and which posts the account shows.
#pragma once

#include "publishing/channels/mastodon_posts.hpp"
#include "publishing/wire.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace tocsin::publishing {

inline constexpr const char* too_many_answers =
    "Too many answers of the realm's channels wait to be read: the channel is queried again.";

// A request to the job's server, with all that every request has.
runtime::HttpRequest mastodon_request(const Wire& wire, const Job& job, const std::string& token,
                                      const std::string& path);

// The account's id, from memory or, `anew`, from the server; else what is wrong.
Task<std::expected<std::string, std::string>> account(Wire& wire, const Job& job,
                                                      const std::string& token, bool anew);

// How many characters the server says that a post may have. Nothing: its answer could not be read
// now.
Task<std::optional<int64_t>> characters_max(Wire& wire, const Job& job, const std::string& token);

// What the account shows of the delivery; else why that is not known. It goes back through the
// posts as far as T0, or `pages_max` pages.
inline constexpr int pages_max = 10;
Task<std::expected<Shown, std::string>> look_for_posts(Wire& wire, const Job& job,
                                                       const std::string& token);

}  // namespace tocsin::publishing
