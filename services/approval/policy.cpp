#include "approval/policy.hpp"

#include "texts/contains.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/util/message_differencer.h>

#include <utility>

namespace tocsin::approval {

using google::protobuf::util::MessageDifferencer;
using runtime::Asking;
using runtime::Because;
using runtime::reject;

v1::Policy binding_policy(const Policies& policies, const std::string& agency_id, int severity) {
    const auto found = policies.by_agency.find({agency_id, severity});
    if (found != policies.by_agency.end()) return found->second.policy;
    v1::Policy policy;
    policy.set_quorum(default_quorum);
    for (const std::string_view role : approving_roles) policy.add_roles(std::string(role));
    return policy;
}

// ---- commands

Verdict set_policy(const Policies& policies, const v1::Roster& roster, const Asking& asking,
                   const v1::SetPolicyRequest& request) {
    if (auto no = require_role_on_roster(roster, asking, {"admin"})) return std::unexpected(*no);
    for (int i = 0; i < request.roles_size(); ++i)
        if (!texts::contains(approving_roles, request.roles(i)))
            return reject(Because::invalid_argument, "unknown_role",
                          fmt::format("the role `{}` does not approve; name `{}`", request.roles(i),
                                      fmt::join(approving_roles, "` or `")),
                          fmt::format("roles[{}]", i));
    if (request.quorum() < 1)
        return reject(Because::invalid_argument, "out_of_range",
                      fmt::format("the quorum is {}; name at least 1", request.quorum()), "quorum");
    if (request.roles().empty())
        return reject(Because::invalid_argument, "required",
                      fmt::format("the policy names no role; name `{}`, or several of them",
                                  fmt::join(approving_roles, "` or `")),
                      "roles");

    v1::Event event = event_of({});
    v1::Policy& policy = *event.mutable_policy_set()->mutable_policy();
    policy.set_agency_id(asking.agency);
    policy.set_severity(request.severity());
    policy.set_quorum(request.quorum());
    *policy.mutable_roles() = request.roles();
    event.mutable_policy_set()->set_actor(asking.actor);

    std::string subject = fmt::format("{}/{}", asking.agency, static_cast<int>(request.severity()));
    const auto before = policies.by_agency.find({asking.agency, request.severity()});
    if (before != policies.by_agency.end() &&
        MessageDifferencer::Equals(before->second.policy, policy))
        return Happened{{}, std::move(subject), std::to_string(before->second.version)};
    const auto version = before == policies.by_agency.end() ? 1 : before->second.version + 1;
    return Happened{{event}, std::move(subject), std::to_string(version)};
}

// ---- events

void evolve(Policies& policies, const v1::PolicySet& set) {
    const v1::Policy& policy = set.policy();
    KeptPolicy& kept = policies.by_agency[{policy.agency_id(), policy.severity()}];
    kept.policy = policy;
    ++kept.version;
}

}  // namespace tocsin::approval
