#include "bench/city.hpp"

#include "bench/calls.hpp"
#include "bench/floor.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/view.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"

#include <csignal>

namespace tocsin::bench {

static constexpr const char* author = "author@city.example";
static constexpr const char* approver = "approver@city.example";
static constexpr const char* admin = "admin@city.example";

std::string author_token(const Stage& stage, const std::string& of_realm) {
    return stage.token(author, of_realm, {"author", "duty-officer"});
}
std::string approver_token(const Stage& stage) {
    return stage.token(approver, realm, {"approver"});
}
std::string operator_token(const Stage& stage) { return stage.token("olga", "", {"operator"}); }
std::string admin_token(const Stage& stage, const std::string& of_realm) {
    return stage.token(admin, of_realm, {"admin"});
}

static void add_person(approval::v1::Roster& roster, const char* subject,
                       std::initializer_list<const char*> roles) {
    approval::v1::Person& person = *roster.add_people();
    person.set_subject(subject);
    person.set_name(subject);
    person.set_agency_id("city");
    for (const char* role : roles) person.add_roles(role);
}

void import_roster(const Stage& stage, const std::shared_ptr<grpc::Channel>& approval,
                   const std::string& of_realm) {
    approval::v1::ImportRosterRequest request;
    request.set_request_id(runtime::new_uuid_v7());
    approval::v1::Roster& roster = *request.mutable_roster();
    approval::v1::Agency& city = *roster.add_agencies();
    city.set_agency_id("city");
    (*city.mutable_names())["en-CA"] = "City";
    (*city.mutable_names())["fr-CA"] = "Ville";
    city.set_cap_sender("alerts@city.example");
    add_person(roster, author, {"author", "duty-officer"});
    add_person(roster, approver, {"approver"});
    add_person(roster, admin, {"admin"});
    grpc::ClientContext context;
    prepare(context, "Bearer " + admin_token(stage, of_realm));
    ledger::v1::ChangeResponse response;
    expect_ok(approval::v1::ApprovalService::NewStub(approval)->ImportRoster(&context, request,
                                                                             &response),
              "ImportRoster");
}

Running start_drafting(Stage& stage, const std::vector<std::string>& realms) {
    stage.create_topics("live", "approval");
    std::vector<std::string> missing = realms;
    // Its opening is the first record of a partition; the roster is one more.
    std::erase_if(missing, [&](const std::string& of_realm) {
        const Place ledger{runtime::ledger_topic("live", "approval"),
                           runtime::partition_of(of_realm, Stage::partitions)};
        return end_offset(stage.kafka(), ledger) >= 2;
    });
    if (!missing.empty()) {
        Running approval = stage.start("approval", "live", "approval-1");
        approval.await_serving("approval");
        for (const std::string& of_realm : missing)
            import_roster(stage, approval.channel, of_realm);
        approval.program->end(SIGTERM);
    }
    return stage.start("drafting", "live", "drafting-1");
}

}  // namespace tocsin::bench
