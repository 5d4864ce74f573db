#include "trigger/writing.hpp"

namespace tocsin::trigger {

std::optional<runtime::Rejection> require_room(std::string code, std::string_view what,
                                               const Room& realm, const Room& agency,
                                               std::string_view agency_id) {
    const bool realm_full = realm.used >= realm.most;
    if (!realm_full && agency.used < agency.most) return std::nullopt;
    return runtime::no_room(std::move(code),
                            {.of = realm_full ? "the realm" : fmt::format("agency `{}`", agency_id),
                             .bound = realm_full ? realm.most : agency.most,
                             .things = fmt::format("{}s", what),
                             .remedy = "remove one that is no longer used",
                             .field = fmt::format("{}_id", what)});
}

}  // namespace tocsin::trigger
