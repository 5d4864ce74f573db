// Measurement as the process hosts it.
#pragma once

#include "runtime/service.hpp"

namespace tocsin::measurement {

runtime::ServiceDefinition service();

}  // namespace tocsin::measurement
