// What the decider of publishing knows of one realm, and how events change it. The view folds the
// same, so that what people read and what is decided can not differ.
#pragma once

#include "runtime/time.hpp"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using runtime::Duration;
using runtime::Time;

// A claim that was not answered is in doubt this long after its executor had to stop.
inline constexpr Duration claim_margin = std::chrono::seconds{2};

struct Item {
    v1::Delivery delivery{};
    int64_t text_max = 0;
    // Set while it is armed again after an attempt.
    std::optional<Time> retry_at{};
    std::optional<Time> first_claimed_at{};
    // Of some attempt nobody knew whether it went out.
    bool doubted = false;
    // What a retraction answers; see RetractionArmed.in_reply_to.
    std::string in_reply_to{};

    const std::string& id() const { return delivery.delivery_id(); }
    const std::string& state() const { return delivery.state(); }
    bool is(std::string_view state) const { return delivery.state() == state; }
    bool retracts() const { return delivery.purpose() == v1::PURPOSE_RETRACTION; }
    // Nothing more happens to it.
    bool settled() const;
    // The public has it, or may have it.
    bool may_be_public() const;
};

struct Release {
    v1::Release head;  // without deliveries
    std::vector<Item> items;
    std::string content;
    std::map<std::string, std::string> senders;
    std::map<std::string, v1::PublicNames> sender_names;
    std::string feed_base_url;
    Duration arm_lead{};
    std::optional<Time> release_at;
    Time expires;
    Time prepare_until;
    content::v1::StragglerPolicy policy = content::v1::STRAGGLER_POLICY_WAIT;
    // T0 of the last retraction.
    std::optional<Time> retract_at;
    // Number of events so far: the etag.
    int64_t version = 0;

    const std::string& id() const { return head.release_id(); }
    bool is(std::string_view state) const { return head.state() == state; }
    // Neither prepared, nor armed, nor on its way.
    bool at_rest() const;
    const Item* find(std::string_view delivery_id) const;
    // After it nothing of `purpose` is started again.
    Time deadline(v1::Purpose purpose) const;
    // When the decider must look at it again though nobody asks.
    std::optional<Time> due() const;
    v1::Release whole() const;
};

struct NumberedChannel {
    v1::Channel channel;
    int64_t version = 0;
};

struct State {
    std::map<std::string, NumberedChannel> channels;
    std::map<std::string, Release> releases;
    // Ids in the order in which they were planned.
    std::vector<std::string> order;
    // Releases with a due time, the earliest first.
    std::set<std::pair<Time, std::string>> due;
};

// False: an event of a newer version.
bool evolve(State& state, const v1::Event& event, Time decided_at);
// The part of it that concerns one release.
void evolve(Release& release, const v1::Event& event, Time decided_at);
// The release that an event is about; empty for one about a channel.
std::string_view release_of(const v1::Event& event);

}  // namespace tocsin::publishing
