// The table of channel kinds. To add one: its file beside this one, a declaration and a line here;
// then its wire part in publishing/channels/<kind>.cpp with a line in publishing/channels.cpp, and
// a table test in tests/unit/content.
#include "content/channels/channel.hpp"

#include <algorithm>
#include <array>

namespace tocsin::content {

const ChannelKind& feed_kind();
const ChannelKind& webhook_kind();
const ChannelKind& mastodon_kind();

std::span<const ChannelKind> all_kinds() {
    static const std::array kinds{feed_kind(), webhook_kind(), mastodon_kind()};
    return kinds;
}

const ChannelKind* find_kind(std::string_view kind) {
    const auto found = std::ranges::find(all_kinds(), kind, &ChannelKind::kind);
    return found == all_kinds().end() ? nullptr : &*found;
}

}  // namespace tocsin::content
