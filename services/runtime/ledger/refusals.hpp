// The refusals that every decider needs, each said in one way: the same code and the same text for
// the same fact, whichever service says it.
#pragma once

#include "runtime/base/parties.hpp"
#include "runtime/ledger/decider.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::runtime {

// Of which one is needed, by the token and by the roster: `asking.roles` are those of both.
template <class Roles>
std::optional<Rejection> require_role(const Asking& asking, const Roles& roles) {
    if (std::ranges::any_of(roles, [&](std::string_view role) { return asking.has(role); }))
        return std::nullopt;
    return Rejection{
        Because::permission_denied,
        "role_missing",
        fmt::format("this needs the role {}, from the token and from the roster; an admin of your "
                    "agency can import a roster that gives it",
                    fmt::join(roles, " or ")),
        {}};
}

inline std::optional<Rejection> require_role(const Asking& asking,
                                             std::initializer_list<std::string_view> roles) {
    return require_role<std::initializer_list<std::string_view>>(asking, roles);
}

// `what` is the thing, such as `source`, which only the agency that owns it changes.
inline std::optional<Rejection> require_owner(const Asking& asking, std::string_view what,
                                              std::string_view id, std::string_view owner,
                                              std::string_view field) {
    if (asking.agency == owner) return std::nullopt;
    return Rejection{
        Because::permission_denied, "other_agency",
        fmt::format("{} `{}` belongs to agency `{}`, which alone may change it", what, id, owner),
        std::string{field}};
}

// `what` is the thing, such as `message`, which only the agencies that it names change.
template <class Agencies>
std::optional<Rejection> require_agency(const Asking& asking, std::string_view what,
                                        const Agencies& named, std::string_view field) {
    if (texts::contains(named, asking.agency)) return std::nullopt;
    return Rejection{Because::permission_denied, "other_agency",
                     fmt::format("this {} does not name your agency `{}`; only the agencies that "
                                 "it names may do this",
                                 what, asking.agency),
                     std::string{field}};
}

// `what` is the thing, such as `source`; `remedy` says what to do, and may be empty.
inline Rejection no_such(std::string_view what, std::string_view id, std::string_view field,
                         std::string_view remedy = {}) {
    return Rejection{Because::not_found, "not_found",
                     fmt::format("there is no {} `{}` in this realm{}{}", what, id,
                                 remedy.empty() ? "" : ": ", remedy),
                     std::string{field}};
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

// `what` is the thing, such as `template`, that nobody more may write: content/editors.hpp.
inline Rejection too_many_editors(std::string_view what, std::string_view id, int editors,
                                  std::string_view field) {
    return Rejection{Because::resource_exhausted, "too_many_editors",
                     fmt::format("{} people have written {} `{}`, and none of them may approve a "
                                 "message that it leads to; store it anew under another id",
                                 editors, what, id),
                     std::string{field}};
}

// A command whose body this version does not know.
inline Rejection unknown_command() {
    return Rejection{Because::unimplemented,
                     "unknown_command",
                     "this version of the service does not know that command; upgrade the service",
                     {}};
}

}  // namespace tocsin::runtime
