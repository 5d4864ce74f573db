// What goes before the rest, wherever there is not room for all at once.
#pragma once

#include "publishing/sealed.hpp"

namespace tocsin::publishing {

// An Extreme or Severe message, or one that corrects what is public: an Update or a Cancel. What
// cannot be read counts as urgent. Null: the same.
bool is_urgent(const Approved* content);

}  // namespace tocsin::publishing
