#include "publishing/proceeding.hpp"

#include "publishing/channel_changes.hpp"
#include "publishing/completing.hpp"
#include "publishing/limits.hpp"
#include "publishing/preparing.hpp"
#include "publishing/release_steps.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/contains.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using runtime::Rejection;

// ---- commands

static std::optional<Rejection> require_under_way(const Release& release) {
    if (release.prepares() || release.takes_stragglers()) return std::nullopt;
    return not_now("not_under_way",
                   fmt::format("release `{}` is {}: nothing of it can be left out; stop it instead",
                               release.id(), texts::enum_name(release.head.state())),
                   "release_id");
}

static std::optional<Rejection> require_skippable(const Delivery& delivery) {
    if (can_be_skipped(delivery) || delivery.is(v1::DELIVERY_STATE_SKIPPED)) return std::nullopt;
    if (!delivery.never_left() || delivery.is(v1::DELIVERY_STATE_CLAIMED))
        return not_now("may_be_public",
                       fmt::format("delivery `{}` is {} and may be public; stop the release "
                                   "instead",
                                   delivery.id(), texts::enum_name(delivery.state())),
                       "delivery_ids");
    return not_now("delivery_over",
                   fmt::format("delivery `{}` is {}: nothing waits for it; leave it out of the "
                               "request",
                               delivery.id(), texts::enum_name(delivery.state())),
                   "delivery_ids");
}

// The deliveries that the request leaves out, and that still wait for something.
static std::expected<std::vector<std::string>, Rejection> chosen(
    const Release& release, const v1::ProceedReleaseRequest& request, Time now) {
    std::vector<std::string> all;
    if (request.delivery_ids().empty()) {
        // One that is merely being asked has a little time.
        const bool late = now >= release.go_at;
        for (const Delivery& delivery : release.deliveries)
            if (release.waits_for(delivery) && (late || delivery.is(v1::DELIVERY_STATE_NOT_READY)))
                all.push_back(delivery.id());
        return all;
    }
    std::set<std::string_view> seen;
    for (const std::string& id : request.delivery_ids()) {
        if (!seen.insert(id).second) continue;
        const Delivery* delivery = release.find(id);
        if (!delivery) return std::unexpected(runtime::no_such("delivery", id, "delivery_ids"));
        if (auto no = require_skippable(*delivery)) return std::unexpected(*no);
        if (!delivery->is(v1::DELIVERY_STATE_SKIPPED)) all.push_back(id);
    }
    return all;
}

static bool leaves_something(const Release& release, const std::vector<std::string>& skipped) {
    return std::ranges::any_of(release.deliveries, [&](const Delivery& delivery) {
        if (delivery.retracts() || texts::contains(skipped, delivery.id())) return false;
        return !delivery.settled() || delivery.may_be_public();
    });
}

Verdict proceed_release(const Releases& releases, const runtime::Asking& asking,
                        const v1::ProceedReleaseRequest& request, Time now) {
    const auto release = own_release(releases, asking, request.release_id(), repairers);
    if (!release) return std::unexpected(release.error());
    if (auto no = require_under_way(**release)) return std::unexpected(*no);
    const auto ids = chosen(**release, request, now);
    if (!ids) return std::unexpected(ids.error());
    Turn turn{**release, now, {}};
    if (ids->empty()) return std::move(turn).done();
    if (!leaves_something(turn.release, *ids))
        return std::unexpected(not_now("nothing_left",
                                       "it would leave no delivery; stop the release instead",
                                       "delivery_ids"));
    skip(turn, *ids, asking.actor,
         shortened(fmt::format("`{}` released without it: {}", asking.actor, request.reason()),
                   reason_bytes_max),
         true);
    advance(turn);
    complete(turn);
    return std::move(turn).done();
}

}  // namespace tocsin::publishing
