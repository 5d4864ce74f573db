// Who put or changed a thing that leads to messages: none of them approves one.
#pragma once

#include "texts/contains.hpp"

#include <string>

namespace tocsin::content {

inline constexpr int editors_max = 100;

// Adds `actor` to the `editors` of a template, a source or a rule. False: it has too many already.
template <class Thing>
bool add_editor(Thing& thing, const std::string& actor) {
    if (texts::contains(thing.editors(), actor)) return true;
    if (thing.editors_size() >= editors_max) return false;
    thing.add_editors(actor);
    return true;
}

}  // namespace tocsin::content
