// What a piece of code allocates, counted: the same on every machine, unlike time. allocations.cpp
// replaces the global operator new of the test program that it is part of.
#pragma once

#include <cstddef>

namespace tocsin::testing {

// Of this thread, since it began; `held`: bytes not given back yet, as the allocator rounds them.
struct Allocations {
    std::size_t count = 0;
    std::ptrdiff_t held = 0;
    std::size_t largest = 0;  // bytes of the largest block, since forget_largest()
};
Allocations allocations();
void forget_largest();

}  // namespace tocsin::testing
