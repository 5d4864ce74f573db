// What providers corrected of the readings at which rules had crossed, shown to reviewers.
#pragma once

#include "runtime/base/shared_bytes.hpp"
#include "runtime/base/shared_map.hpp"
#include "tocsin/approval/v1/approval_service.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace tocsin::approval {

// Those of one realm, by crossing. Nothing orders trigger's ledger against approval's, so they are
// kept whether or not there is a review, by trigger's ledger alone, and meet their review when it
// is read. A value whose copy costs O(1).
class Corrections {
public:
    // Of the crossings that were corrected last, and the last of each.
    static constexpr std::size_t crossings_max = 1000;
    static constexpr int of_a_crossing_max = 20;

    void add(const trigger::v1::EvidenceRevised& revised);
    // Those of a crossing, oldest first.
    void show(const std::string& crossing_id, v1::Review& review) const;

private:
    struct Corrected {
        runtime::Packed<v1::Review> revisions;  // A review of nothing but them.
        std::int64_t number = 0;                // Of the latest of them.
    };

    runtime::SharedMap<std::string, Corrected> by_crossing_;
    runtime::SharedMap<std::int64_t, std::string> by_number_;
    std::int64_t numbers_ = 0;
};

}  // namespace tocsin::approval
