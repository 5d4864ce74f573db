// The wire part of a kind of channel: how its one public effect is made, and how it is found out
// whether it was. Coroutines on the event loop; what they await may take as long as it is given.
// The loop fires for every realm: what a server sent is parsed by `Wire::aside` alone, as much of
// it as its request allows, in time that grows with its bytes and no faster.
#pragma once

#include "publishing/credentials.hpp"
#include "publishing/sealed.hpp"
#include "runtime/host/reading_thread.hpp"
#include "runtime/http/http.hpp"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::publishing {

using runtime::Duration;
using runtime::Task;
using runtime::Time;

// One delivery as it was armed, with all that its wire part may know. What is large is shared.
struct Job {
    std::string realm{};
    // With channel and fixed values; its rendition has no body.
    v1::Delivery delivery{};
    std::shared_ptr<const Approved> approved{};
    // The exact bytes to send; null until it is armed.
    std::shared_ptr<const Sealed> body{};
    // An earlier attempt may have been carried out, as far as is known.
    bool doubted = false;
    // W3C traceparent of what caused it, sent along; may be empty.
    std::string traceparent{};
    // Called immediately before the first byte, once the connection is there: why it must not start
    // any more; empty when it may.
    std::function<std::string()> veto = [] { return std::string{}; };
};

// What all wire parts share. One thread.
struct Wire {
    runtime::HttpTransport& http;
    Credentials& credentials;
    std::string world;
    bool allow_private_addresses = false;
    // In the exercise world: why nothing may go to that URL; empty where it may. Null: anywhere.
    std::function<std::string(const std::string& url)> off_limits;
    std::function<Time()> now;
    std::function<std::chrono::steady_clock::time_point()> steady_now;
    // What the feed of this instance shows under a CAP identifier; null: nothing.
    std::function<std::shared_ptr<const Sealed>(const std::string& realm,
                                                const std::string& identifier)>
        on_feed;
    // How an answer is read, see below.
    runtime::Aside aside = runtime::aside_here();
    // Account ids by channel URL and credential, so that T0 needs no request for them.
    std::map<std::string, std::string> account_ids;
};

struct Prepared {
    bool ready = false;
    std::string reason{};  // what is wrong and what to do
    int64_t text_max = 0;
};

struct Signed {
    std::string element{};  // `Signature`; empty where it could not be signed
    std::string reason{};   // why, and what to do
    // Neither: it is tried again.
    bool later() const { return element.empty() && reason.empty(); }
};

struct Outcome {
    v1::Outcome kind = v1::OUTCOME_UNSPECIFIED;
    std::string reason{};
    std::string url{};
    std::string receipt{};
    std::optional<Time> written_at{};
    std::optional<Time> confirmed_at{};
    Duration retry_after{};
    // With unknown: see RecordOutcome.refused_unless_found.
    bool refused_unless_found = false;
};

struct Found {
    enum class Kind { found, absent, cannot_tell };
    Kind kind = Kind::cannot_tell;
    std::string reason{};
    std::string url{};
    std::string receipt{};
};

struct ChannelWire {
    std::string_view kind;
    // How often a read-back must come back empty before it is believed; the last time no sooner
    // than `Traits::carried_out_within` after the request.
    int absences_needed;
    // No public effect; may be repeated at any time.
    Task<Prepared> (*prepare)(Wire& wire, const Job& job);
    // The one public effect. The caller holds the claim of this attempt.
    Task<Outcome> (*fire)(Wire& wire, const Job& job);
    // Whether the channel has it. No public effect.
    Task<Found> (*find)(Wire& wire, const Job& job);
    // The signature of `job.body`, as it was armed. No public effect. Null: the kind has none.
    Task<Signed> (*sign)(Wire& wire, const Job& job) = nullptr;
};

// Null when this version does not know the kind.
const ChannelWire* find_wire(std::string_view kind);
// Every kind that it knows.
std::vector<std::string_view> wire_kinds();

// The last check before the wire, in every adapter: the world, the digests, the claim. An outcome:
// nothing may be sent, and this is the outcome instead. Content and bytes are hashed and parsed
// once for all the deliveries that share them.
std::optional<Outcome> stopped(const Wire& wire, const Job& job);

// The check that its request makes before its first byte.
std::function<std::string()> last_check(const Job& job);

// The credential of its channel, if that is its own and may be sent there.
std::expected<Credential, std::string> credential_of(Wire& wire, const Job& job);

// The outcome where there is none, with that error: it may come yet, but not for a place of the
// live world.
Outcome without_credential(const Wire& wire, const Job& job, std::string why);

// The outcome of a request that failed as such.
Outcome failed(const runtime::HttpError& error);

// The wait that an answer requests: Retry-After (seconds or a date), or X-RateLimit-Reset as an
// ISO 8601 time, unix seconds or seconds to wait. Nothing: it requests none.
std::optional<Duration> asked_wait(const runtime::HttpResponse& response, Time now);
// The same of Retry-After alone: gateways put their limits into answers that are about something
// else.
std::optional<Duration> retry_after(const runtime::HttpResponse& response, Time now);

}  // namespace tocsin::publishing
