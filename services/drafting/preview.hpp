// What would go out, before anybody approves it. Pure.
#pragma once

#include "drafting/destinations.hpp"
#include "runtime/base/time.hpp"
#include "tocsin/drafting/v1/drafting_service.pb.h"

#include <string>
#include <string_view>

namespace tocsin::drafting {

// Every channel kind in every language of the draft, with fixed values as long as they ever get,
// and the completeness checks. Channels' own limits are not known here: the kind's defaults hold.
// Of a draft that is too large to be stored, the checks alone. Renditions that could not be sent
// are left out, and so are findings beyond `findings_max`: an answer is a few megabytes at most.
// Findings about where it goes say what is so now.
inline constexpr int findings_max = 1000;
v1::PreviewMessageResponse preview(const content::v1::Draft& draft, const std::string& realm,
                                   const Destinations& destinations, runtime::Time now,
                                   const std::string& world);

}  // namespace tocsin::drafting
