// Records as they lie in the log: protobuf bytes that end with a mac over everything before it.
#pragma once

#include "runtime/digest.hpp"
#include "runtime/ledger.hpp"
#include "tocsin/ledger/v1/ledger.pb.h"

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::runtime {

// Appends field 15, `mac`, to a serialised CommandRecord or Decision.
std::string seal(std::string body, const Mac& mac);

// The bytes before the mac; nothing when the mac is missing or wrong: the record is not ours.
std::optional<std::string_view> unseal(std::string_view record, const Mac& mac);

// `previous_digest` of a partition's first decision. The topic name carries the world.
std::string genesis_digest(std::string_view topic, int partition);

// Under which a request is remembered: the same id of two actors is two requests.
std::string request_key(std::string_view actor, std::string_view request_id);

// What a repeat must have in common with the first: the body and until when it may be decided.
std::string body_digest(std::string_view body, Time expires_at);

std::string command_bytes(const Submission& submission, const Mac& mac);

}  // namespace tocsin::runtime
