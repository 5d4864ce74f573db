// What publishing promises, checked with code of its own: nothing lost, nothing twice, nothing
// unapproved, a cancel before the claim wins, and nobody is left without a way to stop a release.
#pragma once

#include "publishing/decider.hpp"
#include "runtime/http/http.hpp"
#include "sim/public_channels.hpp"

#include <map>
#include <set>
#include <string>

namespace tocsin::sim {

class ReleasePromises {
public:
    // The state is what counts in publishing's ledger.
    ReleasePromises(const PublicChannels& channels, std::function<const publishing::State&()> state)
        : channels_(channels), state_(std::move(state)) {}

    // A content with this digest was approved.
    void approved(const std::string& digest) { approved_.insert(digest); }
    // A decision of publishing counts.
    void counted(const ledger::v1::Decision& decision);
    // What is wrong with what is about to leave; empty when it is right.
    std::string fault_of(const std::string& incarnation, const runtime::HttpRequest& request,
                         runtime::Time now);
    // Throws Violation where a release cannot be stopped, or is not though it should be.
    void check_stoppable(runtime::Time now, const std::string& agency);
    // The text of this release went back to its authors.
    bool is_returned(const std::string& release) const { return returned_.contains(release); }
    // Once nothing is under way. Throws Violation.
    void check_end() const;
    std::int64_t sent() const { return sent_; }
    // For the reader of a violation.
    static std::string standing_of(const publishing::Release& release);

private:
    void check_budget(const publishing::v1::Event& claimed, runtime::Time at);
    void note_hold(const publishing::v1::Event& event, runtime::Time decided_at);
    void check_not_on_hold(const publishing::v1::Event& claimed) const;
    static void check_stopped(const publishing::Release& release);
    // Whether a retraction was approved with it.
    static bool has_words(const publishing::Release& release);
    struct Armed {  // a delivery, by its key
        std::string release, delivery, body;
        std::map<std::string, int> claims;  // by executor
        std::map<std::string, int> sends;
    };

    void note(const publishing::v1::Event& event, runtime::Time decided_at);
    void check_retried(const std::string& id, const std::string& delivery_id) const;
    void check_not_held(const std::string& id) const;
    void check_in_use(const publishing::v1::Event& claimed) const;
    void check_followed(const publishing::Release& release) const;
    // Of each message at most one release may be public, and none whose text went back; and one
    // update of it, at most.
    void check_one_each() const;
    static bool overtakes(const publishing::Release& release, const std::string& delivery,
                          runtime::Time now);
    bool overtakes_earlier(const publishing::Release& release, const publishing::Delivery& delivery,
                           runtime::Time now) const;
    static bool may_still_start(const publishing::Delivery& delivery, runtime::Time now);
    void check_not_updated(const publishing::v1::Event& claimed) const;
    static bool goes_elsewhere(const publishing::Release& release,
                               const publishing::Delivery& delivery,
                               const runtime::HttpRequest& request);
    void check_release(const publishing::Release& release) const;
    bool shows_words_of(const std::string& key) const;
    bool taken_back(const publishing::Release& release, const publishing::Delivery& delivery) const;

    const PublicChannels& channels_;
    std::function<const publishing::State&()> state_;
    std::set<std::string> approved_;
    std::map<std::string, Armed> armed_;
    std::map<std::string, publishing::v1::Hold> holds_;        // in force
    std::map<std::string, std::vector<runtime::Time>> posts_;  // by account
    std::set<std::string> cancelled_;
    std::set<std::string> returned_;
    // Deliveries that a person left out, or that went with their channel, by release.
    std::map<std::string, std::set<std::string>> left_out_;
    // Version at which a release was last seen to be stoppable, and steps until that is tried
    // again.
    std::map<std::string, std::pair<std::int64_t, int>> tried_;
    std::int64_t sent_ = 0;
};

}  // namespace tocsin::sim
