// What holds for sources and rules alike: who may write them, and how many there can be. `what` is
// `source` or `rule`. Pure.
#pragma once

#include "runtime/ledger/refusals.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::trigger {

// `known`: the thing as it is; null where there is none, so that nobody owns it.
template <class Thing>
std::optional<runtime::Rejection> require_writer(const runtime::Asking& asking,
                                                 std::string_view what, const std::string& id,
                                                 const Thing* known) {
    if (auto no = runtime::require_role(asking, {"admin", "duty-officer"})) return no;
    if (!known) return std::nullopt;
    return runtime::require_owner(asking, what, id, known->agency_id(), fmt::format("{}_id", what));
}

struct Room {
    std::size_t used;
    std::size_t most;
};
// For one more of them in the realm, and of this agency; `code` is that of the refusal.
std::optional<runtime::Rejection> require_room(std::string code, std::string_view what,
                                               const Room& realm, const Room& agency,
                                               std::string_view agency_id);

}  // namespace tocsin::trigger
