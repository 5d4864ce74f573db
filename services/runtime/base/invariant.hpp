// What must hold whatever was read, asked or answered. Where it does not, the memory of this
// process is not what its code takes it for, and whatever it did next could be wrong: it ends at
// once, and its supervisor starts it again from the logs. On in every build.
//
// Never of what comes from outside, which is refused, and never in a decider: what one decision
// meets, every instance meets (services/README.md, decision 38).
#pragma once

#include <source_location>
#include <string_view>

namespace tocsin::runtime {

// Writes the last line of the log: what happens, what did not hold, and where. Until one is set, a
// line of JSON goes to stderr.
using LastWords = void (*)(std::string_view message, std::string_view invariant,
                           std::string_view place);
void set_last_words(LastWords words);

// `text` says what holds.
[[noreturn]] void end_at_broken_invariant(
    std::string_view text, const std::source_location& where = std::source_location::current());

inline void invariant(bool holds, std::string_view text,
                      const std::source_location& where = std::source_location::current()) {
    if (!holds) [[unlikely]]
        end_at_broken_invariant(text, where);
}

}  // namespace tocsin::runtime
