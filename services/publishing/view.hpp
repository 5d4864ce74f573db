// What publishing shows: channels, holds, releases, and the alerts that its public feed is made of.
#pragma once

#include "publishing/alert_view.hpp"
#include "publishing/budgets.hpp"
#include "publishing/channel.hpp"
#include "publishing/holds.hpp"
#include "publishing/release_view.hpp"
#include "runtime/ledger/view.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace tocsin::publishing {

// One realm. A copy costs O(1) and shares everything: a snapshot is one.
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const runtime::SharedMap<std::string, NumberedChannel>& channels() const { return channels_; }

    const Holds& holds() const { return *holds_; }
    const Budgets& budgets() const { return budgets_; }

    // As ReleaseView has them.
    const runtime::SharedMap<std::int64_t, std::string>& order() const { return releases_.order(); }
    const Release* release(const std::string& id) const { return releases_.release(id); }
    std::optional<v1::Release> whole_release(const std::string& id) const {
        return releases_.whole_release(id);
    }
    content::v1::Parties parties(const std::string& id) const { return releases_.parties(id); }
    const std::string* release_of_message(const std::string& message_id) const {
        return releases_.release_of_message(message_id);
    }
    const std::set<std::string>& faded_now() const { return releases_.faded_now(); }
    const runtime::SharedMap<std::string, char>& open() const { return releases_.open(); }
    std::string trace(const std::string& release_id) const { return releases_.trace(release_id); }

    // As AlertView has them.
    std::shared_ptr<const Alert> alert(const std::string& identifier, Time now) const {
        return alerts_.alert(identifier, now);
    }
    const AlertView::Listed& listed() const { return alerts_.listed(); }
    const Successor* successor(const std::string& identifier) const {
        return alerts_.successor(identifier);
    }
    std::int64_t listed_version() const { return alerts_.listed_version(); }
    const runtime::SharedMap<std::string, char>& languages() const { return alerts_.languages(); }
    std::optional<Time> feed_since() const { return alerts_.feed_since(); }
    Time last_unlisted() const { return alerts_.last_unlisted(); }

    // Of the last decision: by a clock that is behind it nothing becomes untrue again.
    Time decided_at() const { return decided_at_; }

private:
    void apply(const v1::Event& event, Time decided_at, const std::string& trace);
    void apply_hold(const v1::Event& event, Time decided_at);
    void apply_channel(const v1::Event& event, Time decided_at);

    runtime::SharedMap<std::string, NumberedChannel> channels_;
    // There are few, so that each change makes new ones.
    std::shared_ptr<const Holds> holds_ = std::make_shared<const Holds>();
    Budgets budgets_;
    ReleaseView releases_;
    AlertView alerts_;
    Time decided_at_{};
};

using PublishingView = runtime::SnapshotViews<Realm>;

}  // namespace tocsin::publishing
