// The milestones that one decision of another service leads to, event by event. What an earlier
// event of it changed is seen by the later ones: a delivery can be settled and its release
// completed in one decision.
#pragma once

#include "measurement/message.hpp"
#include "measurement/release.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tocsin::measurement {

class Telling {
public:
    Telling(const Messages& messages, const Releases& releases, Time at)
        : messages_(messages), releases_(releases), at_(at) {}

    // When the decision was made.
    Time at() const { return at_; }
    const KeptRelease& release(const std::string& release_id);
    bool crossing_known(const std::string& crossing_id) const;

    // Whom a message concerns, as far as is known.
    content::v1::Parties parties(const std::string& message_id);
    // Records whom it concerns, unless that is recorded already.
    void concern(const std::string& message_id, content::v1::Parties parties);
    // Records the milestone, unless it was reached before.
    void reach(v1::Event reached);
    void record(v1::Event event);

    std::optional<Happened> done() &&;

private:
    void touch_message(const std::string& message_id);
    void touch_release(const std::string& release_id);

    const Messages& messages_;
    const Releases& releases_;
    Time at_;
    Messages changed_messages_;  // copies of what was touched
    Releases changed_releases_;
    std::vector<v1::Event> events_;
};

// That this message or release, each empty where none is meant, reached it.
v1::Event milestone(v1::MilestoneKind kind, Time at, std::string message_id,
                    std::string release_id = {});

// One function per service that is read; each is given its decision's events.
void tell_drafting(Telling& telling, const runtime::Foreign& foreign);
void tell_approval(Telling& telling, const runtime::Foreign& foreign);
void tell_publishing(Telling& telling, const runtime::Foreign& foreign);
void tell_trigger(Telling& telling, const runtime::Foreign& foreign);

}  // namespace tocsin::measurement
