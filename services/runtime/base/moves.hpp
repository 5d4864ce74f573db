// Which state may follow which: each kind of state has one table, and nothing moves past it.
#pragma once

#include <cstddef>

namespace tocsin::runtime {

template <class State>
struct Move {
    State from;
    State to;
};

template <class State, std::size_t count>
constexpr bool listed(const Move<State> (&moves)[count], State from, State to) {
    for (const Move<State>& move : moves)
        if (move.from == from && move.to == to) return true;
    return false;
}

}  // namespace tocsin::runtime
