#include "runtime/ledger/view.hpp"

#include "runtime/base/invariant.hpp"

namespace tocsin::runtime {

int partition_of(std::string_view realm, int partitions) {
    invariant(partitions > 0, "there is a partition to live in");
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char c : realm) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 1099511628211ULL;
    }
    return static_cast<int>(hash % static_cast<std::uint64_t>(partitions));
}

ViewGauges view_gauges(Metrics& metrics, const std::string& service) {
    return {&metrics.gauge("tocsin_view_items",
                           "Entries in the lists of this service, of all realms; folded from the "
                           "ledger, the same at every instance.",
                           {{"service", service}}),
            &metrics.gauge("tocsin_shared_text_bytes",
                           "Texts in the memory of this process, each counted once, however many "
                           "states and views hold it.")};
}

}  // namespace tocsin::runtime
