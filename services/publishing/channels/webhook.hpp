// The signature of a Standard Webhook.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::publishing {

// The value of `webhook-signature`: one `v1` signature per key, separated by blanks.
std::string webhook_signature(const std::vector<std::string>& keys, std::string_view id,
                              int64_t timestamp, std::string_view body);

}  // namespace tocsin::publishing
