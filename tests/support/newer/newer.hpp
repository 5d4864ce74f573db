// A service as its next release may be: it writes an event that this release does not know, and
// itself folds it as nothing. For rolling upgrades in the broker tests. Its exported events end
// there: they are named after the protos, which are those of this release.
#pragma once

#include "runtime/service.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::testing {

class NewerRules final : public runtime::Rules {
public:
    explicit NewerRules(std::unique_ptr<runtime::Rules> rules) : rules_(std::move(rules)) {}

    // The new event follows from every command that has this in one of its texts.
    static constexpr std::string_view asked_for = "of a newer version";

    runtime::Decided decide(const runtime::Asking& asking, std::string_view body,
                            runtime::Time now) const override {
        auto decided = rules_->decide(asking, body, now);
        if (decided && body.contains(asked_for)) decided->add_events(std::string(new_event));
        return decided;
    }
    // The new event concerns it, so that its ledger shows by whom it was read.
    bool concerns(const runtime::Foreign& foreign) const override {
        const runtime::Foreign known = known_part(foreign);
        return known.events.size() < foreign.events.size() || rules_->concerns(known);
    }
    std::optional<ledger::v1::Accepted> react(const runtime::Foreign& foreign,
                                              runtime::Time now) const override {
        const runtime::Foreign known = known_part(foreign);
        if (!rules_->concerns(known)) return std::nullopt;
        return rules_->react(known, now);
    }
    bool evolve(const std::string& realm, const std::string& event,
                runtime::Time decided_at) override {
        return event == new_event || rules_->evolve(realm, event, decided_at);
    }
    std::optional<runtime::DueCommand> next_due(const std::string& realm) const override {
        return rules_->next_due(realm);
    }
    std::unique_ptr<runtime::Rules> fresh() const override {
        return std::make_unique<NewerRules>(rules_->fresh());
    }

private:
    // Field 99 of the service's `Event`, an empty message.
    static constexpr std::string_view new_event{"\x9a\x06\x00", 3};

    static runtime::Foreign known_part(runtime::Foreign foreign) {
        std::erase(foreign.events, new_event);
        return foreign;
    }

    std::unique_ptr<runtime::Rules> rules_;
};

inline runtime::ServiceDefinition newer(runtime::ServiceDefinition definition) {
    definition.rules = [rules = definition.rules](const runtime::RuntimeConfig& config) {
        return std::make_unique<NewerRules>(rules(config));
    };
    return definition;
}

}  // namespace tocsin::testing
