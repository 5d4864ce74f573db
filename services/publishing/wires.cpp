// The table of wire parts, made of the files in channels/ (cmake/kinds.cmake).
#include "publishing/wire.hpp"

#include "channel_kinds.inc"

#include <algorithm>
#include <array>

namespace tocsin::publishing {

#define TOCSIN_DECLARE(name) const ChannelWire& name##_wire();
TOCSIN_CHANNEL_KINDS(TOCSIN_DECLARE)
#undef TOCSIN_DECLARE

static const auto& wires() {
#define TOCSIN_ENTRY(name) name##_wire(),
    static const std::array all{TOCSIN_CHANNEL_KINDS(TOCSIN_ENTRY)};
#undef TOCSIN_ENTRY
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
