// What drafting shows: incidents, templates, messages through their whole life, and their changes
// as they come.
#pragma once

#include "drafting/destinations.hpp"
#include "drafting/message_view.hpp"
#include "runtime/base/listing.hpp"
#include "runtime/base/shared_map.hpp"
#include "runtime/base/shared_table.hpp"
#include "runtime/ledger/view.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::drafting {

// One realm. A value whose copy costs O(1).
class Realm {
public:
    void apply(const runtime::Counted& counted);

    std::optional<v1::Incident> incident(const std::string& id) const;
    std::optional<v1::Template> find_template(const std::string& id) const;
    std::optional<v1::Message> message(const std::string& id) const {
        return messages_.message(id);
    }
    const Standing* standing(const std::string& id) const { return messages_.standing(id); }

    // The three below call `use` until it returns false. Where the place or id after which they
    // begin is 0 or null they begin at the first.
    //
    // `use(place, const Packed<Incident>&)`, newest first.
    template <class Use>
    void incidents(std::int64_t after, Use&& use) const {
        incident_list_.newest_first({}, after, [&](std::int64_t place, const std::string& id) {
            return use(place, *incidents_.find(id));
        });
    }
    // `use(id, const Packed<Template>&)`, by id.
    template <class Use>
    void templates(const std::string* after, Use&& use) const {
        templates_.ascend(after, use);
    }
    // As MessageView::each.
    template <class Use>
    void messages(std::string_view incident_id, v1::MessageState state, std::int64_t after,
                  Use&& use) const {
        messages_.each(incident_id, state, after, use);
    }

    // Where messages that are submitted now go.
    const Destinations& destinations() const { return *destinations_; }

    // Incidents, templates and messages.
    std::size_t size() const;
    const MessageView::Changed& changed() const { return messages_.changed(); }
    std::int64_t impossible_moves() const { return messages_.impossible_moves(); }
    int impossible_moves_now() const { return messages_.impossible_moves_now(); }

private:
    void apply(const v1::Event& event);
    void add_incident(const v1::Incident& opened);
    template <class Followed>
    void follow(const Followed& followed);

    runtime::Listing incident_list_;  // exactly those of `incidents_`
    runtime::SharedTable<runtime::Packed<v1::Incident>> incidents_;
    runtime::SharedMap<std::string, runtime::Packed<v1::Template>> templates_;
    MessageView messages_;
    // Never null. They change rarely, and are replaced then.
    std::shared_ptr<const Destinations> destinations_ = std::make_shared<const Destinations>();
};

// A reader who follows every change. Called with the view's watch lock held, on the ledger thread:
// must neither block nor call the view.
class Watcher {
public:
    virtual ~Watcher() = default;
    virtual void changed(const std::shared_ptr<const v1::Message>& message) = 0;
    enum class End {
        over,      // what was reported no longer holds or no more can be, or the service stops
        too_many,  // never begun: too many watch
    };
    // No further call comes.
    virtual void ended(End end) = 0;
};

class DraftingView final : public runtime::SnapshotViews<Realm> {
public:
    // The ledger thread calls each watcher, and decisions wait for it. One realm must not take the
    // places of all others.
    static constexpr std::size_t watchers_max = 400;
    static constexpr std::size_t watchers_of_realm_max = 100;
    static constexpr std::size_t watchers_of_caller_max = 20;

    // `impossible_move` is called, on the ledger thread, for each move that was not made.
    explicit DraftingView(
        int partitions, std::function<void()> impossible_move = [] {})
        : SnapshotViews(partitions),
          partitions_(partitions),
          impossible_move_(std::move(impossible_move)) {}

    void apply(const runtime::Counted& counted) override;
    void folded(int partition) override;
    void reset(int partition) override;
    void halted(int partition) override;

    // What one watcher follows: messages of that incident (of all where it is empty) that concern
    // it. One that concerns it no longer ends the watch: what was reported no longer holds. `sees`
    // is called on the ledger thread and must not block.
    struct Watch {
        std::string realm;
        std::string caller;  // the token's subject
        std::string incident_id;
        std::function<bool(const content::v1::Parties&)> sees = [](const auto&) { return true; };
        // Takes out of a message what the watcher is not to see.
        std::function<void(v1::Message&)> hide = [](auto&) {};
    };
    // The realm as it is; `watcher` gets every change after exactly that. Null after `stop` and
    // where too many watch; then it has ended.
    Snapshot watch(Watch watch, Watcher& watcher);
    // No call is under way nor comes once this returns. Harmless for one that does not watch.
    void unwatch(Watcher& watcher);
    void stop();
    // How many watch.
    std::size_t watchers();

    // In all realms.
    std::int64_t impossible_moves() const;

private:
    void notify(const std::string& name, const Realm& realm);
    void end_if(const std::function<bool(const Watch&)>& ends);
    void end_partition(int partition);

    const int partitions_;
    const std::function<void()> impossible_move_;
    // Held over the publication of a change and its notifications, and over the taking of a
    // snapshot and its subscription, so that no change falls between the two. Nothing is read while
    // it is held.
    std::mutex watch_mutex_;
    std::map<Watcher*, Watch> watches_;
    bool stopped_ = false;
};

}  // namespace tocsin::drafting
