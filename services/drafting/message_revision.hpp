// How a draft is rewritten or given up. Pure.
#pragma once

#include "drafting/incident.hpp"
#include "drafting/message.hpp"

#include <expected>
#include <string>

namespace tocsin::drafting {

// The message, which the caller may change as it is now.
std::expected<const Message*, runtime::Rejection> editable_message(const Messages& messages,
                                                                   const runtime::Asking& asking,
                                                                   const std::string& message_id);

// ---- commands

Verdict revise_message(const Messages& messages, const Incidents& incidents,
                       const runtime::Asking& asking, const v1::ReviseMessageRequest& request);
Verdict withdraw_message(const Messages& messages, const runtime::Asking& asking,
                         const v1::WithdrawMessageRequest& request);

}  // namespace tocsin::drafting
