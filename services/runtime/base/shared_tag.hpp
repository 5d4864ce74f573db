// Shows which nodes of a persistent container only one version of it holds, so that these may be
// changed in place: those that were made under its tag, which is a new one after every copy.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace tocsin::runtime {

// A member of the container, copied and swapped with it. Any number of threads may copy one version
// at once; one thread at a time asks for its tag.
class SharedTag {
public:
    SharedTag() = default;
    // From here on both hold the nodes: neither may change one in place.
    SharedTag(const SharedTag& other) { other.tag_.store(0, std::memory_order_relaxed); }
    SharedTag& operator=(const SharedTag&) = delete;

    // What is made under this tag is held by this version alone.
    std::uint64_t get() {
        static std::atomic<std::uint64_t> tags{0};
        const std::uint64_t mine = tag_.load(std::memory_order_relaxed);
        if (mine != 0) return mine;
        const std::uint64_t fresh = tags.fetch_add(1, std::memory_order_relaxed) + 1;
        tag_.store(fresh, std::memory_order_relaxed);
        return fresh;
    }
    void swap(SharedTag& other) noexcept {
        const std::uint64_t mine = tag_.load(std::memory_order_relaxed);
        tag_.store(other.tag_.load(std::memory_order_relaxed), std::memory_order_relaxed);
        other.tag_.store(mine, std::memory_order_relaxed);
    }

private:
    // 0 after a copy: nothing is held alone.
    mutable std::atomic<std::uint64_t> tag_{0};
};

}  // namespace tocsin::runtime
