// Approval as the process hosts it.
#pragma once

#include "runtime/service.hpp"

namespace tocsin::approval {

runtime::ServiceDefinition service();

}  // namespace tocsin::approval
