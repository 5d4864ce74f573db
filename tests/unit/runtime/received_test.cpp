// What one connection to the gRPC port may do.
#include "runtime/edge/received.hpp"

#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace tocsin::runtime {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 20s;

// Keeps every call until it is let go.
class Holding final : public drafting::v1::DraftingService::CallbackService {
public:
    grpc::ServerUnaryReactor* ListMessages(grpc::CallbackServerContext* context,
                                           const drafting::v1::ListMessagesRequest*,
                                           drafting::v1::ListMessagesResponse*) override {
        auto* reactor = context->DefaultReactor();
        const std::lock_guard guard(mutex_);
        peers_.insert(context->peer());
        if (let_all_go_)
            reactor->Finish(grpc::Status::OK);
        else
            held_.push_back(reactor);
        changed_.notify_all();
        return reactor;
    }
    bool comes_to_hold(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return held_.size() == count; });
    }
    void let_one_go() {
        const std::lock_guard guard(mutex_);
        held_.front()->Finish(grpc::Status::OK);
        held_.pop_front();
    }
    void let_all_go() {
        const std::lock_guard guard(mutex_);
        let_all_go_ = true;
        for (auto* reactor : held_) reactor->Finish(grpc::Status::OK);
        held_.clear();
    }
    // The connections that calls came by.
    std::set<std::string> peers() {
        const std::lock_guard guard(mutex_);
        return peers_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool let_all_go_ = false;
    std::deque<grpc::ServerUnaryReactor*> held_;
    std::set<std::string> peers_;
};

class Server {
public:
    explicit Server(const ConnectionBounds& bounds) {
        grpc::ServerBuilder builder;
        builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
        builder.RegisterService(&holding);
        bound_received(builder);
        bound_connections(builder, bounds);
        server_ = builder.BuildAndStart();
    }
    ~Server() {
        holding.let_all_go();
        server_->Shutdown(std::chrono::system_clock::now());
    }

    std::shared_ptr<grpc::Channel> channel() const {
        return grpc::CreateChannel("127.0.0.1:" + std::to_string(port_),
                                   grpc::InsecureChannelCredentials());
    }
    int connect() const {
        const int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port_));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(plain, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        return plain;
    }

    Holding holding;

private:
    int port_ = 0;
    std::unique_ptr<grpc::Server> server_;
};

// What comes until the server closes its side; empty texts stand for nothing within the patience.
std::string said_until_closed(int plain) {
    std::string said;
    char bytes[4096];
    for (pollfd here{plain, POLLIN, 0};
         poll(&here, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) == 1;) {
        const auto count = recv(plain, bytes, sizeof bytes, 0);
        if (count <= 0) return said;
        said.append(bytes, static_cast<std::size_t>(count));
    }
    ADD_FAILURE() << "the connection stays open";
    return said;
}

TEST(ConnectionBounds, AConnectionHasOnlySoManyCallsUnderWay) {
    Server server({.streams = 2});
    const auto drafting = drafting::v1::DraftingService::NewStub(server.channel());
    struct Call {
        grpc::ClientContext context;
        drafting::v1::ListMessagesRequest request;
        drafting::v1::ListMessagesResponse response;
        std::atomic<bool> over = false;
    };
    std::deque<Call> calls(3);
    for (Call& call : calls) {
        call.context.set_deadline(std::chrono::system_clock::now() + patience);
        drafting->async()->ListMessages(&call.context, &call.request, &call.response,
                                        [&call](const grpc::Status&) { call.over = true; });
    }
    ASSERT_TRUE(server.holding.comes_to_hold(2));
    // The third comes for the first that ends, and only then: it would have been there by now.
    server.holding.let_one_go();
    ASSERT_TRUE(server.holding.comes_to_hold(2));
    server.holding.let_all_go();
    for (Call& call : calls)
        while (!call.over) std::this_thread::yield();
}

TEST(ConnectionBounds, AConnectionThatIsOldIsReplaced) {
    Server server({.age = 100, .grace = 100});
    server.holding.let_all_go();
    const auto drafting = drafting::v1::DraftingService::NewStub(server.channel());
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (server.holding.peers().size() < 3 && std::chrono::steady_clock::now() < deadline) {
        grpc::ClientContext context;
        context.set_wait_for_ready(true);
        context.set_deadline(std::chrono::system_clock::now() + patience);
        drafting::v1::ListMessagesResponse response;
        EXPECT_TRUE(drafting->ListMessages(&context, {}, &response).ok());
    }
    EXPECT_GE(server.holding.peers().size(), 3U);
}

TEST(ConnectionBounds, AConnectionWithNothingToDoIsClosed) {
    const Server server({.idle = 100});
    const auto channel = server.channel();
    ASSERT_TRUE(channel->WaitForConnected(std::chrono::system_clock::now() + patience));
    EXPECT_TRUE(channel->WaitForStateChange(GRPC_CHANNEL_READY,
                                            std::chrono::system_clock::now() + patience));
}

TEST(ConnectionBounds, WhoConnectsAndSaysNothingIsCutOff) {
    const Server server({.handshake = 200});
    const int plain = server.connect();
    said_until_closed(plain);
    close(plain);
}

// RFC 9113 section 6.7; the reason is the one of gRPC's A8.
TEST(ConnectionBounds, WhoSendsPingsAllTheTimeIsSentAway) {
    const Server server({});
    const int plain = server.connect();
    const std::string settings("\0\0\0\4\0\0\0\0\0", 9), ping("\0\0\10\6\0\0\0\0\0pingpong", 17);
    std::string sent = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings;
    for (int i = 0; i < 10; ++i) sent += ping;
    ASSERT_EQ(send(plain, sent.data(), sent.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(sent.size()));
    EXPECT_NE(said_until_closed(plain).find("too_many_pings"), std::string::npos);
    close(plain);
}

}  // namespace
}  // namespace tocsin::runtime
