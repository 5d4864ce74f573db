// What the head of a request is refused for, from whatever address it comes.
#include "gateway/connect.hpp"
#include "runtime/edge/jwk.hpp"
#include "support/author_token.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace tocsin::gateway {
namespace {

class ConnectTest : public ::testing::Test {
protected:
    std::string token_of(const std::string& subject) const {
        return testing::author_token(issuer_key_, subject);
    }
    // The limit that it is refused for; empty where it is not. Its place stays taken.
    std::string limit_for(const std::string& token, const std::string& address,
                          std::size_t body_bytes = 2) {
        HttpHead head;
        head.set(http::field::content_length, std::to_string(body_bytes));
        head.method(http::verb::post);
        head.set(http::field::content_type, "application/json");
        head.set(http::field::authorization, token);
        Peer peer;
        peer.address = address;
        Served served;
        const Route route = route_of("/tocsin.measurement.v1.MeasurementService/GetScorecard");
        const auto admitted = connect_.admit(head, route, peer, served);
        admitted_ = admitted.has_value();
        if (admitted) places_.push_back(admitted->place);
        return served.limited_by;
    }
    bool admitted() const { return admitted_; }
    void forget_places() { places_.clear(); }

private:
    // The file with the keys.
    static std::string key_set_of(const std::string& issuer_key) {
        const std::string file =
            ::testing::TempDir() + "connect_test_" + std::to_string(getpid()) + ".json";
        std::ofstream(file) << runtime::jwks_of_pem(issuer_key);
        return file;
    }

    const std::string issuer_key_ = runtime::make_issuer_key_pem();
    asio::io_context io_;
    Upstreams upstreams_{io_, {}, grpc::InsecureChannelCredentials()};
    WorkPool readers_{io_}, writers_{io_};
    runtime::TokenVerifier tokens_{
        runtime::TokenOptions{key_set_of(issuer_key_), "tocsin-dev", "tocsin"}};
    Connect connect_{upstreams_, readers_, writers_, &tokens_, {}};
    bool admitted_ = false;
    std::vector<std::shared_ptr<const void>> places_;
};

// Each holds what it may, and never ends what it sends.
TEST_F(ConnectTest, LargeBodiesOfOneCallerTakeNobodyElsesPlace) {
    constexpr std::size_t large = 100'000;
    int taken = 0;
    while (limit_for(token_of("eve"), "192.0.2.1", large).empty()) ASSERT_LT(++taken, 100);
    EXPECT_EQ(taken, 16);
    EXPECT_FALSE(admitted());
    EXPECT_EQ(limit_for(token_of("eve"), "192.0.2.1"), "") << "small ones go on";
    EXPECT_EQ(limit_for(token_of("ana"), "192.0.2.1", large), "");
    forget_places();
    EXPECT_EQ(limit_for(token_of("eve"), "192.0.2.1", large), "");
}

TEST_F(ConnectTest, OneRefusedTokenFromManyAddressesKeepsNobodyOut) {
    std::string junk = token_of("eve");
    char& letter = junk[junk.size() - 10];
    letter = letter == 'A' ? 'B' : 'A';
    for (int i = 0; i < 100; ++i)
        for (int from = 0; from < 200; ++from)
            EXPECT_EQ(limit_for(junk, "192.0.2." + std::to_string(from)), "");
    EXPECT_FALSE(admitted());
    EXPECT_EQ(limit_for(token_of("ana"), "192.0.2.1"), "");
    EXPECT_TRUE(admitted());
    EXPECT_EQ(limit_for(token_of("ben"), "198.51.100.1"), "");
    EXPECT_TRUE(admitted());
}

}  // namespace
}  // namespace tocsin::gateway
