// Messages, until approval and publishing have them for good: a draft is drafting's, a submitted
// text is locked and comes back by approval's ReviewReturned, or by a release of which nothing was
// public. Pure.
#pragma once

#include "content/content.hpp"
#include "drafting/event.hpp"
#include "runtime/base/shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::drafting {

struct Message {
    std::string incident_id;
    std::string agency;  // That started it, and stays in it.
    // The latest text, in one of two forms, never in both: as it was written, or as it was
    // submitted since. Neither is kept once no decision needs it: when the message has expired by
    // the time of a decision, so that nothing but a new text could be submitted, or when it is
    // withdrawn or rejected.
    runtime::SharedBytes draft;
    runtime::SharedBytes content;
    // The readings that started it, in a draft of nothing else; empty where none did. Kept for
    // good: no revision alters them.
    runtime::SharedBytes evidence;
    std::vector<std::string> agencies;  // of the latest text
    std::optional<Time> expires;        // of the latest text
    content::v1::MessageType type = content::v1::MESSAGE_TYPE_ALERT;
    std::vector<content::v1::Reference> references;
    std::string rule_id;
    std::string crossing_id;
    // As far as drafting decides it: draft, in review, withdrawn or rejected.
    v1::MessageState state = v1::MESSAGE_STATE_DRAFT;
    std::int64_t revision = 0;
    std::int64_t version = 0;  // The etag: events so far.
    std::int64_t rounds = 0;   // Submissions so far.
    // All who ever wrote any revision or submitted it. They stay: a person who undid their own edit
    // may not approve either.
    std::set<std::string> editors;
    // All who stopped a release of it.
    std::set<std::string> stoppers;

    bool has_text() const { return !draft.empty() || !content.empty(); }
    // The latest text, parsed; an empty one where it is not kept.
    content::v1::Draft text() const;
};

// Those of one realm, by id.
class Messages {
public:
    // Null: there is no such message.
    const Message* find(const std::string& id) const;
    const Message& at(const std::string& id) const { return by_id_.at(id); }
    bool contains(const std::string& id) const { return by_id_.contains(id); }
    bool empty() const { return by_id_.empty(); }
    std::size_t size() const { return by_id_.size(); }
    auto begin() const { return by_id_.begin(); }
    auto end() const { return by_id_.end(); }
    // Messages whose text is dropped when it expires.
    std::size_t expiring() const { return expiring_.size(); }

    // ---- events. False: this cannot have been decided, since there is no such message or it may
    // not move there; then nothing changed.
    bool evolve(const std::string& id, const v1::MessageCreated& created);
    bool evolve(const std::string& id, const v1::MessageRevised& revised);
    bool evolve(const std::string& id, const v1::MessageSubmitted& submitted);
    bool evolve(const std::string& id, const v1::MessageWithdrawn& withdrawn);
    bool evolve(const std::string& id, const v1::MessageReturned& returned);
    bool evolve(const std::string& id, const v1::MessageClosed& closed);
    // Texts that have expired by the time of this decision.
    void drop_expired(Time now);

private:
    void write(const std::string& id, Message& message, const content::v1::Draft& draft);
    void drop_text(const std::string& id, Message& message);
    // Null: it may not move there.
    Message* move(const std::string& id, v1::MessageState to);
    bool close(const std::string& id, v1::MessageState to);

    std::map<std::string, Message> by_id_;
    // Of `by_id_` exactly the messages whose text is kept and expires.
    std::set<std::pair<Time, std::string>> expiring_;
};

// ---- reactions to approval and publishing

bool concerns_messages(const runtime::Foreign& foreign);
// What brings a text back, or ends it. The rest of a review is approval's own: the text stays
// locked.
void follow_approval(const Messages& messages, const runtime::Foreign& foreign, Happened& happened);
bool concerns_returns(const runtime::Foreign& foreign);
// A release that ended before anything was public.
void take_back_released(const Messages& messages, const runtime::Foreign& foreign,
                        Happened& happened);

}  // namespace tocsin::drafting
