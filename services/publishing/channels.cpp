// The table of wire parts. To add one: its file in channels/, a declaration and a line here; its
// pure part in content/channels with a line in content/channels/channels.cpp; its duplicate class
// in settling.cpp (`absent`); the credential's form in credentials.cpp; a test of both parts.
#include "publishing/channel.hpp"

#include <algorithm>
#include <array>

namespace tocsin::publishing {

const ChannelWire& feed_wire();
const ChannelWire& webhook_wire();
const ChannelWire& mastodon_wire();

static const auto& wires() {
    static const std::array all{feed_wire(), webhook_wire(), mastodon_wire()};
    return all;
}

const ChannelWire* find_wire(std::string_view kind) {
    const auto found = std::ranges::find(wires(), kind, &ChannelWire::kind);
    return found == wires().end() ? nullptr : &*found;
}

std::vector<std::string_view> wire_kinds() {
    std::vector<std::string_view> kinds;
    for (const ChannelWire& wire : wires()) kinds.push_back(wire.kind);
    return kinds;
}

}  // namespace tocsin::publishing
