// Bytes that are the same for the same event.
#pragma once

#include <functional>
#include <string>

namespace tocsin::sim {

// Of a service's events: a map in one has no order, so that their bytes alone do not tell.
std::function<std::string(const std::string&)> canonical_of(const std::string& service);

}  // namespace tocsin::sim
