// The releases of a realm as people and the executor read them, also once their texts were dropped.
#pragma once

#include "publishing/faded.hpp"
#include "publishing/release_events.hpp"
#include "runtime/base/shared_map.hpp"
#include "runtime/base/shared_table.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tocsin::publishing {

// Whether an executor may have something to do for it, at once or later.
bool needs_work(const Release& release);

// A value whose copy costs O(1).
class ReleaseView {
public:
    // Release ids by the order in which they were planned.
    const runtime::SharedMap<std::int64_t, std::string>& order() const { return order_; }
    // Null: there is none, or its texts were dropped after it had been public.
    const Release* release(const std::string& id) const { return by_id_.find(id); }
    // Whatever became of it, with all deliveries, as people see it.
    std::optional<v1::Release> whole_release(const std::string& id) const;
    // Whom a release concerns, also once its texts were dropped; nobody where there is none.
    content::v1::Parties parties(const std::string& id) const;
    // The latest release of a message; null: there is none.
    const std::string* release_of_message(const std::string& message_id) const {
        return by_message_.find(message_id);
    }
    // Those of which `release` no longer knows since the last decision.
    const std::set<std::string>& faded_now() const { return faded_now_; }
    // Releases that somebody may have to do something for.
    const runtime::SharedMap<std::string, char>& open() const { return open_; }
    // W3C traceparent of the last decision from outside that moved the release on; may be empty.
    std::string trace(const std::string& release_id) const;

    // ---- events

    // Of an event about a release, which it returns; null where there is no such release.
    const Release* apply(const v1::Event& event, const ChannelOf& channel_of, Time decided_at,
                         const std::string& trace);
    void begin_decision() { faded_now_.clear(); }
    // Drops the texts whose time has come; `dropping(const Release&)` before each.
    void drop_faded(Time now, const std::function<void(const Release&)>& dropping);

private:
    runtime::SharedMap<std::string, Release> by_id_;
    // None of them is in `by_id_`.
    runtime::SharedTable<Faded> faded_;
    std::set<std::string> faded_now_;
    runtime::SharedMap<std::int64_t, std::string> order_;
    runtime::SharedTable<std::string> by_message_;
    runtime::SharedMap<std::string, std::string> traces_;
    // Exactly those of `by_id_` that need work.
    runtime::SharedMap<std::string, char> open_;
    // Exactly those of `by_id_` whose texts are dropped at a time, by that time.
    runtime::SharedMap<std::pair<Time, std::string>, char> fading_;
};

}  // namespace tocsin::publishing
