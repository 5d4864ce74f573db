// Where one message stands, folded from the ledgers of drafting, approval and publishing.
//
// Each ledger is read in its own order, but nothing orders one against another: publishing's
// ReleaseArmed may be read before approval's Cleared, and at start a whole ledger before the next.
// So each ledger has a track of its own, moved through the one table of allowed moves, and what
// is shown is computed from the three tracks: the same facts give the same state in any order.
#pragma once

#include "content/lifecycle.hpp"
#include "runtime/time.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <cstdint>
#include <string>

namespace tocsin::drafting {

using runtime::Time;

// One ledger's word on a message.
struct Track {
    content::Lifecycle at = content::Lifecycle::draft;
    // Submissions so far: what the second one led to outranks all that the first one did.
    std::int64_t round = 0;
    std::string reason;
};

class Standing {
public:
    // Each returns false for a move that the table does not allow; then nothing changed.
    bool apply(const std::string& message_id, const v1::Event& event, Time at);
    bool apply(const approval::v1::Event& event, Time at);
    bool apply(const publishing::v1::Event& event, Time at);

    // Whether drafting has told of it; until then it is not shown.
    bool known() const { return known_; }
    // Up to date after every `apply`.
    const v1::Message& message() const { return message_; }

private:
    bool move(Track& track, content::Lifecycle to, const std::string& reason = {});
    bool move_drafting(const v1::Event& event);
    void create(const v1::MessageCreated& created, Time at);
    void revise(const v1::MessageRevised& revised, Time at);
    const Track& foremost() const;
    void refresh(Time at);

    v1::Message message_;
    std::int64_t version_ = 0;
    bool known_ = false;
    std::string content_, digest_;
    Track drafting_, approval_;
    // Begins where approval ends, and from then on has the baton.
    Track publishing_{content::Lifecycle::cleared, 0, {}};
    bool planned_ = false;
    Time updated_{};
};

}  // namespace tocsin::drafting
