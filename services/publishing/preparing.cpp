// Which deliveries are ready, and what happens when some are not.
#include "publishing/limits.hpp"
#include "publishing/rendering.hpp"
#include "publishing/steps.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {

using runtime::Because;
using runtime::reject;

static bool says_the_same(const Item& item, const v1::DeliveryPrepared& said) {
    return item.is(said.ready() ? "ready" : "not_ready") &&
           item.delivery.reason() == said.reason() && item.text_max == said.text_max();
}

Verdict record_prepared(const State& state, const runtime::Asking& asking,
                        const v1::RecordPrepared& result, Time now) {
    if (auto refusal = refuse_stranger(asking)) return std::unexpected(std::move(*refusal));
    const auto known = state.releases.find(result.release_id());
    if (known == state.releases.end()) return no_release(state, asking, result.release_id());
    Turn turn{known->second, now, {}};
    const Item* item = turn.release.find(result.delivery_id());
    if (!item)
        return reject(Because::not_found, "no_such_delivery", "the release has no such delivery",
                      "delivery_id");
    // Late news about what is already on its way, or over, changes nothing.
    if (!turn.release.is("preparing") && !turn.release.is("waiting")) return std::move(turn).done();

    v1::Event event;
    v1::DeliveryPrepared& prepared = *event.mutable_delivery_prepared();
    prepared.set_release_id(result.release_id());
    prepared.set_delivery_id(result.delivery_id());
    prepared.set_ready(result.ready());
    prepared.set_reason(shortened(result.reason(), reason_bytes_max));
    prepared.set_text_max(result.text_max());
    if (result.ready()) {
        // Found now, a text that this server cannot carry is a straggler that a person can mend;
        // found at T0 it would be a channel that stays silent.
        if (std::string why = trial(turn.release, *item, result.text_max(), now); !why.empty()) {
            prepared.set_ready(false);
            prepared.set_reason(shortened(why, reason_bytes_max));
        }
    }
    if (!says_the_same(*item, prepared)) turn.add(std::move(event));
    proceed(turn);
    return std::move(turn).done();
}

void proceed(Turn& turn) {
    const Release& release = turn.release;
    if (!release.is("preparing") && !release.is("waiting")) return;
    if (turn.now >= release.expires)
        return end(turn, "expired", "Not every channel was ready before the message expired.");
    const int ready = release.count(v1::PURPOSE_MESSAGE, "ready");
    if (ready == release.count(v1::PURPOSE_MESSAGE)) return arm(turn);
    if (turn.now < release.prepare_until) return;
    const bool aborts = release.policy == content::v1::STRAGGLER_POLICY_ABORT;
    if (!aborts && release.policy != content::v1::STRAGGLER_POLICY_GO_WITHOUT) return;
    if (ready > 0 && !aborts) return arm(turn);

    Account late;
    for (const Item& item : release.items)
        if (!item.is("ready"))
            late.add(fmt::format(
                "{}: {}", item.id(),
                item.delivery.reason().empty() ? "no answer yet." : item.delivery.reason()));
    end(turn, "aborted",
        fmt::format("{} in time. {}",
                    aborts ? "Not every channel was ready" : "No channel was ready", late.text()));
}

}  // namespace tocsin::publishing
