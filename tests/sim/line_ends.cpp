// Who stops a release, and how everybody brings things to their end.
#include "runtime/ledger/record.hpp"
#include "services.inc"
#include "sim/line_world.hpp"
#include "tocsin/measurement/v1/measurement_ledger.pb.h"
#include "trigger/decider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tocsin::sim {

using runtime::to_proto;

void LinePeople::stop_release() {
    const auto& releases = world_.state<publishing::Decider>("publishing").releases.by_id;
    if (releases.empty()) return;
    auto place = releases.begin();
    std::advance(place, world_.below(static_cast<int>(releases.size())));
    publishing::v1::Command command;
    command.mutable_stop_release()->set_release_id(place->first);
    command.mutable_stop_release()->set_reason("wrong river");
    ask("publishing", anybody(), command);
}

// --- the end ---

void LinePeople::finish() {
    set_up();
    for (const auto& [id, kept] : world_.state<approval::Decider>("approval").reviews.latest) {
        const approval::v1::Review review = kept.get();
        if (review.state() != approval::v1::REVIEW_STATE_IN_REVIEW ||
            !now_and_then("finish " + id, 60))
            continue;
        // Where too few are left who had no hand in it, it goes back.
        if (++tries_[id] > 4) {
            approval::v1::Command command;
            command.mutable_request_changes()->set_message_id(id);
            command.mutable_request_changes()->set_reason("nobody is left to approve it");
            ask("approval", named("dan"), command);
            continue;
        }
        for (const char* name : {"ben", "olga", "dan", "eve", "abe", "amy"}) {
            const Person& who = named(name);
            const bool wanted = std::ranges::any_of(
                review.agencies(), [&](const auto& one) { return one.agency_id() == who.agency; });
            if (wanted) approve(review, who, true);
        }
    }
}

bool LinePeople::finished() {
    for (const auto& [id, review] : world_.state<approval::Decider>("approval").reviews.latest)
        if (review.get().state() == approval::v1::REVIEW_STATE_IN_REVIEW) return false;
    return std::ranges::all_of(world_.state<publishing::Decider>("publishing").releases.by_id,
                               [](const auto& one) { return one.second.at_rest(); });
}

// --- probes: who asks, and the command; one function for each service ---

using Probes = std::vector<std::pair<std::string_view, std::string>>;

static Probes drafting_probes(LineWorld& world) {
    Probes all;
    for (const auto& [id, message] : world.state<drafting::Decider>("drafting").messages) {
        drafting::v1::Command command;
        command.mutable_withdraw_message()->set_message_id(id);
        all.emplace_back("ana", command.SerializeAsString());
        command.mutable_submit_message()->set_message_id(id);
        command.mutable_submit_message()->set_etag(std::to_string(message.version));
        all.emplace_back("ben", command.SerializeAsString());
    }
    return all;
}

static Probes approval_probes(LineWorld& world) {
    Probes all;
    for (const auto& [id, message] : world.state<drafting::Decider>("drafting").messages) {
        approval::v1::Command command;
        command.mutable_take_back()->set_message_id(id);
        all.emplace_back("dan", command.SerializeAsString());
    }
    return all;
}

static Probes measurement_probes(LineWorld& world) {
    Probes all;
    for (const auto& [id, message] : world.state<drafting::Decider>("drafting").messages) {
        measurement::v1::Command command;
        command.mutable_add_remark()->set_message_id(id);
        all.emplace_back("mel", command.SerializeAsString());
    }
    return all;
}

static Probes publishing_probes(LineWorld& world) {
    Probes all;
    for (const auto& [id, release] :
         world.state<publishing::Decider>("publishing").releases.by_id) {
        publishing::v1::Command command;
        command.mutable_stop_release()->set_release_id(id);
        all.emplace_back("olga", command.SerializeAsString());
    }
    return all;
}

static Probes trigger_probes(LineWorld& world) {
    Probes all;
    const auto& state = world.state<trigger::Decider>("trigger");
    state.rules.ascend(nullptr, [&](const std::string& id, const auto&) {
        trigger::v1::Command command;
        command.mutable_remove_rule()->set_rule_id(id);
        all.emplace_back("dan", command.SerializeAsString());
        return true;
    });
    state.sources.ascend(nullptr, [&](const std::string& id, const auto&) {
        trigger::v1::Command command;
        command.mutable_remove_source()->set_source_id(id);
        all.emplace_back("dan", command.SerializeAsString());
        return true;
    });
    return all;
}

// A service without probes does not compile.
std::vector<std::string> LinePeople::probes(std::string_view name) {
    Probes wanted;
#define TOCSIN_PROBES(service) \
    if (name == #service) wanted = service##_probes(world_);
    TOCSIN_SERVICES(TOCSIN_PROBES)
#undef TOCSIN_PROBES
    const runtime::Seal seal = world_.of(name).commands_seal();
    std::vector<std::string> all;
    for (const auto& [who, command] : wanted)
        all.emplace_back(*seal.open(value_of(named(who), "probe", command, world_.now(), seal)));
    return all;
}

}  // namespace tocsin::sim
