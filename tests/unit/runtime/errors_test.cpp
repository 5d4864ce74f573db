#include "runtime/edge/errors.hpp"

#include "google/rpc/error_details.pb.h"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

template <class Detail>
std::optional<Detail> detail_of(const grpc::Status& made) {
    Detail detail;
    const google::rpc::Status whole = unpack(made);
    for (const auto& any : whole.details())
        if (any.UnpackTo(&detail)) return detail;
    return std::nullopt;
}

TEST(Errors, CarriesReasonFieldsAndRetry) {
    const auto made = status(grpc::StatusCode::UNAVAILABLE, "not_yet", "come back",
                             {{"draft.title", "is required"}}, std::chrono::milliseconds(1500),
                             {{"position", "a/1/2"}});
    EXPECT_EQ(made.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(made.error_message(), "come back");
    const auto info = detail_of<google::rpc::ErrorInfo>(made);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->reason(), "NOT_YET");
    EXPECT_EQ(info->domain(), "tocsin");
    EXPECT_EQ(info->metadata().at("position"), "a/1/2");
    const auto bad = detail_of<google::rpc::BadRequest>(made);
    ASSERT_TRUE(bad);
    EXPECT_EQ(bad->field_violations(0).field(), "draft.title");
    const auto retry = detail_of<google::rpc::RetryInfo>(made);
    ASSERT_TRUE(retry);
    EXPECT_EQ(retry->retry_delay().seconds(), 1);
    EXPECT_EQ(retry->retry_delay().nanos(), 500'000'000);
}

TEST(Errors, OneTableSaysWhatTheEdgeRefuses) {
    const auto sound = edge_status("not_halted");
    EXPECT_EQ(sound.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_FALSE(sound.error_message().empty());
    EXPECT_FALSE(detail_of<google::rpc::RetryInfo>(sound));
    // A reason to ask again names the time after which to do so.
    const auto early = edge_status("not_yet");
    EXPECT_EQ(early.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(detail_of<google::rpc::ErrorInfo>(early)->reason(), "NOT_YET");
    EXPECT_TRUE(detail_of<google::rpc::RetryInfo>(early));
    EXPECT_EQ(edge_status("not_found", "gone").error_message(), "gone");
    EXPECT_EQ(edge_status("made_up").error_code(), grpc::StatusCode::INTERNAL);
}

TEST(Errors, LeavesOutWhatIsNotGiven) {
    const auto made = status(grpc::StatusCode::ABORTED, "stale", "re-read");
    EXPECT_FALSE(detail_of<google::rpc::BadRequest>(made));
    EXPECT_FALSE(detail_of<google::rpc::RetryInfo>(made));
}

TEST(Errors, StaysSmallAndKeepsTheReason) {
    std::vector<FieldViolation> fields(200, {"a.long.path", std::string(2000, 'x')});
    const auto made = status(grpc::StatusCode::INVALID_ARGUMENT, "invalid_argument",
                             std::string(100'000, 'y'), std::move(fields));
    EXPECT_LT(made.error_details().size(), 4096U);
    const auto info = detail_of<google::rpc::ErrorInfo>(made);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->reason(), "INVALID_ARGUMENT");
    EXPECT_TRUE(detail_of<google::rpc::BadRequest>(made));
}

TEST(Errors, CutTextIsStillUtf8) {
    const auto made = status(grpc::StatusCode::INTERNAL, "x", std::string(1023, 'a') + "\xc3\xa9",
                             {{"field", std::string(511, 'a') + "\xc3\xa9"}});
    google::rpc::Status whole;
    ASSERT_TRUE(whole.ParseFromString(made.error_details()));
    EXPECT_EQ(whole.message(), std::string(1023, 'a'));
    const auto bad = detail_of<google::rpc::BadRequest>(made);
    ASSERT_TRUE(bad);
    EXPECT_EQ(bad->field_violations(0).description(), std::string(511, 'a'));
}

TEST(Errors, LargeMetadataIsLeftOut) {
    const auto made = status(grpc::StatusCode::INTERNAL, "x", "y", {}, {},
                             {{"a", std::string(9000, 'b')}, {"c", "d"}});
    EXPECT_LE(made.error_details().size(), 4096U);
    const auto info = detail_of<google::rpc::ErrorInfo>(made);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->metadata().size(), 1U);
}

TEST(Errors, AStatusWithoutDetailsStillUnpacks) {
    const auto plain = unpack(grpc::Status(grpc::StatusCode::INTERNAL, "why"));
    EXPECT_EQ(plain.code(), 13);
    EXPECT_EQ(plain.message(), "why");
    const auto broken = unpack(grpc::Status(grpc::StatusCode::INTERNAL, "why", "\xff\xff"));
    EXPECT_EQ(broken.message(), "why");
}

}  // namespace
}  // namespace tocsin::runtime
