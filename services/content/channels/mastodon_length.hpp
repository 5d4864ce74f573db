// The length of a post as Mastodon counts it.
#pragma once

#include <cstdint>
#include <string_view>

namespace tocsin::content {

// Grapheme clusters, but 23 for each web address and only `@user` of `@user@domain`. Where its
// rules are not certain this counts more rather than less: a post must never be refused at T0.
int64_t mastodon_length(std::string_view text);

}  // namespace tocsin::content
