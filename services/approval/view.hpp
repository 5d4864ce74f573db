// What approval shows: roster, policies, and the latest review of each message.
#pragma once

#include "approval/decider.hpp"
#include "runtime/view.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::approval {

// One realm. It is folded by the decider's own evolve: what is shown is what is decided upon.
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const State& state() const { return state_; }
    // Newest submission first; only those in `review_state` unless it is empty. Valid as long as
    // the realm is locked.
    std::vector<const v1::Review*> reviews(std::string_view review_state) const;

private:
    void opened(const std::string& message_id);

    State state_;
    // Message ids in the order in which their latest review was opened.
    std::map<std::int64_t, std::string> order_;
    std::map<std::string, std::int64_t> place_;
    std::int64_t next_place_ = 0;
};

using ApprovalView = runtime::RealmViews<Realm>;

}  // namespace tocsin::approval
