// What drafting shows: incidents, templates, messages through their whole life, and their changes
// as they come.
#pragma once

#include "drafting/standing.hpp"
#include "runtime/view.hpp"

#include <absl/container/node_hash_map.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::drafting {

// One realm.
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const v1::Incident* incident(const std::string& id) const;
    const v1::Template* find_template(const std::string& id) const;
    const v1::Message* message(const std::string& id) const;
    // Newest first. Valid as long as the realm is locked.
    std::vector<const v1::Incident*> incidents() const;
    // By id.
    std::vector<const v1::Template*> templates() const;
    // Newest first; of one incident and in one state unless those are empty.
    std::vector<const v1::Message*> messages(std::string_view incident_id,
                                             std::string_view state) const;

    // Messages that the last decision changed.
    const std::set<std::string>& changed() const { return changed_; }
    // Moves that the lifecycle does not allow, and which were therefore not made: of all decisions,
    // and of the last.
    std::int64_t impossible_moves() const { return impossible_moves_; }
    int impossible_moves_now() const { return impossible_moves_now_; }

private:
    void apply_drafting(v1::Event& event, Time at);
    void add_incident(v1::Incident& opened);
    void apply_approval(const approval::v1::Event& event, Time at);
    void apply_publishing(const publishing::v1::Event& event, Time at);
    void moved(const std::string& message_id, bool possible);

    // Nodes of the map do not move.
    absl::node_hash_map<std::string, v1::Incident> incidents_;
    std::vector<const v1::Incident*> incident_order_;
    std::map<std::string, v1::Template> templates_;
    std::map<std::string, Standing> messages_;
    std::vector<std::string> message_order_;
    std::map<std::string, std::string> message_of_release_;
    std::set<std::string> changed_;
    std::int64_t impossible_moves_ = 0;
    int impossible_moves_now_ = 0;
};

// Somebody who is told of every change. Called with the view's watch lock held, on the ledger
// thread: must neither block nor call the view.
class Watcher {
public:
    virtual ~Watcher() = default;
    virtual void changed(const v1::Message& message) = 0;
    // What was told no longer holds, or the service stops: no further call comes.
    virtual void ended() = 0;
};

class DraftingView final : public runtime::RealmViews<Realm> {
public:
    // `impossible_move` is called, on the ledger thread, for each move that was not made.
    explicit DraftingView(
        int partitions, std::function<void()> impossible_move = [] {})
        : RealmViews(partitions),
          partitions_(partitions),
          impossible_move_(std::move(impossible_move)) {}

    void apply(const runtime::Counted& counted) override;
    void reset(int partition) override;

    // The messages as they are, newest first; `watcher` is told of every change after exactly
    // that. After `stop` it is told that it ended.
    std::vector<v1::Message> watch(const std::string& realm, std::string_view incident_id,
                                   Watcher& watcher);
    // No call is under way nor comes once this returns. Harmless for one that does not watch.
    void unwatch(Watcher& watcher);
    void stop();

    // In all realms.
    std::int64_t impossible_moves() const;

private:
    struct Watch {
        std::string realm;
        std::string incident_id;
    };
    void end_if(const std::function<bool(const Watch&)>& ends);

    const int partitions_;
    const std::function<void()> impossible_move_;
    // Held over a change and its telling, and over a snapshot and its subscription, so that no
    // change falls between the two. Taken before the realms' own lock.
    std::mutex watch_mutex_;
    std::map<Watcher*, Watch> watches_;
    bool stopped_ = false;
};

}  // namespace tocsin::drafting
