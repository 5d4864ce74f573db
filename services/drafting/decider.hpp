// Incidents, templates, and messages until they are submitted.
//
// Drafting holds the baton of a message while it is a draft. MessageSubmitted serialises the
// content, once and for all, and hands the baton to approval; only approval's ReviewReturned brings
// it back. Pure, as runtime/ledger/decider.hpp demands.
#pragma once

#include "drafting/refused.hpp"
#include "runtime/base/shared_bytes.hpp"
#include "runtime/ledger/decider.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <absl/container/flat_hash_map.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::drafting {

using runtime::Time;

// Who writes what a crossing starts.
inline constexpr std::string_view trigger_author = "service:trigger";

enum class Stage { draft, submitted, withdrawn, rejected };

struct Message {
    std::string incident_id;
    std::string agency;  // That started it, and stays in it.
    // The latest text, in one of two forms: as it was written, or as it was submitted since.
    // Neither is kept once no decision needs it: when the message has expired by the time of a
    // decision, so that nothing but a new text could be submitted, or when it is withdrawn or
    // rejected.
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
    Stage stage = Stage::draft;
    std::int64_t revision = 0;
    std::int64_t version = 0;  // The etag: events so far.
    // Everybody who wrote any revision or submitted it, ever. Nobody leaves it: undoing one's
    // words does not make one a fresh pair of eyes.
    std::set<std::string> hands;

    bool has_text() const { return !draft.empty() || !content.empty(); }
    // The latest text, parsed; an empty one where it is not kept.
    content::v1::Draft text() const;
};

// What one realm's ledger adds up to.
struct State {
    // Which agencies take part in an incident, by its id. Only ever looked up, so that there is no
    // order to depend on.
    absl::flat_hash_map<std::string, std::vector<std::string>> incidents;
    std::map<std::string, v1::Template> templates;
    std::map<std::string, Message> messages;
    RefusedCrossings refused;
    // Alerts that this realm published, each as an entry of CAP `references`.
    std::set<std::string> alerts;
    // Messages whose text is kept, by the time at which they expire.
    std::set<std::pair<Time, std::string>> expiring;
};

struct Decider {
    using State = drafting::State;
    using Command = v1::Command;
    using Event = v1::Event;

    // `live` or `exercise`; service.cpp sets it once, before history is folded. It is an input
    // that never varies within a ledger, since the names of its topics carry the world: every
    // replay sees the same one, and the functions below stay pure.
    static inline std::string world = "live";

    static runtime::Verdict<Event> decide(const State& state, const runtime::Asking& asking,
                                          const Command& command, Time now);
    // What approval hands back, what publishing publishes, and what trigger starts.
    static std::optional<runtime::Happened<Event>> react(const State& state,
                                                         const runtime::Foreign& foreign, Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
    // Crossings that were refused are tried again, once what they name has changed.
    static std::optional<runtime::Due<Command>> next_due(const State& state);
    // What hands a message back or ends it, what others may refer to, crossings, and what ends the
    // trying of those that were refused.
    static bool concerns(const runtime::Foreign& foreign);
};

}  // namespace tocsin::drafting
