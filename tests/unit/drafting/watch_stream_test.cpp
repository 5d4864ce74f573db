#include "drafting/watch_stream.hpp"

#include "drafting/event.hpp"
#include "runtime/edge/errors.hpp"
#include "support/given.hpp"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

namespace tocsin::drafting {
namespace {

using testing::at;

// The stream behind a real server, for any caller of the realm `bow`.
class Server final : public v1::DraftingService::CallbackService {
public:
    explicit Server(DraftingView& view) : view_(view) {
        grpc::ServerBuilder builder;
        builder.RegisterService(this);
        server_ = builder.BuildAndStart();
    }
    ~Server() override { server_->Shutdown(std::chrono::system_clock::now()); }

    std::unique_ptr<v1::DraftingService::Stub> stub() {
        return v1::DraftingService::NewStub(server_->InProcessChannel({}));
    }

    grpc::ServerWriteReactor<v1::WatchMessagesResponse>* WatchMessages(
        grpc::CallbackServerContext* context, const v1::WatchMessagesRequest* request) override {
        return new WatchStream(
            view_, {"bow", "ana", request->incident_id(), sees}, [this] { return readable.load(); },
            [this]() -> std::optional<grpc::Status> {
                if (on_roster) return std::nullopt;
                return runtime::edge_status("role_missing");
            },
            looked_after, [context] { context->TryCancel(); });
    }

    std::function<bool(const content::v1::Parties&)> sees = [](const auto&) { return true; };
    std::atomic<bool> readable = true;
    std::atomic<bool> on_roster = true;
    std::chrono::milliseconds looked_after{60'000};

private:
    DraftingView& view_;
    std::unique_ptr<grpc::Server> server_;
};

class WatchStreamTest : public ::testing::Test {
protected:
    void create(const std::string& id, std::size_t title_bytes = 10'000) {
        v1::Event event = event_of(id);
        // So large that few fit into what gRPC holds for a reader that does not read.
        event.mutable_message_created()->mutable_draft()->set_title(std::string(title_bytes, 'x'));
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        decision.mutable_accepted()->add_events(event.SerializeAsString());
        view_.apply({"drafting", 0, 0, at(0), decision, true});
    }
    std::unique_ptr<grpc::ClientReader<v1::WatchMessagesResponse>> watch() {
        return stub_->WatchMessages(&context_, {});
    }

    DraftingView view_{1};
    Server server_{view_};
    std::unique_ptr<v1::DraftingService::Stub> stub_ = server_.stub();
    grpc::ClientContext context_;
    v1::WatchMessagesResponse got_;
};

TEST_F(WatchStreamTest, AnEmptySnapshotIsCompleteAtOnce) {
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    EXPECT_TRUE(got_.snapshot_complete());
    EXPECT_FALSE(got_.has_message());
}

TEST_F(WatchStreamTest, TheSnapshotComesFirstAndThenEveryChange) {
    create("a");
    create("b");
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    EXPECT_EQ(got_.message().message_id(), "b");
    EXPECT_FALSE(got_.snapshot_complete());
    ASSERT_TRUE(reader->Read(&got_));
    EXPECT_EQ(got_.message().message_id(), "a");
    EXPECT_TRUE(got_.snapshot_complete());
    create("c");
    ASSERT_TRUE(reader->Read(&got_));
    EXPECT_EQ(got_.message().message_id(), "c");
    EXPECT_FALSE(got_.snapshot_complete());
}

TEST_F(WatchStreamTest, WhoLeftTheRosterIsToldNoMore) {
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    server_.on_roster = false;
    create("a");
    EXPECT_FALSE(reader->Read(&got_));
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(WatchStreamTest, EndsThoughNothingIsTold) {
    server_.looked_after = std::chrono::milliseconds{20};
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    create("a");
    ASSERT_TRUE(reader->Read(&got_)) << "it goes on while it may";
    server_.on_roster = false;
    EXPECT_FALSE(reader->Read(&got_));
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

// It holds a place that others want.
TEST_F(WatchStreamTest, WhoLeftTheRosterAndReadsNothingIsLetGoToo) {
    server_.looked_after = std::chrono::milliseconds{20};
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    for (int i = 0; i < 500; ++i) create("message-" + std::to_string(i));
    server_.on_roster = false;
    // Nothing is read meanwhile.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (view_.watchers() > 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(view_.watchers(), 0U);
    while (reader->Read(&got_)) {
    }
    EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(WatchStreamTest, AReaderThatIsTooSlowIsLetGo) {
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    for (std::size_t i = 0; i < 2 * WatchStream::changes_max; ++i) create(std::to_string(i));
    while (reader->Read(&got_)) {
    }
    const grpc::Status status = reader->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
}

TEST_F(WatchStreamTest, WhatWaitsForAReaderIsBoundedByItsBytes) {
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    // Far fewer than may wait by their number.
    constexpr std::size_t large = 500'000;
    for (std::size_t i = 0; i < 4 * WatchStream::changes_bytes_max / large; ++i)
        create(std::to_string(i), large);
    std::size_t told = 0;
    while (reader->Read(&got_)) ++told;
    const grpc::Status status = reader->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_LT(told, 2 * WatchStream::changes_bytes_max / large);
}

TEST_F(WatchStreamTest, EndsUnavailableWhenTheServiceStops) {
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    view_.stop();
    EXPECT_FALSE(reader->Read(&got_));
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(WatchStreamTest, EndsUnavailableWhenThePartitionHalts) {
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    view_.halted(0);
    EXPECT_FALSE(reader->Read(&got_));
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(WatchStreamTest, OfARealmThatCannotBeReadEndsUnavailable) {
    server_.readable = false;
    const auto reader = watch();
    EXPECT_FALSE(reader->Read(&got_));
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(WatchStreamTest, ShowsOfTheSnapshotWhatItsReaderMaySee) {
    create("m1");
    create("m2");
    server_.sees = [](const auto&) { return false; };
    const auto reader = watch();
    ASSERT_TRUE(reader->Read(&got_));
    EXPECT_TRUE(got_.snapshot_complete());
    EXPECT_FALSE(got_.has_message());
}

TEST_F(WatchStreamTest, OneTooManyIsRefusedWithTheLimit) {
    struct Other final : Watcher {
        void changed(const std::shared_ptr<const v1::Message>&) override {}
        void ended(End) override {}
    };
    std::deque<Other> others(DraftingView::watchers_of_realm_max);
    int number = 0;
    for (Other& other : others) view_.watch({"bow", std::to_string(++number), {}}, other);
    const auto reader = watch();
    EXPECT_FALSE(reader->Read(&got_));
    const grpc::Status status = reader->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_NE(status.error_message().find("100 of one realm"), std::string::npos)
        << status.error_message();
}

TEST_F(WatchStreamTest, StartedAfterTheStopEndsUnavailable) {
    view_.stop();
    const auto reader = watch();
    EXPECT_FALSE(reader->Read(&got_));
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(WatchStreamTest, ACancelledCallEndsWhileOthersGoOn) {
    auto cancelled = watch();
    ASSERT_TRUE(cancelled->Read(&got_));
    context_.TryCancel();
    EXPECT_EQ(cancelled->Finish().error_code(), grpc::StatusCode::CANCELLED);
    grpc::ClientContext other;
    const auto reader = stub_->WatchMessages(&other, {});
    ASSERT_TRUE(reader->Read(&got_));
    create("a");
    ASSERT_TRUE(reader->Read(&got_));
    EXPECT_EQ(got_.message().message_id(), "a");
    other.TryCancel();
}

}  // namespace
}  // namespace tocsin::drafting
