#include "runtime/edge/method_rules.hpp"

#include "runtime/edge/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tocsin::runtime {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using rules::v1::MethodRules;

// Services are apart from what they take: `tocsin.drafting.v1` has its own in
// `tocsin/drafting/v1/drafting_service.proto`.
static const FileDescriptor* services_beside(const Descriptor& request) {
    const std::string& package = request.file()->package();
    const auto first = package.find('.'), second = package.find('.', first + 1);
    if (first == std::string::npos || second == std::string::npos) return nullptr;
    std::string folder = package;
    std::ranges::replace(folder, '.', '/');
    return request.file()->pool()->FindFileByName(
        fmt::format("{}/{}_service.proto", folder, package.substr(first + 1, second - first - 1)));
}

static const MethodDescriptor* method_of(const Descriptor& request) {
    const FileDescriptor* file = services_beside(request);
    for (int i = 0; file != nullptr && i < file->service_count(); ++i)
        for (int j = 0; j < file->service(i)->method_count(); ++j)
            if (file->service(i)->method(j)->input_type() == &request)
                return file->service(i)->method(j);
    return nullptr;
}

const MethodRules& method_rules(const Descriptor& request) {
    const MethodDescriptor* method = method_of(request);
    if (method == nullptr) throw std::logic_error("no method takes " + request.full_name());
    if (!method->options().HasExtension(rules::v1::method))
        throw std::logic_error(method->full_name() + " does not say who may call it");
    return method->options().GetExtension(rules::v1::method);
}

std::string unsound(const MethodRules& rules) {
    for (const std::string& role : rules.roles())
        if (std::ranges::find(known_roles, role) == known_roles.end())
            return fmt::format("there is no role {}", role);
    switch (rules.access()) {
        case rules::v1::ACCESS_CHANGE:
            if (rules.roles().empty()) return "a change needs roles";
            break;
        case rules::v1::ACCESS_READ:
            break;
        case rules::v1::ACCESS_PUBLIC:
            if (!rules.roles().empty()) return "what is public needs no role";
            return rules.reach() == rules::v1::REACH_UNSPECIFIED ? ""
                                                                 : "what is public has no reach";
        case rules::v1::ACCESS_OPERATOR:
            if (rules.roles_size() != 1 || rules.roles(0) != operator_role)
                return "it needs the role operator and no other";
            return rules.reach() == rules::v1::REACH_UNSPECIFIED ? "" : "an operator has no agency";
        default:
            return "it does not say what kind of access it is";
    }
    if (std::ranges::find(rules.roles(), operator_role) != rules.roles().end())
        return "an operator belongs to no realm";
    return rules.reach() == rules::v1::REACH_UNSPECIFIED ? "it does not say for which agencies"
                                                         : "";
}

void require_rules(const ServiceDescriptor& service) {
    for (int i = 0; i < service.method_count(); ++i) {
        const std::string why = unsound(method_rules(*service.method(i)->input_type()));
        if (!why.empty())
            throw std::logic_error(fmt::format("{}: {}", service.method(i)->full_name(), why));
    }
}

}  // namespace tocsin::runtime
