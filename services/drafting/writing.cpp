#include "drafting/writing.hpp"

#include "runtime/ledger/refusals.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <string>

namespace tocsin::drafting {

using runtime::Asking;
using runtime::Because;
using runtime::Rejection;

std::optional<Rejection> require_writer(const Asking& asking) {
    return runtime::require_role(asking, {"author", "duty-officer"});
}

std::optional<Rejection> require_etag(std::string_view given, std::int64_t version,
                                      std::string_view what, std::string_view id) {
    if (given == std::to_string(version)) return std::nullopt;
    return Rejection{Because::aborted, "stale_etag",
                     fmt::format("{} `{}` has changed since it was read; read it again, then "
                                 "repeat the change with its new etag",
                                 what, id),
                     "etag"};
}

std::optional<Rejection> require_room(const content::v1::Draft& draft) {
    if (draft.ByteSizeLong() <= content::draft_bytes_max) return std::nullopt;
    return Rejection{
        Because::invalid_argument, "draft_too_large",
        fmt::format("the draft has {} bytes, of which {} can be stored; make the areas "
                    "simpler or the texts shorter",
                    draft.ByteSizeLong(), content::draft_bytes_max),
        "draft"};
}

std::optional<Rejection> require_own_evidence(const Readings& theirs, const Readings& ours) {
    using google::protobuf::util::MessageDifferencer;
    const auto same = [](const auto& one, const auto& other) {
        return MessageDifferencer::Equals(one, other);
    };
    if (theirs.empty() || std::ranges::equal(theirs, ours, same)) return std::nullopt;
    return Rejection{Because::invalid_argument, "own_evidence",
                     "the draft alters the evidence, which comes from triggers alone; leave it "
                     "out, and the message keeps what it has",
                     "draft.evidence"};
}

std::optional<Rejection> require_agency_of_writer(const Asking& asking,
                                                  const content::v1::Draft& draft) {
    if (texts::contains(draft.agencies(), asking.agency)) return std::nullopt;
    return Rejection{Because::permission_denied, "other_agency",
                     fmt::format("the draft does not name your agency `{}`, which writes it; add "
                                 "it to the agencies",
                                 asking.agency),
                     "draft.agencies"};
}

}  // namespace tocsin::drafting
