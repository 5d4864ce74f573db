#include "sim/toy.hpp"

#include "runtime/base/record_limits.hpp"

#include <fmt/format.h>

#include <sstream>

namespace tocsin::sim {

using runtime::Because;
using runtime::Decided;
using runtime::reject;

std::vector<std::string> words(std::string_view line) {
    std::istringstream stream{std::string(line)};
    std::vector<std::string> found;
    for (std::string word; stream >> word;) found.push_back(word);
    return found;
}

static ledger::v1::Accepted happened(std::string event, std::string subject) {
    ledger::v1::Accepted accepted;
    accepted.add_events(std::move(event));
    accepted.set_subject(std::move(subject));
    return accepted;
}

static Decided add(const ToyRealm& realm, std::int64_t amount) {
    const std::int64_t sum = realm.total + amount;
    if (sum % 7 == 0) return reject(Because::failed_precondition, "seven", "no multiple of seven");
    return happened(fmt::format("total {}", sum), std::to_string(sum));
}

static Decided claim(const Delivery& delivery, const std::vector<std::string>& word) {
    if (delivery.phase != Delivery::Phase::armed || std::stoi(word[2]) != delivery.attempt + 1)
        return reject(Because::failed_precondition, "not_to_claim", "claimed or done already");
    return happened(fmt::format("claimed {} {} {}", word[1], word[2], word[3]), word[1]);
}

// What an executor or, after its time, somebody who asked the channel says of a claim.
static Decided settle(const Delivery& delivery, const std::vector<std::string>& word) {
    if (delivery.phase != Delivery::Phase::claimed || std::stoi(word[2]) != delivery.attempt)
        return reject(Because::failed_precondition, "not_claimed", "settled already");
    const bool done = word[3] == "done" || word[3] == "present";
    return happened(fmt::format("{} {}", done ? "delivered" : "armed_again", word[1]), word[1]);
}

static Decided on_delivery(const ToyRealm& realm, const std::vector<std::string>& word) {
    const auto found = realm.deliveries.find(word.at(1));
    if (word[0] == "arm") {
        if (found != realm.deliveries.end())
            return reject(Because::already_exists, "armed_before", "armed before");
        return happened(fmt::format("armed {} {}", word[1], word.at(2)), word[1]);
    }
    if (found == realm.deliveries.end())
        return reject(Because::not_found, "no_such_delivery", "no such delivery");
    if (word[0] == "claim") return claim(found->second, word);
    if (word[0] == "settle") return settle(found->second, word);
    if (found->second.phase != Delivery::Phase::armed)
        return reject(Because::failed_precondition, "too_late", "claimed, done or cancelled");
    return happened(fmt::format("cancelled {}", word[1]), word[1]);
}

Decided Toy::decide(const runtime::Asking& asking, std::string_view body, Time now) const {
    const ToyRealm& state = realm(asking.realm);
    const auto word = words(body);
    const std::string& verb = word.at(0);
    if (verb == "add") return add(state, std::stoll(word.at(1)));
    if (verb == "timer") {
        const auto due = now + std::chrono::seconds(std::stoi(word.at(1)));
        return happened(
            fmt::format("timer {} {}", state.timers_set, due.time_since_epoch().count()),
            std::to_string(state.timers_set));
    }
    if (verb == "due") {
        const auto found = state.timers.find(std::stoi(word.at(1)));
        if (found == state.timers.end() || found->second > now)
            return reject(Because::failed_precondition, "not_due", "not due");
        return happened("fired " + word[1], word[1]);
    }
    if (verb == "huge")
        return happened("total 1 " + std::string(runtime::decision_bytes_max, 'x'), "huge");
    if (verb == "large")
        return happened("total 1 " + std::string(std::stoul(word.at(1)), 'x'), "large");
    if (verb == "boom") throw std::runtime_error("boom");
    return on_delivery(state, word);
}

bool Toy::concerns(const runtime::Foreign& foreign) const {
    return foreign.events.front() != "aside";
}

std::optional<ledger::v1::Accepted> Toy::react(const runtime::Foreign& foreign, Time) const {
    const ToyRealm& state = realm(foreign.realm);
    const auto word = words(foreign.events.front());
    if (word.at(0) == "boom") throw std::runtime_error("boom");
    if (word[0] == "newer" && version_ < 2)
        throw runtime::UnknownForeignEvent("event of a newer version");
    if (word[0] == "newer") return happened("newer 0", "");
    if (word[0] == "reading") {
        const std::int64_t level = std::stoll(word.at(1));
        if (level <= state.level) return std::nullopt;
        return happened(fmt::format("level {}", level), "");
    }
    if (word[0] == "veto") {
        const auto found = state.deliveries.find(word.at(1));
        if (found == state.deliveries.end() || found->second.phase != Delivery::Phase::armed)
            return std::nullopt;
        return happened("cancelled " + word[1], "");
    }
    return happened(fmt::format("total {}", state.total + std::stoll(word.at(1))), "");
}

bool Toy::evolve(const std::string& name, const std::string& event, Time) {
    ToyRealm& state = realms_[name];
    const auto word = words(event);
    if (word.empty()) return false;
    if (word[0] == "total") {
        state.total = std::stoll(word[1]);
    } else if (word[0] == "newer" && version_ >= 2) {
        state.total = 0;
    } else if (word[0] == "level") {
        state.level = std::stoll(word[1]);
    } else if (word[0] == "timer") {
        state.timers[std::stoi(word[1])] = Time{std::chrono::microseconds{std::stoll(word[2])}};
        ++state.timers_set;
    } else if (word[0] == "fired") {
        state.timers.erase(std::stoi(word[1]));
    } else if (word[0] == "armed") {
        state.deliveries[word[1]].content = word[2];
    } else if (word[0] == "claimed") {
        Delivery& delivery = state.deliveries[word[1]];
        delivery.phase = Delivery::Phase::claimed;
        delivery.attempt = std::stoi(word[2]);
        delivery.executor = word[3];
    } else if (word[0] == "delivered") {
        state.deliveries[word[1]].phase = Delivery::Phase::delivered;
    } else if (word[0] == "armed_again") {
        state.deliveries[word[1]].phase = Delivery::Phase::armed;
    } else if (word[0] == "cancelled") {
        state.deliveries[word[1]].phase = Delivery::Phase::cancelled;
    } else {
        return false;
    }
    return true;
}

std::optional<runtime::DueCommand> Toy::next_due(const std::string& name) const {
    const ToyRealm& state = realm(name);
    std::optional<runtime::DueCommand> next;
    for (const auto& [number, at] : state.timers) {
        if (number < 0) throw std::runtime_error("a timer before the first");
        if (!next || at < next->at) next = {at, fmt::format("due {}", number)};
    }
    return next;
}

std::unique_ptr<runtime::Rules> Toy::fresh() const { return std::make_unique<Toy>(version_); }

const ToyRealm& Toy::realm(const std::string& name) const {
    static const ToyRealm nothing;
    const auto found = realms_.find(name);
    return found == realms_.end() ? nothing : found->second;
}

std::string Toy::dump() const {
    std::string text;
    for (const auto& [name, state] : realms_) {
        text += fmt::format("{}: total {} level {} timers {}/{}", name, state.total, state.level,
                            state.timers.size(), state.timers_set);
        for (const auto& [id, delivery] : state.deliveries)
            text +=
                fmt::format(" {}={}:{}:{}:{}", id, delivery.content,
                            static_cast<int>(delivery.phase), delivery.attempt, delivery.executor);
        text += "\n";
    }
    return text;
}

}  // namespace tocsin::sim
