// How far a message has come, and the one table of moves that it may make.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace tocsin::content {

enum class Lifecycle {
    draft,
    in_review,
    cleared,
    armed,
    releasing,
    released,
    superseded,
    cancelled,
    expired,
    withdrawn,
    rejected,
};

inline constexpr std::array all_lifecycles{
    Lifecycle::draft,     Lifecycle::in_review, Lifecycle::cleared,    Lifecycle::armed,
    Lifecycle::releasing, Lifecycle::released,  Lifecycle::superseded, Lifecycle::cancelled,
    Lifecycle::expired,   Lifecycle::withdrawn, Lifecycle::rejected,
};

bool may_move(Lifecycle from, Lifecycle to);
std::string_view name(Lifecycle lifecycle);
std::optional<Lifecycle> from_name(std::string_view name);

}  // namespace tocsin::content
