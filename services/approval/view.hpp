// What approval shows: roster, policies, and the latest review of each message.
#pragma once

#include "approval/review_view.hpp"
#include "runtime/base/shared_map.hpp"
#include "runtime/ledger/view.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::approval {

// One realm. A value whose copy costs O(1).
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const v1::Roster& roster() const;
    // `use(key, const v1::Policy&)` by agency and severity, from the first behind `after`, until it
    // returns false.
    using PolicyKey = std::pair<std::string, int>;
    template <class Use>
    void policies(const PolicyKey* after, Use&& use) const {
        policies_.ascend(after, use);
    }
    // The four below as ReviewView has them.
    std::optional<v1::Review> review(const std::string& message_id) const {
        return reviews_.whole(message_id);
    }
    std::optional<v1::Review> review_head(const std::string& message_id) const {
        return reviews_.head(message_id);
    }
    template <class Use>
    void reviews(v1::ReviewState state, std::int64_t after, Use&& use) const {
        reviews_.each(state, after, use);
    }
    std::size_t size() const { return reviews_.size(); }

private:
    void apply(const v1::Event& event);

    std::shared_ptr<const v1::Roster> roster_;
    runtime::SharedMap<PolicyKey, v1::Policy> policies_;
    ReviewView reviews_;
};

using ApprovalView = runtime::SnapshotViews<Realm>;

}  // namespace tocsin::approval
