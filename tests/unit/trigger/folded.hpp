// An event as the views of trigger fold it.
#pragma once

#include "runtime/ledger/view.hpp"
#include "support/given.hpp"

#include <string>

namespace tocsin::trigger {

// Of the realm `bow`. `into`: a Realm or a view of many.
template <class View, class Event>
void fold(View& into, const std::string& service, const Event& event,
          runtime::Time at = testing::at(0)) {
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    decision.mutable_accepted()->add_events(event.SerializeAsString());
    into.apply({service, 0, 0, at, decision, true});
}

}  // namespace tocsin::trigger
