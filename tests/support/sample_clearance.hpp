// A clearance, as approval's ledger holds it.
#pragma once

#include "content/content.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::approval::samples {

inline v1::Event make_cleared(const std::string& message_id, const std::string& content,
                              const std::vector<std::string>& agencies, std::int64_t round = 1) {
    v1::Event event;
    event.set_message_id(message_id);
    v1::Cleared& cleared = *event.mutable_cleared();
    cleared.set_content(content);
    cleared.set_digest(content::digest(content));
    cleared.set_round(round);
    cleared.mutable_agencies()->Assign(agencies.begin(), agencies.end());
    return event;
}

}  // namespace tocsin::approval::samples
