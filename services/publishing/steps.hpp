// What the topic files of the decider share. Internal to the decider.
#pragma once

#include "publishing/decider.hpp"

namespace tocsin::publishing {

using Verdict = runtime::Verdict<v1::Event>;
using Happened = runtime::Happened<v1::Event>;

// One decision in the making: each event changes the copy of the release at once, so that the next
// rule sees what the one before decided. The copy shares all that no event changes.
struct Turn {
    Release release;
    Time now;
    std::vector<v1::Event> events;

    void add(v1::Event event);
    Happened done() &&;
};

// Commands that only this service's own executors and timers send.
std::optional<runtime::Rejection> refuse_stranger(const runtime::Asking& asking);
// Who may stop or take back a release: an approver or duty-officer of one of its agencies.
std::optional<runtime::Rejection> refuse_outsider(const runtime::Asking& asking,
                                                  const Release& release);
std::unexpected<runtime::Rejection> no_release(const State& state, const runtime::Asking& asking,
                                               std::string_view release_id);

// channel_rules.cpp
// What is wrong with where a channel is and what it is opened with, whoever puts it.
std::optional<runtime::Rejection> refuse_place(const v1::PutChannelRequest& request);
Verdict put_channel(const State& state, const runtime::Asking& asking,
                    const v1::PutChannelRequest& request);
Verdict remove_channel(const State& state, const runtime::Asking& asking,
                       const v1::RemoveChannelRequest& request);

// planning.cpp
std::optional<Happened> plan(const State& state, const runtime::Foreign& foreign, Time now);

// preparing.cpp
Verdict record_prepared(const State& state, const runtime::Asking& asking,
                        const v1::RecordPrepared& result, Time now);
// Arms, waits or gives up, as readiness, policy and time say.
void proceed(Turn& turn);

// arming.cpp
void arm(Turn& turn);
// Keeps renditions that did not fit into the decision that armed them, as many as fit into one.
void keep_renditions(Turn& turn);
void end(Turn& turn, std::string state, std::string reason);

// claiming.cpp
Verdict claim_release(const State& state, const runtime::Asking& asking,
                      const v1::ClaimRelease& claim, Time now);
Verdict cancel_release(const State& state, const runtime::Asking& asking,
                       const v1::CancelReleaseRequest& request, Time now);

// settling.cpp
void settle(Turn& turn, const Item& item, std::string state, const std::string& reason,
            const v1::RecordOutcome* outcome = nullptr);
// Ends the release, or its retraction, once nothing is left to wait for.
void complete(Turn& turn);
Verdict record_outcome(const State& state, const runtime::Asking& asking,
                       const v1::RecordOutcome& outcome, Time now);
Verdict reach_due(const State& state, const runtime::Asking& asking, const v1::ReachDue& due,
                  Time now);

// retraction.cpp
// What was heard of a delivery of a message that was retracted may concern its retraction.
void follow_original(Turn& turn, const std::string& delivery_id);
Verdict retract_release(const State& state, const runtime::Asking& asking,
                        const v1::RetractReleaseRequest& request, Time now);

}  // namespace tocsin::publishing
