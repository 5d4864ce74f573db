// The publishing service as a process hosts it.
#pragma once

#include "runtime/service.hpp"

namespace tocsin::publishing {

runtime::ServiceDefinition service();

}  // namespace tocsin::publishing
