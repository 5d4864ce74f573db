#include "runtime/ledger/refusals.hpp"

#include "google/rpc/error_details.pb.h"
#include "runtime/edge/rpc.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

const Asking asking{"calgary", "ana", "city", {"author"}, "1"};
const Caller caller{"ana", "calgary", "city", {"author"}};

TEST(Refusals, AreTheSameAtTheEdgeAndInADecider) {
    EXPECT_EQ(require_role(caller, {"admin"})->text, require_role(asking, {"admin"})->text);
    EXPECT_EQ(not_concerned(caller, "message_id").text, not_concerned(asking, "message_id").text);
    const std::vector<std::string> others{"bridge"};
    EXPECT_EQ(require_agency(caller, "incident", others, "incident_id")->text,
              require_agency(asking, "incident", others, "incident_id")->text);
}

TEST(Refusals, OfAnIdSayWhatToDo) {
    EXPECT_EQ(no_such("message", "msg-0", "message_id").text,
              "there is no message `msg-0` in this realm; check the id");
    EXPECT_EQ(no_such("source", "bow", "source_id", "put it first").text,
              "there is no source `bow` in this realm; put it first");
}

TEST(Refusals, OfALimitNameWhatIsFullItsBoundAndTheRemedy) {
    ReachedLimit limit{.of = "the realm",
                       .bound = 2,
                       .things = "rules",
                       .remedy = "remove one",
                       .field = "rule_id"};
    const Rejection full = no_room("too_many_rules", limit);
    EXPECT_EQ(full.because, Because::resource_exhausted);
    EXPECT_EQ(full.text, "there is no room: the realm can have at most 2 rules; remove one");
    EXPECT_EQ(full.field, "rule_id");
    limit.wanted = 5;
    EXPECT_EQ(no_room("too_many_rules", limit).text,
              "there is no room: the realm can have at most 2 rules, not 5; remove one");
}

TEST(Refusals, AnswerACallWithTheirCodeTextAndField) {
    const grpc::Status made = status_of(no_such("message", "msg-0", "message_id"));
    EXPECT_EQ(made.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(made.error_message(), "there is no message `msg-0` in this realm; check the id");
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    const google::rpc::Status whole = unpack(made);
    ASSERT_EQ(whole.details_size(), 2);
    ASSERT_TRUE(whole.details(0).UnpackTo(&info));
    EXPECT_EQ(info.reason(), "NOT_FOUND");
    ASSERT_TRUE(whole.details(1).UnpackTo(&bad));
    EXPECT_EQ(bad.field_violations(0).field(), "message_id");
}

}  // namespace
}  // namespace tocsin::runtime
