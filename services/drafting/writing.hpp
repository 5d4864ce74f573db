// What holds for everything that people write: who may write, and which drafts can be stored. Pure.
#pragma once

#include "content/content.hpp"
#include "runtime/ledger/decider.hpp"

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::drafting {

using Readings = google::protobuf::RepeatedPtrField<content::v1::Evidence>;

std::optional<runtime::Rejection> require_writer(const runtime::Asking& asking);

// `what` is the thing, such as `template`, that has this version now.
std::optional<runtime::Rejection> require_etag(std::string_view given, std::int64_t version,
                                               std::string_view what, std::string_view id);

// Before anything is stored of the draft: every record that follows from it must have room for it.
std::optional<runtime::Rejection> require_room(const content::v1::Draft& draft);

// Readings are evidence because they come from a trigger: nobody writes or alters them. A draft
// that comes back with the evidence it had is as good as one without.
std::optional<runtime::Rejection> require_own_evidence(const Readings& theirs,
                                                       const Readings& ours);

// A writer must be able to change the message once it is written.
std::optional<runtime::Rejection> require_agency_of_writer(const runtime::Asking& asking,
                                                           const content::v1::Draft& draft);

}  // namespace tocsin::drafting
