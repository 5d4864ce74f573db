// given(events) / when(command) / then(events) for any service's decider. Every command is decided
// twice on the same state, to show that deciding is pure, and once more on the state that follows,
// to show that a repeat adds nothing: it is answered without an event, or refused. (The ledger
// answers exact repeats before the decider ever sees them; this shows that the decider on its own
// stays sane.)
#pragma once

#include "runtime/ledger/decider.hpp"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace tocsin::testing {

using runtime::Asking;
using runtime::Time;

inline Time at(std::int64_t seconds) { return Time{std::chrono::seconds{1'750'000'000 + seconds}}; }

// `Service` as in runtime/ledger/rules.hpp.
template <class Service>
class Given {
public:
    using Event = typename Service::Event;
    using Command = typename Service::Command;

    explicit Given(std::vector<Event> events = {}, Time when = at(0)) : now_(when) {
        for (const Event& event : events) evolve(event);
    }

    Given& by(std::string actor, std::string agency, std::vector<std::string> roles) {
        asking_ = {"bow", std::move(actor), std::move(agency), std::move(roles), "r1"};
        return *this;
    }
    Given& request(std::string id) {
        asking_.request_id = std::move(id);
        return *this;
    }
    Given& on(Time when) {
        now_ = when;
        return *this;
    }

    // For a command whose repeat is another thing, which only the ledger's memory can tell.
    Given& repeats_add() {
        repeats_add_ = true;
        return *this;
    }

    // What a ledger holds although nobody would decide it now.
    Given& happens(const Event& event) {
        evolve(event);
        return *this;
    }

    // Decides and applies what happened.
    Given& when(const Command& command) {
        const auto before = Service::decide(state_, asking_, command, now_);
        const auto again = Service::decide(state_, asking_, command, now_);
        EXPECT_EQ(before.has_value(), again.has_value()) << "decide is not pure";
        if (before && again) {
            EXPECT_EQ(before->events.size(), again->events.size()) << "decide is not pure";
            for (std::size_t i = 0; i < std::min(before->events.size(), again->events.size()); ++i)
                // Not by bytes: maps are serialised in any order.
                EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(before->events[i],
                                                                               again->events[i]))
                    << "decide is not pure";
        }
        take(before);
        if (before && !repeats_add_) {
            const auto repeat = Service::decide(state_, asking_, command, now_);
            EXPECT_TRUE(!repeat || repeat->events.empty())
                << "a repeat adds: " << repeat->events.front().ShortDebugString();
            EXPECT_TRUE(!repeat || repeat->subject == subject_) << "a repeat is answered otherwise";
        }
        return *this;
    }

    Given& when(const runtime::Foreign& foreign) {
        const auto happened = Service::react(state_, foreign, now_);
        events_.clear();
        rejection_.reset();
        reacted_ = happened.has_value();
        if constexpr (requires { Service::concerns(foreign); }) {
            EXPECT_TRUE(!reacted_ || Service::concerns(foreign)) << "it would never be decided on";
        }
        if (happened) {
            events_ = happened->events;
            for (const Event& event : events_) evolve(event);
        }
        return *this;
    }

    const std::vector<Event>& events() const { return events_; }
    const std::optional<runtime::Rejection>& rejection() const { return rejection_; }
    bool reacted() const { return reacted_; }
    const typename Service::State& state() const { return state_; }
    const std::string& subject() const { return subject_; }
    const std::string& etag() const { return etag_; }

    // The code of the rejection; empty when the command was obeyed.
    std::string refused() const { return rejection_ ? rejection_->code : std::string{}; }

private:
    template <class Verdict>
    void take(const Verdict& verdict) {
        events_.clear();
        rejection_.reset();
        if (!verdict) {
            rejection_ = verdict.error();
            return;
        }
        events_ = verdict->events;
        subject_ = verdict->subject;
        etag_ = verdict->etag;
        for (const Event& event : events_) evolve(event);
    }
    void evolve(const Event& event) {
        EXPECT_TRUE(Service::evolve(state_, event, now_)) << event.ShortDebugString();
    }

    typename Service::State state_{};
    Asking asking_{"bow", "ana", "calgary", {"author"}, "r1"};
    Time now_;
    std::vector<Event> events_;
    std::optional<runtime::Rejection> rejection_;
    bool reacted_ = false;
    bool repeats_add_ = false;
    std::string subject_, etag_;
};

template <class Event>
runtime::Foreign foreign(std::string_view service, std::string realm, std::vector<Event> events,
                         Time when = at(0), std::int64_t offset = 0) {
    runtime::Foreign result{"", service, std::move(realm), offset, when, {}};
    for (const Event& event : events) result.events.push_back(event.SerializeAsString());
    return result;
}

// The events of another service that concern this one.
template <class Service, class Event>
std::set<std::string> concerning(std::string_view service) {
    std::set<std::string> names;
    const auto* kinds = Event::descriptor()->FindOneofByName("body");
    for (int i = 0; i < kinds->field_count(); ++i) {
        Event event;
        event.GetReflection()->MutableMessage(&event, kinds->field(i));
        if (Service::concerns(foreign<Event>(service, "bow", {event})))
            names.insert(std::string(kinds->field(i)->name()));
    }
    return names;
}

}  // namespace tocsin::testing
