#include "runtime/ledger/public_event.hpp"

#include "runtime/base/digest.hpp"
#include "runtime/base/time.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <gtest/gtest.h>

#include <map>

namespace tocsin::runtime {
namespace {

const PublicSource drafting{"live", "drafting", 3};

ledger::v1::Decision decision_of(const std::vector<drafting::v1::Event>& events) {
    ledger::v1::Decision decision;
    decision.set_realm("calgary");
    *decision.mutable_decided_at() =
        to_proto(Time{std::chrono::microseconds{1'371'765'600'250'000}});
    decision.mutable_cause()->set_traceparent("00-4bf92f3577b34da6-00f067aa0ba902b7-01");
    auto& accepted = *decision.mutable_accepted();
    accepted.set_subject("message-1");
    for (const auto& event : events) accepted.add_events(event.SerializeAsString());
    return decision;
}

drafting::v1::Event submitted() {
    drafting::v1::Event event;
    event.mutable_message_submitted();
    return event;
}

drafting::v1::Event created() {
    drafting::v1::Event event;
    event.mutable_message_created();
    return event;
}

std::map<std::string, std::string> headers_of(const PublicRecord& record) {
    return {record.headers.begin(), record.headers.end()};
}

TEST(PublicEvent, CarriesTheHeadersOfACloudEvent) {
    const auto decision = decision_of({created(), submitted()});
    const auto records = public_records(drafting, {decision, sha256("one"), 41}, {});
    ASSERT_TRUE(records);
    ASSERT_EQ(records->size(), 2u);
    const std::map<std::string, std::string> wanted{
        {"content-type", "application/protobuf"},
        {"ce_specversion", "1.0"},
        {"ce_id", hex(sha256("one")) + "-1"},
        {"ce_source", "/tocsin/live/drafting"},
        {"ce_type", "tocsin.drafting.v1.message_submitted"},
        {"ce_time", "2013-06-20T22:00:00.250Z"},
        {"ce_subject", "message-1"},
        {"ce_partitionkey", "calgary"},
        {"traceparent", "00-4bf92f3577b34da6-00f067aa0ba902b7-01"}};
    EXPECT_EQ(headers_of((*records)[1]), wanted);
    EXPECT_EQ((*records)[1].key, "calgary");
    EXPECT_EQ(headers_of((*records)[0])["ce_type"], "tocsin.drafting.v1.message_created");
}

TEST(PublicEvent, SaysWhatHappenedAndWhere) {
    const auto decision = decision_of({submitted()});
    const auto records = public_records(drafting, {decision, sha256("one"), 41}, {});
    ledger::v1::PublicEvent event;
    ASSERT_TRUE(records && event.ParseFromString(records->at(0).value));
    EXPECT_EQ(event.service(), "drafting");
    EXPECT_EQ(event.realm(), "calgary");
    EXPECT_EQ(event.type(), "message_submitted");
    EXPECT_EQ(event.event(), submitted().SerializeAsString());
    EXPECT_EQ(event.position().service(), "drafting");
    EXPECT_EQ(event.position().partition(), 3);
    EXPECT_EQ(event.position().offset(), 41);
}

TEST(PublicEvent, SaysHowFarExportHadCome) {
    const auto decision = decision_of({submitted()});
    const Exported exported{40, sha256("before")};
    const auto records = public_records(drafting, {decision, sha256("one"), 41}, exported);
    const auto trace = trace_of(drafting, records->at(0).headers);
    ASSERT_TRUE(trace);
    EXPECT_EQ(trace->id, hex(sha256("one")) + "-0");
    EXPECT_EQ(trace->exported.offset, 40);
    EXPECT_EQ(trace->exported.digest, sha256("before"));
    EXPECT_FALSE(trace_of({"live", "approval", 3}, records->at(0).headers));
    EXPECT_FALSE(trace_of({"exercise", "drafting", 3}, records->at(0).headers));
}

TEST(PublicEvent, ASpoiltTraceIsNoTrace) {
    for (const char* spoilt : {"", "40", "40/", "x/00", "-3/00", "40/abcd"})
        EXPECT_FALSE(trace_of(
            drafting,
            {{"ce_source", drafting.uri()}, {"ce_id", "1-0"}, {"tocsin-exported", spoilt}}))
            << spoilt;
}

TEST(PublicEvent, AnAttributeWithoutAValueIsLeftOut) {
    auto decision = decision_of({submitted()});
    decision.mutable_accepted()->clear_subject();
    decision.mutable_cause()->clear_traceparent();
    const auto records = public_records(drafting, {decision, sha256("one"), 41}, {});
    const auto headers = headers_of(records->at(0));
    EXPECT_FALSE(headers.contains("ce_subject"));
    EXPECT_FALSE(headers.contains("traceparent"));
}

TEST(PublicEvent, ARejectionIsNotAnEvent) {
    ledger::v1::Decision decision;
    decision.mutable_rejected()->set_code("expired");
    EXPECT_TRUE(public_records(drafting, {decision, sha256("one"), 41}, {})->empty());
}

TEST(PublicEvent, AnEventOfANewerVersionIsNotGuessed) {
    const auto decision = decision_of({drafting::v1::Event{}});
    EXPECT_FALSE(public_records(drafting, {decision, sha256("one"), 41}, {}));
}

}  // namespace
}  // namespace tocsin::runtime
