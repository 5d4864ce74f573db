// Who stops a release, and how everybody brings things to their end.
#include "runtime/ledger/record.hpp"
#include "sim/line_world.hpp"
#include "tocsin/measurement/v1/measurement_ledger.pb.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

using runtime::to_proto;

void LinePeople::stop_release() {
    const auto& releases = world_.state<publishing::Decider>("publishing").releases.by_id;
    if (releases.empty()) return;
    auto place = releases.begin();
    std::advance(place, world_.below(static_cast<int>(releases.size())));
    publishing::v1::Command command;
    if (world_.chance(.5)) {
        command.mutable_cancel_release()->set_release_id(place->first);
        command.mutable_cancel_release()->set_reason("wrong river");
    } else {
        command.mutable_retract_release()->set_release_id(place->first);
        command.mutable_retract_release()->set_reason("wrong river");
    }
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

std::vector<std::string> LinePeople::probes(std::string_view name) {
    std::vector<std::string> all;
    const auto add = [&](const Person& who, const auto& command) {
        const runtime::Seal seal = world_.of(name).commands_seal();
        const auto bytes = value_of(who, "probe", command.SerializeAsString(), world_.now(), seal);
        all.emplace_back(*seal.open(bytes));
    };
    for (const auto& [id, message] : world_.state<drafting::Decider>("drafting").messages) {
        if (name == "drafting") {
            drafting::v1::Command command;
            command.mutable_withdraw_message()->set_message_id(id);
            add(named("ana"), command);
            command.mutable_submit_message()->set_message_id(id);
            command.mutable_submit_message()->set_etag(std::to_string(message.version));
            add(named("ben"), command);
        }
        if (name == "approval") {
            approval::v1::Command command;
            command.mutable_take_back()->set_message_id(id);
            add(named("dan"), command);
        }
        if (name == "measurement") {
            measurement::v1::Command command;
            command.mutable_add_remark()->set_message_id(id);
            add(named("mel"), command);
        }
    }
    for (const auto& [id, release] :
         world_.state<publishing::Decider>("publishing").releases.by_id) {
        if (name != "publishing") break;
        publishing::v1::Command command;
        command.mutable_cancel_release()->set_release_id(id);
        add(named("olga"), command);
        command.mutable_retract_release()->set_release_id(id);
        add(named("olga"), command);
    }
    return all;
}

}  // namespace tocsin::sim
