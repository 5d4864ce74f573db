// Finding one's own post again among those that a Mastodon server shows.
#pragma once

#include "publishing/wire.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::publishing {

// The text of a post without tags, entities and blanks, for comparing; servers reformat the rest.
std::string bare_text(std::string_view html);

// The API gives no more of them at once.
inline constexpr int posts_asked_for = 40;

// The post of this delivery in the answer to GET /api/v1/accounts/:id/statuses: found, absent, or
// cannot_tell when the answer is not a list of posts. What follows the posts that were asked for is
// not looked at.
Found find_post(const std::string& statuses_json, const Job& job);

}  // namespace tocsin::publishing
