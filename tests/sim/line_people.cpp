#include "sim/line_people.hpp"

#include "runtime/ledger/topics.hpp"
#include "sim/line_world.hpp"
#include "tocsin/measurement/v1/measurement_ledger.pb.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

using runtime::to_proto;
using std::chrono::seconds;

static constexpr int messages_max = 5;

bool LinePeople::now_and_then(const std::string& what, int ticks) {
    std::int64_t& next = again_at_[what];
    if (world_.tick() < next) return false;
    next = world_.tick() + ticks;
    return true;
}

const Person& LinePeople::anybody() {
    return people()[static_cast<std::size_t>(world_.below(static_cast<int>(people().size())))];
}

runtime::Submission LinePeople::submission(const Person& who, const std::string& request_id,
                                           const std::string& body, Time expires) {
    runtime::Submission submission;
    submission.asking = {line_realm, who.subject, who.agency, who.roles, request_id};
    submission.expires_at = expires;
    submission.sent_at = world_.now();
    submission.body = body;
    return submission;
}

std::string LinePeople::value_of(const Person& who, const std::string& request_id,
                                 const std::string& body, Time expires, const runtime::Seal& seal) {
    return runtime::command_bytes(submission(who, request_id, body, expires), seal,
                                  world_.keys().newest());
}

// Now and then a request id was used before, for something else.
void LinePeople::ask(std::string_view service, const Person& who,
                     const google::protobuf::MessageLite& command) {
    std::string id = fmt::format("r{}", requests_++);
    if (!world_.calm() && requests_ > 5 && world_.chance(.04))
        id = fmt::format("r{}", requests_ - 2 - world_.below(4));
    // Everybody means the same incident.
    if (const auto* drafted = dynamic_cast<const drafting::v1::Command*>(&command);
        drafted != nullptr && drafted->has_create_incident())
        id = "incident";
    const int life = world_.calm() || world_.chance(.9) ? 3600 : 10 + world_.below(600);
    const Time expires = world_.now() + seconds(life);
    world_.of(service).ask(submission(who, id, command.SerializeAsString(), expires));
}

void LinePeople::act() {
    if (world_.chance(.3)) set_up();
    if (world_.chance(.15)) draft();
    if (world_.chance(.02)) remark();
    if (world_.chance(.003)) stop_release();
    if (world_.chance(.01)) change_roster();
    if (world_.chance(.01)) change_channel();
    if (world_.chance(.025)) change_rule();
    if (world_.chance(.01)) forge();
    const auto& reviews = world_.state<approval::Decider>("approval").reviews.latest;
    if (reviews.empty() || !world_.chance(.25)) return;
    auto place = reviews.begin();
    std::advance(place, world_.below(static_cast<int>(reviews.size())));
    review(place->first);
}

// --- drafting ---

void LinePeople::draft() {
    const auto& state = world_.state<drafting::Decider>("drafting");
    if (!state.incidents.contains(first_incident())) return;
    if (messages_ < messages_max && world_.chance(.2)) {
        const Person& who =
            world_.chance(.8) ? named(world_.chance(.6) ? "ana" : "ben") : anybody();
        drafting::v1::Command command;
        auto& create = *command.mutable_create_message();
        create.set_incident_id(first_incident());
        if (world_.chance(.3)) {
            create.set_template_id("flood");
            (*create.mutable_values())["value"] = "1 084";
        } else {
            *create.mutable_draft() = draft_of(messages_, world_.now(), world_.chance(.4));
        }
        ++messages_;
        return ask("drafting", who, command);
    }
    if (state.messages.empty()) return;
    auto place = state.messages.begin();
    std::advance(place, world_.below(static_cast<int>(state.messages.size())));
    if (place->second.state == drafting::v1::MESSAGE_STATE_DRAFT || world_.chance(.1))
        change(place->first, place->second);
}

void LinePeople::change(const std::string& id, const drafting::Message& message) {
    const auto version = message.version - (world_.chance(.1) ? 1 : 0);
    const Person& who = world_.chance(.8) ? named(world_.chance(.5) ? "ana" : "ben") : anybody();
    drafting::v1::Command command;
    const int draw = world_.below(20);
    if (draw < 13) {
        command.mutable_submit_message()->set_message_id(id);
        command.mutable_submit_message()->set_etag(std::to_string(version));
    } else if (draw < 19) {
        auto& revise = *command.mutable_revise_message();
        revise.set_message_id(id);
        revise.set_etag(std::to_string(version));
        *revise.mutable_draft() = draft_of(world_.below(1000), world_.now(), world_.chance(.4));
    } else {
        command.mutable_withdraw_message()->set_message_id(id);
        command.mutable_withdraw_message()->set_reason("no flood after all");
    }
    ask("drafting", who, command);
}

// --- approval ---

void LinePeople::review(const std::string& id) {
    const auto review = world_.state<approval::Decider>("approval").reviews.latest.at(id).get();
    if (review.state() != approval::v1::REVIEW_STATE_IN_REVIEW && !world_.chance(.05)) return;
    const int draw = world_.below(40);
    if (draw < 3) return give_up(review);
    if (draw == 3) {
        approval::v1::Command command;
        auto& policy = *command.mutable_set_policy();
        policy.set_severity(content::v1::SEVERITY_SEVERE);
        policy.set_quorum(1 + world_.below(2));
        policy.add_roles("approver");
        policy.add_roles("duty-officer");
        return ask("approval", named(world_.chance(.5) ? "root" : "rita"), command);
    }
    // Of those who may, though some of them may have written it.
    const Person* who = &anybody();
    if (world_.chance(.7)) {
        const int place = 1 + world_.below(7);
        who = &people()[static_cast<std::size_t>(place)];
    }
    approve(review, *who, world_.chance(.9));
}

void LinePeople::approve(const approval::v1::Review& review, const Person& who, bool right) {
    approval::v1::Command command;
    command.mutable_approve()->set_message_id(review.message_id());
    command.mutable_approve()->set_digest(right ? review.digest() : std::string(64, '0'));
    ask("approval", who, command);
}

void LinePeople::give_up(const approval::v1::Review& review) {
    approval::v1::Command command;
    const int draw = world_.below(5);
    if (draw == 0) {
        command.mutable_reject()->set_message_id(review.message_id());
        command.mutable_reject()->set_reason("no flood");
    } else if (draw < 3) {
        command.mutable_request_changes()->set_message_id(review.message_id());
        command.mutable_request_changes()->set_reason("say which bank");
    } else {
        command.mutable_take_back()->set_message_id(review.message_id());
        command.mutable_take_back()->set_reason("a typo");
    }
    ask("approval", anybody(), command);
}

// --- measurement ---

void LinePeople::remark() {
    const auto& messages = world_.state<drafting::Decider>("drafting").messages;
    if (messages.empty()) return;
    auto place = messages.begin();
    std::advance(place, world_.below(static_cast<int>(messages.size())));
    measurement::v1::Command command;
    command.mutable_add_remark()->set_message_id(place->first);
    command.mutable_add_remark()->set_text("the second siren was late");
    ask("measurement", world_.chance(.8) ? named("mel") : anybody(), command);
}

// Somebody without the key, or who copies what was sealed for another service, and somebody whose
// bytes nobody can read.
void LinePeople::forge() {
    const auto& services = world_.services();
    const auto place = static_cast<std::size_t>(world_.below(static_cast<int>(services.size())));
    LineService& target = *services[place];
    const LineService& elsewhere = *services[(place + 1) % services.size()];
    if (!target.opened()) return;
    approval::v1::Command command;
    *command.mutable_import_roster()->mutable_roster() = roster();
    ledger::v1::CommandRecord record;
    record.set_realm(line_realm);
    record.set_actor("root");
    record.set_request_id("forged");
    *record.mutable_expires_at() = to_proto(world_.now() + seconds(600));
    record.set_body(command.SerializeAsString());
    const int draw = world_.below(3);
    const runtime::Seal seal = target.commands_seal();
    if (draw == 0) {
        // Without the key, or with a seal that is good elsewhere.
        const runtime::WorldKeys others{{"another key"}};
        const runtime::Seal other(others, runtime::commands_topic("live", target.name()),
                                  runtime::RecordKind::command);
        target.spoil(other.close(record.SerializeAsString(), others.newest()));
        target.spoil(
            elsewhere.commands_seal().close(record.SerializeAsString(), world_.keys().newest()));
    }
    if (draw == 1) target.spoil(seal.close("\x0f garbage", world_.keys().newest()));
    if (draw == 2)
        target.spoil(value_of(named("root"), fmt::format("bad-{}", world_.tick()), "\xff\xff",
                              world_.now() + seconds(600), seal));
}

}  // namespace tocsin::sim
