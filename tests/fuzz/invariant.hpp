// What a fuzz target asserts. A target is one file: its invariants, then the function that
// libFuzzer calls with every input.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tocsin::fuzz {

// Ends the process, which keeps the input, when an invariant does not hold.
inline void must(bool holds, const char* invariant) {
    if (holds) return;
    std::fprintf(stderr, "BROKEN INVARIANT: %s\n", invariant);
    std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

}  // namespace tocsin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
