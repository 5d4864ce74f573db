// Where one message stands, folded from the ledgers of drafting, approval and publishing.
//
// Each ledger is read in its own order, but nothing orders one against another: publishing's
// ReleaseArmed may be read before approval's Cleared, and at start a whole ledger before the next.
// So each ledger has a track of its own, moved through the one table of allowed moves, and what
// is shown is computed from the three tracks: the same facts give the same state in any order.
#pragma once

#include "drafting/message_state.hpp"
#include "runtime/base/parties.hpp"
#include "runtime/base/shared_bytes.hpp"
#include "runtime/base/time.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tocsin::drafting {

using runtime::Time;

// What one ledger says of a message.
struct Track {
    v1::MessageState at = v1::MESSAGE_STATE_DRAFT;
    // Submissions so far: what the second one led to outranks all that the first one did.
    std::int64_t round = 0;
    std::string reason;
    // Drafting's: a release gave the text back.
    bool after_release = false;
};

// How long the texts of a message stay readable after its end: the last move that its life has, or
// the end of the time in which publishing may still take it back, where that is later. The API
// promises it: drafting_service.proto.
inline constexpr runtime::Duration texts_kept = std::chrono::hours{24 * 30};
// After its expiry. Whatever publishing does later than that is no move: its ledger may be read
// last, and what is dropped by then must not depend on that.
inline constexpr runtime::Duration moves_after_expiry = std::chrono::hours{24 * 8};

// Whether an event of another ledger changes where a message stands. The others are steps on the
// way there.
bool moves_message(const approval::v1::Event& event);
bool moves_message(const publishing::v1::Event& event);

// A value, copied at every change while somebody reads the version before: of texts it has no copy.
class Standing {
public:
    // Each returns false for a move that the table does not allow; then nothing changed.
    bool apply(const v1::Event& event, Time at);
    bool apply(const approval::v1::Event& event, Time at);
    bool apply(const publishing::v1::Event& event, Time at);

    // Whether the record of drafting that starts it was read; until then it is not shown.
    bool known() const { return known_; }
    // Up to date after every `apply`. Put together from what is kept, at a cost of the text's size.
    v1::Message message() const;
    v1::MessageState state() const;
    const std::string& incident_id() const { return incident_id_; }
    // Whom it concerns, by its latest draft.
    content::v1::Parties parties() const { return parties_.get(); }
    const runtime::KeptParties& kept_parties() const { return parties_; }

    // When its texts may be dropped; nothing while it has no end or they are dropped.
    std::optional<Time> texts_end() const;
    void drop_texts();

    // Its place in the realm's list, from 1; the realm's to keep.
    std::int64_t place = 0;

private:
    bool move(Track& track, v1::MessageState to, const std::string& reason = {});
    // A text is submitted, for the `round`th time by the record that says so.
    bool begin_round(Track& track, std::int64_t round);
    bool move_drafting(const v1::Event& event);
    bool move_approval(const approval::v1::Event& event);
    bool move_publishing(const publishing::v1::Event& event);
    bool complete(const publishing::v1::ReleaseCompleted& completed);
    bool end(const publishing::v1::ReleaseEnded& ended);
    void create(const v1::MessageCreated& created, Time at);
    const Track& foremost() const;
    bool locked() const;
    void written(const content::v1::Draft& draft, std::int64_t revision, const std::string& author,
                 Time at);

    std::int64_t version_ = 0;
    bool known_ = false;
    bool dropped_ = false;  // the texts
    std::string incident_id_;
    runtime::KeptParties parties_;
    // Agency, revisions, time of creation.
    runtime::Packed<v1::Message> head_;
    // The latest draft, empty while it is the one in `content_`.
    runtime::SharedBytes draft_;
    // As it was submitted last.
    runtime::SharedBytes content_;
    std::string digest_;
    Time expires_{};  // of the latest draft
    Track drafting_, approval_;
    // Begins where approval ends, and from then on has the baton, until it gives the text back.
    Track publishing_{v1::MESSAGE_STATE_CLEARED, 0, {}, false};
    // An update or a cancel took the place of its latest release.
    bool superseded_ = false;
    Time updated_{};
};

}  // namespace tocsin::drafting
