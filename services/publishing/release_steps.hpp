// What the commands on releases have in common: the release, who may do it, and the decision in the
// making.
#pragma once

#include "publishing/releases.hpp"

#include <array>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::publishing {

// Each event changes the copy of the release at once, so that the next rule sees what the one
// before decided. The copy shares all that no event changes.
struct Turn {
    Release release;
    Time now;
    // Those that made `release` what it is.
    std::vector<v1::Event> events;

    // Throws std::logic_error where the event cannot follow: no rule may decide that.
    void add(v1::Event event);
    // Ends the release as cancelled, aborted or expired; what is not settled stands down. Where
    // nothing was or may be public its text goes back to its authors; `as_it_is`: the same bytes
    // may be released again.
    void end(v1::ReleaseState state, std::string reason, bool as_it_is = true);
    // `stopped_by`: the person who did, if it was one.
    v1::TextReturned text_of(const std::string& stopped_by, bool as_it_is) const;
    Happened done() &&;
};

// The roles that may stop a release and take it back.
inline constexpr std::array<std::string_view, 2> stoppers{"approver", "duty-officer"};
// And those that may decide about a single delivery.
inline constexpr std::array<std::string_view, 1> repairers{"duty-officer"};

// Of commands that only this service's own executors send.
std::optional<runtime::Rejection> require_executor(const runtime::Asking& asking);

std::expected<const Release*, runtime::Rejection> find_release(const Releases& releases,
                                                               const runtime::Asking& asking,
                                                               const std::string& release_id);
// The same for somebody of one of its agencies who has one of these roles.
std::expected<const Release*, runtime::Rejection> own_release(
    const Releases& releases, const runtime::Asking& asking, const std::string& release_id,
    std::span<const std::string_view> roles);
std::expected<const Delivery*, runtime::Rejection> find_delivery(const Release& release,
                                                                 const std::string& delivery_id);

// Of what the state of a release or of a delivery does not allow.
runtime::Rejection not_now(std::string code, std::string text, std::string field = "delivery_id");

// What cannot be taken back any more, and why, in one text.
runtime::Rejection texts_dropped(const std::string& release_id);

}  // namespace tocsin::publishing
