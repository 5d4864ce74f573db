// The pure part of a kind of channel: what it can carry, how it counts, and the bytes it is sent.
#pragma once

#include "content/content.hpp"
#include "content/finding.hpp"

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {

struct Limits {
    int64_t text_max = 0;  // Longest text or body, in `unit`; 0 for none.
    std::string unit;      // What is counted, such as `characters` or `bytes`.
    bool one_language_per_post = false;
};

// Everything here is pure: the preview in drafting and the release call the same functions.
struct ChannelKind {
    std::string_view kind;
    // What holds unless the channel's own server says otherwise; render takes what it says.
    Limits limits;
    // Length of a text in `limits.unit`, as the channel counts it.
    int64_t (*count)(std::string_view text);
    // One rendition for each entry; "" stands for all languages in one body.
    std::vector<std::string> (*languages)(const Content& content);
    // The exact bytes to send, or the reason why there are none.
    std::expected<Rendition, Finding> (*render)(const Content& content, std::string_view language,
                                                const Fixed& fixed, const Limits& limits);
};

// The kind of that name; null when this version does not know it.
const ChannelKind* find_kind(std::string_view kind);
std::span<const ChannelKind> all_kinds();

}  // namespace tocsin::content
