// Trigger as the process hosts it.
#pragma once

#include "runtime/service.hpp"

namespace tocsin::trigger {

runtime::ServiceDefinition service();

}  // namespace tocsin::trigger
