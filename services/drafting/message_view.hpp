// The messages of a realm through their whole life, as people read them.
#pragma once

#include "drafting/standing.hpp"
#include "runtime/base/listing.hpp"
#include "runtime/base/shared_map.hpp"
#include "runtime/base/shared_table.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::drafting {

// Those of one realm. A value whose copy costs O(1).
class MessageView {
public:
    // The events of each decision are applied between the two.
    void begin(Time decided_at);
    void end();
    void apply(const v1::Event& event);
    void apply(const approval::v1::Event& event);
    void apply(const publishing::v1::Event& event);

    std::optional<v1::Message> message(const std::string& id) const;
    // Null: there is no such message, or the record that starts it was not read yet.
    const Standing* standing(const std::string& id) const;
    // `use(place, id, const Standing&)` until it returns false, newest first; of one incident
    // unless that is empty, and in one state unless that is unspecified.
    template <class Use>
    void each(std::string_view incident_id, v1::MessageState state, std::int64_t after,
              Use&& use) const {
        list_.newest_first(part_of(incident_id, state), after,
                           [&](std::int64_t place, const std::string& id) {
                               return use(place, id, *by_id_.find(id));
                           });
    }
    std::size_t size() const { return list_.size(); }

    // Messages that the last decision changed, and whom each concerned before.
    using Changed = std::map<std::string, runtime::KeptParties>;
    const Changed& changed() const { return changed_; }
    // Moves that the lifecycle does not allow, and which were therefore not made: of all decisions,
    // and of the last.
    std::int64_t impossible_moves() const { return impossible_moves_; }
    int impossible_moves_now() const { return impossible_moves_now_; }

private:
    using Ending = std::pair<std::int64_t, std::int64_t>;

    static std::string part_of(std::string_view incident_id, v1::MessageState state);
    // Applies an event of any ledger to one message, and files the message anew.
    template <class Event>
    void move(const std::string& message_id, const Event& event);
    void file(const std::string& message_id, const Standing& before, Standing& after);
    void drop_old_texts();

    Time decided_at_{};      // of the decision that is applied
    Time latest_{};          // decision of any ledger
    runtime::Listing list_;  // exactly those of `by_id_` that are known
    runtime::SharedTable<Standing> by_id_;
    runtime::SharedTable<std::string> message_of_release_;
    // Messages whose texts may be dropped, by when (microseconds) and by place.
    runtime::SharedMap<Ending, char> endings_;
    Changed changed_;
    std::int64_t impossible_moves_ = 0;
    int impossible_moves_now_ = 0;
};

}  // namespace tocsin::drafting
