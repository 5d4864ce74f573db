// W3C Trace Context: the one header that ties a request to what it caused.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::runtime {

// Version 00, lower case, neither id all zeros.
bool valid_traceparent(std::string_view text);

std::string new_traceparent();

}  // namespace tocsin::runtime
