#include "runtime/view.hpp"

namespace tocsin::runtime {

int partition_of(std::string_view realm, int partitions) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char c : realm) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 1099511628211ULL;
    }
    return static_cast<int>(hash % static_cast<std::uint64_t>(partitions));
}

}  // namespace tocsin::runtime
