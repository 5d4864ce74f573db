// When a draft expires.
#pragma once

#include "content/content.hpp"
#include "runtime/base/time.hpp"

#include <optional>

namespace tocsin::drafting {

// Nothing: the draft has no expiry, or one out of the years 1970 to 9999, which the checks refuse.
inline std::optional<runtime::Time> expiry_of(const content::v1::Draft& draft) {
    if (!draft.has_expires()) return std::nullopt;
    const auto& expires = draft.expires();
    if (expires.seconds() < 0 || expires.seconds() > 253'402'300'799) return std::nullopt;
    return runtime::from_proto(expires);
}

}  // namespace tocsin::drafting
