// What a service sees of its own ledger: submit commands, append to a stream, know whether this
// instance leads. Implemented over Kafka by ledger_process.cpp; the protocol itself is
// partition.hpp.
#pragma once

#include "runtime/ledger/decider.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

// A command on its way to the log.
struct Submission {
    Asking asking;
    Time expires_at;
    Time sent_at;
    std::string traceparent;
    std::string body;  // serialised Command
};

// Place of a decision, as `service/partition/offset`.
struct Position {
    std::string service;
    int partition = 0;
    std::int64_t offset = -1;

    std::string text() const;
    static std::optional<Position> parse(std::string_view text);
};

// What became of a command.
struct Answer {
    enum class Kind { accepted, rejected, unavailable };
    Kind kind = Kind::unavailable;
    std::string subject;
    std::string etag;
    Rejection rejection;  // when rejected; when unavailable its text says why
    Position position;    // when decided
    Time decided_at;
};

// What is not done for now; the call may be made again.
inline Answer unavailable(std::string_view why) {
    Answer answer;
    answer.rejection.text = why;
    return answer;
}

// Thread-safe. Nothing here blocks.
class Ledger {
public:
    using Done = std::move_only_function<void(Answer)>;

    virtual ~Ledger() = default;

    // Appends the command; `done` is called exactly once, on a ledger's thread or within the call:
    // when a decision on it counts, when it is found to be a repeat of one that does, or with
    // `unavailable` after `wait`, or at once where no command is accepted now. An unavailable
    // command may still be decided later: submit it again with the same request_id, body and
    // expiry. A command of more than `command_bytes_max` is rejected as `command_too_large`: that
    // is no decision, so it has no position, and it is final.
    virtual void submit(Submission submission, std::chrono::milliseconds wait, Done done) = 0;

    // Appends one record to a stream of this service, such as `readings`. `done`, called once on
    // the ledger thread or within the call, with false: not known to have been stored; sending it
    // again is harmless.
    virtual void append_stream(std::string_view stream, const std::string& realm, std::string body,
                               std::move_only_function<void(bool)> done) = 0;

    // Who reads; without an actor only the realm's places are counted.
    struct Reader {
        Reader(std::string in, std::string who = {}, std::size_t held = 0)
            : realm(std::move(in)), actor(std::move(who)), bytes(held) {}
        std::string realm, actor;
        std::size_t bytes;  // of the request, which waits with it
    };
    // What became of a read that waits.
    enum class Awaited {
        reached,   // by the fold, its reactors and the views
        not_yet,   // `wait` is over, or the process stops
        too_many,  // others wait, in all, of this realm or of this actor: try again later
        given_up   // by the caller
    };
    // Calls `done` once, on the ledger thread, within the call or within give_up(): when every
    // position is reached, or when that is given up. What is returned is for give_up().
    virtual std::uint64_t await(const Reader& reader, std::vector<Position> positions,
                                std::chrono::milliseconds wait,
                                std::move_only_function<void(Awaited)> done) = 0;
    // Ends a read that waits, and its place is free at once. Of no effect once it has ended.
    virtual void give_up(std::uint64_t read) = 0;

    // Whether that position is one that await() can wait for: of this service's ledger, or of one
    // that it follows.
    virtual bool follows(const Position&) const { return true; }

    // Whether this instance wrote the last decision that counted where the realm lives.
    virtual bool leads(const std::string& realm) const = 0;
    // Whether history is folded and commands can be taken.
    virtual bool ready() const = 0;
    // Whether the views hold all of history and keep up with it, in every partition. Where they do
    // not, neither an answer nor a refusal that rests on them, a role above all, may be given.
    virtual bool readable() const { return ready(); }
    // The same of the partition in which the realm lives.
    virtual bool readable(const std::string& /*realm*/) const { return readable(); }
    // Why it is not ready, or not readable where the realm lives; of no meaning while it is both.
    virtual std::string why_not(const std::string& /*realm*/) const {
        return "history is still being folded";
    }
    // How old what is read may be, in seconds: since Kafka last answered, or since a log that it is
    // made of was not read any more; 0 while all are.
    virtual double stale_seconds() const = 0;
    // Runs `task` on the ledger thread, soon; after its end it is dropped.
    virtual void post(std::move_only_function<void()> task) = 0;
};

}  // namespace tocsin::runtime
