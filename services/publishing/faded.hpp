// What stays of a release that was public, once its texts were dropped: what people read of it,
// kept as bytes, which are a fraction of the release that decisions are made of. Nothing of it
// changes any more.
#pragma once

#include "publishing/release.hpp"
#include "runtime/base/parties.hpp"
#include "runtime/base/shared_bytes.hpp"

#include <memory>
#include <vector>

namespace tocsin::publishing {

// A value whose copy costs O(deliveries); immutable.
class Faded {
public:
    Faded() = default;
    explicit Faded(const Release& release);

    // As Release::whole() gave it.
    v1::Release whole() const;
    // Whom it concerns; not unpacked to look.
    content::v1::Parties parties() const { return parties_.get(); }

private:
    runtime::KeptParties parties_;
    runtime::Packed<v1::Release> release_;  // without the channels
    // Of the deliveries, in their order: one channel is held once however many releases it had.
    std::vector<std::shared_ptr<const v1::Channel>> channels_;
};

}  // namespace tocsin::publishing
