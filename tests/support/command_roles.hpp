// Holds the roles that a decider demands against the option beside each rpc (tocsin/rules/v1): both
// say who may make a change, the edge by the one and the ledger by the other.
#pragma once

#include "runtime/edge/identity.hpp"
#include "runtime/edge/method_rules.hpp"
#include "runtime/edge/service_named.hpp"
#include "runtime/ledger/decider.hpp"
#include "support/given.hpp"
#include "texts/contains.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>

namespace tocsin::testing {

// Null for a command of the service itself, which no rpc takes.
inline const rules::v1::MethodRules* rules_of(const google::protobuf::Descriptor& command) {
    try {
        return &runtime::method_rules(command);
    } catch (const std::logic_error&) {
        return nullptr;
    }
}

// Each request of an rpc that changes something is in `Command`: without it, only the start of the
// service would say so.
template <class Command>
void expect_every_change() {
    const std::string package = Command::descriptor()->file()->package();  // tocsin.<service>.v1
    const auto* service = runtime::service_named(
        package.substr(package.find('.') + 1, package.rfind('.') - package.find('.') - 1));
    ASSERT_NE(service, nullptr) << package;
    const auto* bodies = Command::descriptor()->FindOneofByName("body");
    for (int i = 0; i < service->method_count(); ++i) {
        const auto& request = *service->method(i)->input_type();
        const rules::v1::MethodRules* rules = rules_of(request);
        if (rules == nullptr || rules->access() != rules::v1::ACCESS_CHANGE) continue;
        bool known = false;
        for (int n = 0; n < bodies->field_count(); ++n)
            known = known || bodies->field(n)->message_type() == &request;
        EXPECT_TRUE(known) << request.full_name() << " is not in Command";
    }
}

// Whom the rules of each rpc refuse for a role, and nobody else, the decider refuses for it.
// `actor` has every role where `state` has a roster; `fields` are set in each command that has
// them.
template <class Service>
void expect_roles_of_options(const typename Service::State& state,
                             const std::map<std::string, std::string>& fields,
                             const std::string& actor = "ana",
                             const std::string& agency = "calgary") {
    expect_every_change<typename Service::Command>();
    const auto* bodies = Service::Command::descriptor()->FindOneofByName("body");
    for (int i = 0; i < bodies->field_count(); ++i) {
        const auto& kind = *bodies->field(i);
        const rules::v1::MethodRules* rules = rules_of(*kind.message_type());
        if (rules == nullptr) continue;
        typename Service::Command command;
        auto& body = *command.GetReflection()->MutableMessage(&command, &kind);
        for (const auto& [name, value] : fields)
            if (const auto* field = body.GetDescriptor()->FindFieldByName(name))
                body.GetReflection()->SetString(&body, field, value);
        for (const std::string_view role : runtime::known_roles) {
            const runtime::Asking asking{"bow", actor, agency, {std::string(role)}, "r1"};
            const auto verdict = Service::decide(state, asking, command, at(1));
            const bool refused = !verdict && verdict.error().code == "role_missing";
            EXPECT_NE(refused, texts::contains(rules->roles(), role))
                << kind.name() << " by the role " << role
                << ": the decider and the option beside the rpc differ";
        }
    }
}

}  // namespace tocsin::testing
