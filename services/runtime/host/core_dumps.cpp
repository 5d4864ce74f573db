#include "runtime/host/core_dumps.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <system_error>

namespace tocsin::runtime {

void refuse_core_dumps() {
    // The limit alone does not count where the system hands dumps to a program (core_pattern |...).
    const rlimit none{0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        throw std::system_error(errno, std::generic_category(), "core dumps cannot be disabled");
}

}  // namespace tocsin::runtime
