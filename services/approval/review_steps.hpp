// What the commands on reviews and the opening of reviews have in common.
#pragma once

#include "approval/review.hpp"

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::approval {

// Of a message that was never submitted.
runtime::Rejection no_review(std::string_view message_id);

// The review of a message that names the caller's agency.
std::expected<v1::Review, runtime::Rejection> own_review(const Reviews& reviews,
                                                         const runtime::Asking& asking,
                                                         const std::string& message_id);

std::optional<runtime::Rejection> require_in_review(const v1::Review& review);

// The etag of a review is the number of approvals that it holds; `added` is that of the events.
Happened review_answer(const v1::Review& review, std::vector<v1::Event> events, int added = 0);

// The hand-over to publishing; `review` has all approvals. The error: publishing would know no
// sender of an agency.
std::expected<v1::Event, runtime::Rejection> clearance(const v1::Roster& roster,
                                                       const v1::Review& review,
                                                       const std::string& content);

v1::Event review_returned(const std::string& message_id, std::string_view actor,
                          std::string_view reason, bool taken_back);

}  // namespace tocsin::approval
