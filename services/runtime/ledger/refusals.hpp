// The refusals that deciders and the edge have in common: the same code and the same text for the
// same fact in both. `Who` is an Asking in a decider, a Caller at the edge; `what` is the
// thing, such as `source`. The edge answers a call with them by status_of() (runtime/edge/rpc.hpp).
#pragma once

#include "runtime/ledger/decider.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::runtime {

// Of which one is needed, by the token and by the roster: the roles of `who` are those of both.
template <class Who, class Roles>
std::optional<Rejection> require_role(const Who& who, const Roles& roles) {
    if (std::ranges::any_of(roles, [&](std::string_view role) { return who.has(role); }))
        return std::nullopt;
    return Rejection{
        Because::permission_denied,
        "role_missing",
        fmt::format(
            "this needs the role `{}`, from the token and from the roster; an admin of your "
            "agency can import a roster that gives it",
            fmt::join(roles, "` or `")),
        {}};
}

template <class Who>
std::optional<Rejection> require_role(const Who& who,
                                      std::initializer_list<std::string_view> roles) {
    return require_role<Who, std::initializer_list<std::string_view>>(who, roles);
}

// Of a thing that only the agency that owns it changes.
template <class Who>
std::optional<Rejection> require_owner(const Who& who, std::string_view what, std::string_view id,
                                       std::string_view owner, std::string_view field) {
    if (who.agency == owner) return std::nullopt;
    return Rejection{
        Because::permission_denied, "other_agency",
        fmt::format("{} `{}` belongs to agency `{}`, which alone may change it", what, id, owner),
        std::string{field}};
}

// Of a thing that is for the agencies that it names, and for no other.
template <class Who, class Agencies>
std::optional<Rejection> require_agency(const Who& who, std::string_view what,
                                        const Agencies& named, std::string_view field) {
    if (texts::contains(named, who.agency)) return std::nullopt;
    return Rejection{Because::permission_denied, "other_agency",
                     fmt::format("this {} does not name your agency `{}`; only the agencies that "
                                 "it names may do this",
                                 what, who.agency),
                     std::string{field}};
}

// Of a message, or of what belongs to one: base/parties.hpp says whom it concerns.
template <class Who>
Rejection not_concerned(const Who& who, std::string_view field) {
    return {Because::permission_denied, "other_agency",
            fmt::format("this message names neither your agency `{}` nor, if you are a duty "
                        "officer, an incident that your agency takes part in; ask one of the "
                        "agencies that it names",
                        who.agency),
            std::string{field}};
}

// `remedy` says what to do, where that is not to look for another id.
inline Rejection no_such(std::string_view what, std::string_view id, std::string_view field,
                         std::string_view remedy = "check the id") {
    return Rejection{Because::not_found, "not_found",
                     fmt::format("there is no {} `{}` in this realm; {}", what, id, remedy),
                     std::string{field}};
}

// Of an agency that has no part in what an incident leads to.
inline Rejection agency_not_in_incident(
    std::string_view agency, std::string_view incident_id, std::string field,
    std::string_view remedy = "name an incident in which it does") {
    return Rejection{Because::failed_precondition, "agency_not_in_incident",
                     fmt::format("agency `{}` does not take part in incident `{}`; {}", agency,
                                 incident_id, remedy),
                     std::move(field)};
}

// Of a URL with a scheme and `://`: the whole realm can read it, and it stays in the ledger.
inline std::optional<Rejection> require_plain_url(std::string_view url) {
    const std::string_view rest = url.substr(url.find("://") + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (!authority.empty() && !authority.contains('@')) return std::nullopt;
    return Rejection{Because::invalid_argument, "url_with_secret",
                     "the URL names no host, or a user or password before it, which the whole "
                     "realm could read; write the host alone after `://`",
                     "url"};
}

// A limit that is reached.
struct ReachedLimit {
    std::string of;          // what is full, such as `the realm`
    std::size_t bound;       // how many things it can have
    std::string things;      // such as `sources`
    std::string remedy;      // what to do
    std::string field;       // of the request
    std::size_t wanted = 0;  // how many it would have; 0: one more than it can
};
inline Rejection no_room(std::string code, const ReachedLimit& limit) {
    const std::string wanted = limit.wanted > 0 ? fmt::format(", not {}", limit.wanted) : "";
    return Rejection{Because::resource_exhausted, std::move(code),
                     fmt::format("there is no room: {} can have at most {} {}{}; {}", limit.of,
                                 limit.bound, limit.things, wanted, limit.remedy),
                     limit.field};
}

// Of commands that only a service sends to itself.
inline std::optional<Rejection> require_timer(const Asking& asking) {
    if (asking.is_service()) return std::nullopt;
    return Rejection{Because::permission_denied,
                     "not_a_timer",
                     "only the service sends this command, when its time has come; nobody else "
                     "needs to",
                     {}};
}

// Of a thing that people write, when nobody more may: content/editors.hpp.
inline Rejection too_many_editors(std::string_view what, std::string_view id, int bound,
                                  std::string_view field) {
    return no_room("too_many_editors",
                   {.of = fmt::format("{} `{}`", what, id),
                    .bound = static_cast<std::size_t>(bound),
                    .things = "editors, none of whom may approve a message that it leads to",
                    .remedy = "store it anew under another id",
                    .field = std::string{field}});
}

// A command whose body this version does not know.
inline Rejection unknown_command() {
    return Rejection{Because::unimplemented,
                     "unknown_command",
                     "this version of the service does not know that command; upgrade the service",
                     {}};
}

}  // namespace tocsin::runtime
