#include "runtime/host/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tocsin::runtime {

static constexpr std::size_t reserve_max = 256;
static constexpr std::size_t connections_min = 64;

std::string raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return {};
    // There are kernels with a hard limit of a thousand million, over which some libraries loop.
    const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, 1 << 20);
    if (limit.rlim_cur >= wanted) return {};
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::string{} : std::strerror(errno);
}

std::size_t descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 30));
}

std::size_t descriptor_reserve(std::size_t limit) { return std::min(reserve_max, limit / 8); }

std::size_t descriptors_needed() { return reserve_max + connections_min; }

std::optional<std::size_t> connections_that_fit(std::size_t wanted, std::size_t limit) {
    if (limit < descriptors_needed()) return std::nullopt;
    return std::min(wanted, limit - reserve_max);
}

}  // namespace tocsin::runtime
