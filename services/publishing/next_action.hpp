// What happens to a delivery next, or who has to do something: for people, who decide by it. Pure.
#pragma once

#include "publishing/release.hpp"

namespace tocsin::publishing {

// Sets `next_action` and `next_action_at` of `shown`.
void say_next(const Release& release, const Delivery& delivery, v1::Delivery& shown);

}  // namespace tocsin::publishing
