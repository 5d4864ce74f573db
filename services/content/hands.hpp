// Who has a hand in a thing that leads to messages: none of them approves one.
#pragma once

#include "texts/contains.hpp"

#include <string>

namespace tocsin::content {

inline constexpr int hands_max = 100;

// Adds `actor` to the `hands` of a template, a source or a rule. False: too many have one already.
template <class Thing>
bool take_hand(Thing& thing, const std::string& actor) {
    if (texts::contains(thing.hands(), actor)) return true;
    if (thing.hands_size() >= hands_max) return false;
    thing.add_hands(actor);
    return true;
}

}  // namespace tocsin::content
