# The services are the folders that have a decider. Every list of them is made of this one: the
# programs here, `all_services.hpp`, `all_ledgers.hpp` and `services.inc` for C++; deploy/local and
# the tests look at the same folders.
file(GLOB deciders CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/services
     ${CMAKE_SOURCE_DIR}/services/*/decider.hpp)
set(TOCSIN_SERVICES)
foreach(decider IN LISTS deciders)
  get_filename_component(service ${decider} DIRECTORY)
  list(APPEND TOCSIN_SERVICES ${service})
endforeach()
set(TOCSIN_SERVICE_LINES)
set(TOCSIN_SERVICE_INCLUDES)
set(TOCSIN_LEDGER_INCLUDES)
set(TOCSIN_SERVICE_CALLS)
foreach(service IN LISTS TOCSIN_SERVICES)
  list(APPEND TOCSIN_SERVICE_LINES "    X(${service})")
  string(APPEND TOCSIN_SERVICE_INCLUDES "#include \"${service}/service.hpp\"\n")
  string(APPEND TOCSIN_LEDGER_INCLUDES
         "#include \"tocsin/${service}/v1/${service}_ledger.pb.h\"\n")
  string(APPEND TOCSIN_SERVICE_CALLS "    all.push_back(tocsin::${service}::service());\n")
endforeach()
list(JOIN TOCSIN_SERVICE_LINES " \\\n" TOCSIN_SERVICE_LINES)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/gen/services.inc @ONLY CONTENT
"// Made by cmake/services.cmake of the folders that there are.
#define TOCSIN_SERVICES(X) \\
@TOCSIN_SERVICE_LINES@
")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/gen/all_ledgers.hpp @ONLY CONTENT
"// Made by cmake/services.cmake of the folders that there are.
#pragma once

@TOCSIN_LEDGER_INCLUDES@")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/gen/all_services.hpp @ONLY CONTENT
"// Made by cmake/services.cmake of the folders that there are.
#pragma once

@TOCSIN_SERVICE_INCLUDES@
#include <vector>

inline std::vector<tocsin::runtime::ServiceDefinition> all_services() {
    std::vector<tocsin::runtime::ServiceDefinition> all;
@TOCSIN_SERVICE_CALLS@    return all;
}
")
