// Drafting as the process hosts it.
#pragma once

#include "runtime/service.hpp"

namespace tocsin::drafting {

runtime::ServiceDefinition service();

}  // namespace tocsin::drafting
