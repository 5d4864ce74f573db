#include "runtime/host/self_dial.hpp"

#include <arpa/inet.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <semaphore>
#include <thread>

namespace tocsin::runtime {

using std::chrono::milliseconds;

// Listens, and accepts nobody: as gRPC does after a moment without descriptors.
class Deaf {
public:
    explicit Deaf(const char* host = "127.0.0.1", int wanted_port = 0) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        inet_pton(AF_INET, host, &address.sin_addr);
        address.sin_port = htons(static_cast<std::uint16_t>(wanted_port));
        socklen_t size = sizeof address;
        if (bind(handle_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            listen(handle_, 16) != 0)
            throw std::runtime_error("cannot listen");
        getsockname(handle_, reinterpret_cast<sockaddr*>(&address), &size);
        port = ntohs(address.sin_port);
    }
    ~Deaf() { close(handle_); }
    // Not at first.
    void hear_once() const { close(accept(handle_, nullptr, nullptr)); }
    int port = 0;

private:
    int handle_ = socket(AF_INET, SOCK_STREAM, 0);
};

TEST(SelfDial, ReachesAGrpcServer) {
    int port = 0;
    grpc::CallbackGenericService any;  // Without one gRPC starts no server.
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(&any);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    const auto server = builder.BuildAndStart();
    ASSERT_TRUE(server);
    EXPECT_EQ(dial("127.0.0.1", port, milliseconds(5000)), "");
    server->Shutdown();
    EXPECT_EQ(dial("127.0.0.1", port, milliseconds(5000)), "Connection refused");
}

TEST(SelfDial, AConnectionThatNobodyAcceptsIsNone) {
    const Deaf deaf;
    EXPECT_EQ(dial("127.0.0.1", deaf.port, milliseconds(50)),
              "the connection was not accepted in time");
}

// It may be listened on where nobody here can tell.
TEST(SelfDial, JudgesNothingThatNeverAnswered) {
    const Deaf deaf;
    for (const char* listen : {"127.0.0.1:1", "[::1]:1"}) {
        std::atomic<bool> told = false;
        {
            const SelfDial dialling(listen, deaf.port, {milliseconds(1), milliseconds(5), 1, 2},
                                    {[](bool) {}, [&](const std::string&) { told = true; }});
            std::this_thread::sleep_for(milliseconds(60));
        }
        EXPECT_FALSE(told) << listen;
    }
}

TEST(SelfDial, TellsOnceThatTheServerIsDeaf) {
    const Deaf deaf;
    std::promise<std::string> told;
    const SelfDial dialling("0.0.0.0:0", deaf.port, {milliseconds(1), milliseconds(200), 2, 3},
                            {[](bool) {}, [&](const std::string& why) { told.set_value(why); }});
    deaf.hear_once();
    auto why = told.get_future();
    ASSERT_EQ(why.wait_for(std::chrono::seconds(10)), std::future_status::ready);
    EXPECT_EQ(why.get(), "the connection was not accepted in time");
}

TEST(SelfDial, AServerThatGoesOnAcceptingOthersIsDoubtedAndNotDeaf) {
    const Deaf slow;
    std::atomic<bool> accepting = true;
    std::atomic<std::size_t> accepted = 0;
    std::counting_semaphore<> doubted{0};
    std::promise<std::string> told;
    const SelfDial dialling("127.0.0.1:0", slow.port, {milliseconds(1), milliseconds(100), 2, 3},
                            {[&](bool answers) {
                                 if (!answers) doubted.release();
                             },
                             [&](const std::string& why) { told.set_value(why); },
                             [&] { return accepting ? ++accepted : accepted.load(); }});
    slow.hear_once();
    ASSERT_TRUE(doubted.try_acquire_for(std::chrono::seconds(20)));
    auto why = told.get_future();
    EXPECT_EQ(why.wait_for(milliseconds(800)), std::future_status::timeout);
    accepting = false;
    EXPECT_EQ(why.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(SelfDial, EachListenerIsJudged) {
    int port = 0;
    grpc::CallbackGenericService any;
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(&any);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    const auto server = builder.BuildAndStart();
    ASSERT_TRUE(server);
    const Deaf second("127.0.0.2", port);
    std::promise<std::string> told;
    const SelfDial dialling(std::vector<std::string>{"127.0.0.1", "127.0.0.2"}, port,
                            {milliseconds(1), milliseconds(200), 2, 3},
                            {[](bool) {}, [&](const std::string& why) { told.set_value(why); }});
    second.hear_once();
    EXPECT_EQ(told.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(SelfDial, TellsOfTheDoubtAndThatItIsOver) {
    const Deaf deaf;
    std::counting_semaphore<> doubted{0}, over{0};
    const SelfDial dialling(
        "127.0.0.1:0", deaf.port, {milliseconds(1), milliseconds(200), 2, 1000},
        {[&](bool answers) { (answers ? over : doubted).release(); }, [](const std::string&) {}});
    deaf.hear_once();
    ASSERT_TRUE(doubted.try_acquire_for(std::chrono::seconds(20)));
    // Those that waited in vain are in the line before the one that is heard.
    while (!over.try_acquire()) deaf.hear_once();
}

TEST(SelfDial, EndsAmidADial) {
    const Deaf deaf;
    const auto begin = std::chrono::steady_clock::now();
    {
        const SelfDial dialling("127.0.0.1:0", deaf.port,
                                {milliseconds(1), std::chrono::minutes(10), 2, 3},
                                {[](bool) {}, [](const std::string&) {}});
        std::this_thread::sleep_for(milliseconds(50));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

}  // namespace tocsin::runtime
