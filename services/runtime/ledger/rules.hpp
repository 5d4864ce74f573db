// The decider of one partition, with the service's own types hidden: what the ledger protocol, the
// simulator and the process drive alike.
#pragma once

#include "runtime/ledger/decider.hpp"

#include <google/protobuf/arena.h>

#include <map>
#include <memory>

namespace tocsin::runtime {

// What a command or an input leads to, serialised.
using Decided = std::expected<ledger::v1::Accepted, Rejection>;

struct DueCommand {
    Time at;
    std::string body;  // serialised Command
};

class Rules {
public:
    virtual ~Rules() = default;
    // May throw: then the input is recorded as a rejection and its bytes are kept as a dead letter.
    virtual Decided decide(const Asking& asking, std::string_view body, Time now) const = 0;
    // Whether a foreign decision can concern this service at all, by its content alone: one that
    // does not leaves no record. It must not depend on state, or a restart would see it otherwise.
    virtual bool concerns(const Foreign& foreign) const = 0;
    // Nothing: nothing happened. For a ledger that is recorded, so that the position moves on; for
    // a stream it leaves no record and the same reading may be met again, so it must then again do
    // nothing unless the state has moved.
    virtual std::optional<ledger::v1::Accepted> react(const Foreign& foreign, Time now) const = 0;
    // False: an event that this version does not know; the partition must stop.
    virtual bool evolve(const std::string& realm, const std::string& event, Time decided_at) = 0;
    virtual std::optional<DueCommand> next_due(const std::string& realm) const = 0;
    // An empty one of the same service.
    virtual std::unique_ptr<Rules> fresh() const = 0;
};

// Binds the free functions of a service's decider to Rules. `Service` names State, Command, Event
// and the functions decide, react and evolve, and those that decider.hpp leaves to it.
template <class Service>
class RulesOf : public Rules {
public:
    using Command = typename Service::Command;
    using Event = typename Service::Event;
    using State = typename Service::State;

    // `blank` is what every realm begins with: the settings of a decider, which never vary within a
    // ledger, are part of it.
    explicit RulesOf(State blank = {}) : blank_(std::move(blank)) {}

    Decided decide(const Asking& asking, std::string_view body, Time now) const override {
        Command command;
        if (!command.ParseFromArray(body.data(), static_cast<int>(body.size())))
            throw std::runtime_error("command does not parse");
        auto verdict = Service::decide(state(asking.realm), asking, command, now);
        if (!verdict) return std::unexpected(std::move(verdict.error()));
        return pack(*verdict);
    }

    bool concerns(const Foreign& foreign) const override {
        if constexpr (requires { Service::concerns(foreign); }) return Service::concerns(foreign);
        return true;
    }

    std::optional<ledger::v1::Accepted> react(const Foreign& foreign, Time now) const override {
        auto happened = Service::react(state(foreign.realm), foreign, now);
        if (!happened) return std::nullopt;
        return pack(*happened);
    }

    bool evolve(const std::string& realm, const std::string& bytes, Time decided_at) override {
        // Parsed, folded and gone: on the stack as far as it fits there.
        alignas(8) char block[2048];
        google::protobuf::Arena arena(block, sizeof block);
        auto& event = *google::protobuf::Arena::CreateMessage<Event>(&arena);
        if (!event.ParseFromString(bytes) || event.body_case() == Event::BODY_NOT_SET) return false;
        return Service::evolve(realms_.try_emplace(realm, blank_).first->second, event, decided_at);
    }

    std::optional<DueCommand> next_due(const std::string& realm) const override {
        if constexpr (requires(const State& state) { Service::next_due(state); }) {
            if (auto due = Service::next_due(state(realm)))
                return DueCommand{due->at, due->command.SerializeAsString()};
        }
        return std::nullopt;
    }

    std::unique_ptr<Rules> fresh() const override { return std::make_unique<RulesOf>(blank_); }

    const State& state(const std::string& realm) const {
        const auto found = realms_.find(realm);
        return found == realms_.end() ? blank_ : found->second;
    }

private:
    static ledger::v1::Accepted pack(const Happened<Event>& happened) {
        ledger::v1::Accepted accepted;
        for (const Event& event : happened.events) accepted.add_events(event.SerializeAsString());
        accepted.set_subject(happened.subject);
        accepted.set_etag(happened.etag);
        return accepted;
    }

    State blank_;
    std::map<std::string, State> realms_;
};

}  // namespace tocsin::runtime
