#include "support/allocations.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace tocsin::testing {

static thread_local Allocations so_far;

Allocations allocations() { return so_far; }

void forget_largest() { so_far.largest = 0; }

static void* counted(std::size_t size, const std::nothrow_t&) {
    void* block = std::malloc(size);
    if (block == nullptr) return nullptr;
    ++so_far.count;
    so_far.largest = std::max(so_far.largest, size);
    so_far.held += static_cast<std::ptrdiff_t>(malloc_usable_size(block) + sizeof(std::size_t));
    return block;
}

static void* counted(std::size_t size) {
    void* block = counted(size, std::nothrow);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

static void uncounted(void* block) {
    if (block == nullptr) return;
    so_far.held -= static_cast<std::ptrdiff_t>(malloc_usable_size(block) + sizeof(std::size_t));
    std::free(block);
}

}  // namespace tocsin::testing

void* operator new(std::size_t size) { return tocsin::testing::counted(size); }
void* operator new[](std::size_t size) { return tocsin::testing::counted(size); }
// Libraries use these too, and give back what they got by those below.
void* operator new(std::size_t size, const std::nothrow_t& none) noexcept {
    return tocsin::testing::counted(size, none);
}
void* operator new[](std::size_t size, const std::nothrow_t& none) noexcept {
    return tocsin::testing::counted(size, none);
}
void operator delete(void* block) noexcept { tocsin::testing::uncounted(block); }
void operator delete[](void* block) noexcept { tocsin::testing::uncounted(block); }
void operator delete(void* block, std::size_t) noexcept { tocsin::testing::uncounted(block); }
void operator delete[](void* block, std::size_t) noexcept { tocsin::testing::uncounted(block); }
