// A service small enough to be checked by eye: a total that some additions are refused, one timer
// after another, and deliveries that are armed, claimed, done or cancelled. Commands and events are
// lines of text.
#pragma once

#include "runtime/ledger/rules.hpp"

#include <map>
#include <string>
#include <vector>

namespace tocsin::sim {

using runtime::Time;

struct Delivery {
    enum class Phase { armed, claimed, delivered, cancelled };
    std::string content;
    Phase phase = Phase::armed;
    int attempt = 0;
    std::string executor;
};

struct ToyRealm {
    std::int64_t total = 0;
    std::int64_t level = 0;
    int timers_set = 0;
    std::map<int, Time> timers;
    std::map<std::string, Delivery> deliveries;
};

// Version 2 knows an own and a foreign event, "newer", that version 1 does not.
class Toy final : public runtime::Rules {
public:
    explicit Toy(int version = 1) : version_(version) {}

    runtime::Decided decide(const runtime::Asking& asking, std::string_view body,
                            Time now) const override;
    bool concerns(const runtime::Foreign& foreign) const override;
    std::optional<ledger::v1::Accepted> react(const runtime::Foreign& foreign,
                                              Time now) const override;
    bool evolve(const std::string& realm, const std::string& event, Time decided_at) override;
    std::optional<runtime::DueCommand> next_due(const std::string& realm) const override;
    std::unique_ptr<runtime::Rules> fresh() const override;

    const std::map<std::string, ToyRealm>& realms() const { return realms_; }
    // Everything it knows, to compare two of them.
    std::string dump() const;

private:
    const ToyRealm& realm(const std::string& name) const;

    int version_;
    std::map<std::string, ToyRealm> realms_;
};

std::vector<std::string> words(std::string_view line);

// What a process of it takes of a command.
inline constexpr std::int64_t command_bytes_max = 2'000;

}  // namespace tocsin::sim
