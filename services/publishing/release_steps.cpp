#include "publishing/release_steps.hpp"

#include "publishing/release_events.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tocsin::publishing {

using runtime::Asking;
using runtime::Because;
using runtime::Rejection;

void Turn::add(v1::Event event) {
    if (!evolve(release, event, now))
        throw std::logic_error(fmt::format("release `{}` is {}; this cannot follow: {}",
                                           release.id(), texts::enum_name(release.head.state()),
                                           event.ShortDebugString().substr(0, 500)));
    events.push_back(std::move(event));
}

void Turn::end(v1::ReleaseState state, std::string reason, bool as_it_is) {
    v1::Event event = event_of(release.id());
    v1::ReleaseEnded& ended = *event.mutable_release_ended();
    ended.set_state(state);
    ended.set_reason(std::move(reason));
    if (release.never_left()) *ended.mutable_returned() = text_of(release.retracted_by, as_it_is);
    add(std::move(event));
}

v1::TextReturned Turn::text_of(const std::string& stopped_by, bool as_it_is) const {
    v1::TextReturned text;
    text.set_message_id(release.head.message_id());
    text.set_round(release.head.round());
    text.set_stopped_by(stopped_by);
    text.set_as_it_is(as_it_is && now < release.expires);
    return text;
}

Happened Turn::done() && {
    return {std::move(events), release.id(), fmt::format("{}", release.version)};
}

std::optional<Rejection> require_executor(const Asking& asking) {
    if (asking.actor == "service:publishing") return std::nullopt;
    return Rejection{Because::permission_denied,
                     "not_an_executor",
                     "only an executor of publishing sends this command; nobody else needs to",
                     {}};
}

Rejection not_now(std::string code, std::string text, std::string field) {
    return {Because::failed_precondition, std::move(code), std::move(text), std::move(field)};
}

Rejection texts_dropped(const std::string& release_id) {
    return {Because::failed_precondition,
            "no_retraction",
            fmt::format("the message of release `{}` expired long ago and its texts are no longer "
                        "kept; publish an update",
                        release_id),
            {}};
}

std::expected<const Release*, Rejection> find_release(const Releases& releases,
                                                      const Asking& asking,
                                                      const std::string& release_id) {
    if (const Release* known = releases.find(release_id)) return known;
    const auto faded = releases.faded.find(release_id);
    if (faded == releases.faded.end())
        return std::unexpected(runtime::no_such("release", release_id, "release_id"));
    if (!asking.is_service())
        if (auto no = runtime::require_agency(asking, "release", faded->second.get().agencies(),
                                              "release_id"))
            return std::unexpected(*no);
    return std::unexpected(texts_dropped(release_id));
}

std::expected<const Release*, Rejection> own_release(const Releases& releases, const Asking& asking,
                                                     const std::string& release_id,
                                                     std::span<const std::string_view> roles) {
    const auto release = find_release(releases, asking, release_id);
    if (!release) return release;
    if (auto no = runtime::require_role(asking, roles)) return std::unexpected(*no);
    if (auto no =
            runtime::require_agency(asking, "release", (*release)->head.agencies(), "release_id"))
        return std::unexpected(*no);
    return release;
}

std::expected<const Delivery*, Rejection> find_delivery(const Release& release,
                                                        const std::string& delivery_id) {
    if (const Delivery* delivery = release.find(delivery_id)) return delivery;
    return std::unexpected(runtime::no_such("delivery", delivery_id, "delivery_id"));
}

}  // namespace tocsin::publishing
