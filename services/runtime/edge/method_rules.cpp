#include "runtime/edge/method_rules.hpp"

#include "runtime/edge/identity.hpp"
#include "runtime/edge/service_named.hpp"
#include "services.inc"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

namespace tocsin::runtime {

using google::protobuf::Descriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using rules::v1::MethodRules;

using Methods = std::unordered_map<const Descriptor*, const MethodDescriptor*>;

// Of all services, by what they take.
static Methods all_methods() {
    Methods methods;
#define TOCSIN_NAME(service) #service,
    for (const char* name : {TOCSIN_SERVICES(TOCSIN_NAME) "ledger"}) {
#undef TOCSIN_NAME
        const ServiceDescriptor* service = service_named(name);
        for (int i = 0; service != nullptr && i < service->method_count(); ++i)
            methods.emplace(service->method(i)->input_type(), service->method(i));
    }
    return methods;
}

static const MethodDescriptor* method_of(const Descriptor& request) {
    static const Methods methods = all_methods();
    const auto found = methods.find(&request);
    return found == methods.end() ? nullptr : found->second;
}

const MethodRules& method_rules(const Descriptor& request) {
    const MethodDescriptor* method = method_of(request);
    if (method == nullptr) throw std::logic_error("no method takes " + request.full_name());
    if (!method->options().HasExtension(rules::v1::method))
        throw std::logic_error(method->full_name() + " does not say who may call it");
    return method->options().GetExtension(rules::v1::method);
}

// Of a method that is for the people of a realm.
static std::string realm_rules_problem(const MethodRules& rules) {
    if (std::ranges::find(rules.roles(), operator_role) != rules.roles().end())
        return "an operator belongs to no realm";
    return rules.reach() == rules::v1::REACH_UNSPECIFIED ? "it does not say for which agencies"
                                                         : "";
}

std::string rules_problem(const MethodRules& rules) {
    for (const std::string& role : rules.roles())
        if (std::ranges::find(known_roles, role) == known_roles.end())
            return fmt::format("there is no role `{}`", role);
    switch (rules.access()) {
        case rules::v1::ACCESS_CHANGE:
            if (rules.roles().empty()) return "a change needs roles";
            return realm_rules_problem(rules);
        case rules::v1::ACCESS_READ:
            return realm_rules_problem(rules);
        case rules::v1::ACCESS_PUBLIC:
            if (!rules.roles().empty()) return "what is public needs no role";
            return rules.reach() == rules::v1::REACH_UNSPECIFIED ? ""
                                                                 : "what is public has no reach";
        case rules::v1::ACCESS_OPERATOR:
            if (rules.roles_size() != 1 || rules.roles(0) != operator_role)
                return "it needs the role operator and no other";
            return rules.reach() == rules::v1::REACH_UNSPECIFIED ? "" : "an operator has no agency";
        case rules::v1::ACCESS_UNSPECIFIED:
        case rules::v1::Access_INT_MIN_SENTINEL_DO_NOT_USE_:
        case rules::v1::Access_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return "it does not say what kind of access it is";
}

void check_rules(const ServiceDescriptor& service) {
    for (int i = 0; i < service.method_count(); ++i) {
        const std::string why = rules_problem(method_rules(*service.method(i)->input_type()));
        if (!why.empty())
            throw std::logic_error(fmt::format("{}: {}", service.method(i)->full_name(), why));
    }
}

}  // namespace tocsin::runtime
