// What a service brings to the ledger: pure rules over its own state.
//
// A decider is three functions over a State that is one realm's:
//   Verdict<Event> decide(const State&, const Caller&, const Command&, Time now)
//   std::optional<Happened<Event>> react(const State&, const Foreign&, Time now)
//   bool evolve(State&, const Event&, Time decided_at)     false: an event this version does not
//   know
// and, where a service has timers,
//   std::optional<Due<Command>> next_due(const State&)
// and, where most of what it follows does not concern it,
//   bool concerns(const Foreign&)      by the content of the foreign decision alone, never by state
// None of them may read a clock, draw a random number, do I/O or log: every instance, every replay
// and every simulation must come to the same state.
#pragma once

#include "runtime/base/time.hpp"
#include "tocsin/ledger/v1/ledger.pb.h"

#include <algorithm>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

// Why a command is refused. The values are those of google.rpc.Code.
enum class Because : int {
    invalid_argument = 3,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    aborted = 10,
    unimplemented = 12,
    internal = 13,
};

// A business "no". It is recorded: a repeat of the command gets the same one.
struct Rejection {
    Because because = Because::failed_precondition;
    std::string code;   // stable snake_case
    std::string text;   // a sentence for a person: what is wrong and what to do
    std::string field;  // path of the request field at fault; may be empty
};

inline std::unexpected<Rejection> reject(Because because, std::string code, std::string text,
                                         std::string field = {}) {
    return std::unexpected(Rejection{because, std::move(code), std::move(text), std::move(field)});
}

// What a decision says happened. `subject` and `etag` are the answer to the caller.
template <class Event>
struct Happened {
    std::vector<Event> events;
    std::string subject;
    std::string etag;
};

template <class Event>
using Verdict = std::expected<Happened<Event>, Rejection>;

// The sender of a command, as token and roster gave it at the edge.
struct Asking {
    std::string realm;
    std::string actor;
    std::string agency;
    std::vector<std::string> roles;
    std::string request_id;

    bool has(std::string_view role) const {
        return std::find(roles.begin(), roles.end(), role) != roles.end();
    }
    bool is_service() const { return actor.starts_with("service:"); }
};

// An event of another service that this version does not know and may not pass over.
struct UnknownForeignEvent : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Parses one foreign event. Nothing: it is unknown but marked ignorable.
template <class Event>
std::optional<Event> parse_foreign(const std::string& bytes) {
    Event event;
    if (!event.ParseFromString(bytes)) throw UnknownForeignEvent("event does not parse");
    if (event.body_case() == Event::BODY_NOT_SET) {
        if (event.ignorable()) return std::nullopt;
        throw UnknownForeignEvent("event of a newer version");
    }
    return event;
}

// One decision of another service's ledger that counted, or one record of a stream.
struct Foreign {
    std::string_view topic;    // full topic name
    std::string_view service;  // short name of the service it comes from
    std::string realm;
    std::int64_t offset = 0;
    Time at;                          // decided_at; for a stream record when it was written
    std::vector<std::string> events;  // serialised events; for a stream record its one body

    // Calls `use(const Event&)` for each event that this version knows. Throws UnknownForeignEvent
    // at one that it does not know and may not pass over.
    template <class Event, class Use>
    void each(Use&& use) const {
        for (const std::string& bytes : events)
            if (const auto event = parse_foreign<Event>(bytes)) use(*event);
    }
};

// Whether one of the events is of these kinds, for a decider's concerns(). What this version cannot
// read concerns it: the decider will say why it stops.
template <class Event>
bool has_any(const Foreign& foreign, std::initializer_list<typename Event::BodyCase> kinds) {
    return std::ranges::any_of(foreign.events, [&](const std::string& bytes) {
        const auto event = parse_foreign<Event>(bytes);
        return event && std::ranges::find(kinds, event->body_case()) != kinds.end();
    });
}

// A due time that is state; firing it is a command. `command` is sent by the leading instance once
// its clock reached `at`; a repeat is harmless, since its request id follows from both.
template <class Command>
struct Due {
    Time at;
    Command command;
};

}  // namespace tocsin::runtime
