// LedgerService: what an operator asks of a driver, and who is none.
#include "google/rpc/error_details.pb.h"
#include "runtime/edge/jwk.hpp"
#include "runtime/edge/ledger_rpc.hpp"
#include "sim/driver_stage.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace tocsin::sim {
namespace {

class NoRoster final : public runtime::RoleConfirmer {
public:
    std::vector<std::string> confirmed(const runtime::Caller&) const override { return {"author"}; }
};

class DriverRpcTest : public ::testing::Test {
protected:
    DriverRpcTest() {
        ledger_rpc_.add({member_.process.get(), &rpc_});
        stage.run_until([&] { return member_.process->ready(); }, std::chrono::seconds(10));
        grpc::ServerBuilder builder;
        builder.RegisterService(&ledger_rpc_);
        server_ = builder.BuildAndStart();
        stub = ledger::v1::LedgerService::NewStub(server_->InProcessChannel({}));
    }
    ~DriverRpcTest() override {
        server_->Shutdown();
        std::filesystem::remove(jwks_);
    }

    std::string token(const nlohmann::json& more) const {
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
        nlohmann::json claims{{"iss", "i"},
                              {"aud", "a"},
                              {"sub", "ana@city.example"},
                              {"iat", now},
                              {"exp", now + 600}};
        claims.update(more);
        return "Bearer " + runtime::issue_token(pem_, claims.dump());
    }
    std::string operator_token() const { return token({{"roles", {"operator"}}}); }
    std::string author_token() const {
        return token({{"roles", {"author"}}, {"realm", "calgary"}, {"agency", "city"}});
    }
    template <class Request, class Method>
    google::rpc::Status call(Method method, const std::string& bearer, const std::string& service,
                             int partition) {
        grpc::ClientContext context;
        context.AddMetadata("authorization", bearer);
        Request request;
        request.set_service(service);
        if constexpr (requires { request.set_partition(0); }) {
            request.set_partition(partition);
            request.set_reason("the disk burnt");
        }
        return method(&context, request);
    }
    // Of each method of the service, in turn.
    std::vector<google::rpc::Status> ask(const std::string& bearer, const std::string& service,
                                         int partition = 0) {
        ledger::v1::GetStatusResponse status;
        ledger::v1::RestartInputResponse restarted;
        ledger::v1::OverrideClockResponse overridden;
        return {call<ledger::v1::GetStatusRequest>(
                    [&](auto* context, const auto& request) {
                        return runtime::unpack(stub->GetStatus(context, request, &status));
                    },
                    bearer, service, partition),
                call<ledger::v1::RestartInputRequest>(
                    [&](auto* context, const auto& request) {
                        return runtime::unpack(stub->RestartInput(context, request, &restarted));
                    },
                    bearer, service, partition),
                call<ledger::v1::OverrideClockRequest>(
                    [&](auto* context, const auto& request) {
                        return runtime::unpack(stub->OverrideClock(context, request, &overridden));
                    },
                    bearer, service, partition)};
    }

    void host_another() { ledger_rpc_.add({member_.process.get(), &rpc_}); }

    Stage stage;
    std::unique_ptr<ledger::v1::LedgerService::Stub> stub;

private:
    Member& member_ = stage.add("one");
    const std::string pem_ = runtime::make_issuer_key_pem();
    const std::string jwks_ = [this] {
        const std::string path =
            ::testing::TempDir() + "driver_rpc_test_" + std::to_string(getpid()) + ".json";
        std::ofstream(path) << runtime::jwks_of_pem(pem_);
        return path;
    }();
    runtime::TokenVerifier verifier_{
        runtime::TokenOptions{.jwks = jwks_, .issuer = "i", .audience = "a"}};
    NoRoster roster_;
    runtime::Rpc rpc_{"toy", *member_.process, verifier_, roster_, {}};
    runtime::LedgerRpc ledger_rpc_{"one"};
    std::unique_ptr<grpc::Server> server_;
};

std::string reason_of(const google::rpc::Status& status) {
    google::rpc::ErrorInfo info;
    for (const auto& any : status.details())
        if (any.UnpackTo(&info)) return info.reason();
    return {};
}

TEST_F(DriverRpcTest, WhoIsNoOperatorHearsNothingElse) {
    for (const auto& [service, partition] :
         {std::pair{"toy", 0}, std::pair{"nosuch", 0}, std::pair{"toy", 5000}}) {
        for (const auto& refused : ask(author_token(), service, partition))
            EXPECT_EQ(reason_of(refused), "ROLE_MISSING");
        for (const auto& refused : ask("", service, partition))
            EXPECT_EQ(reason_of(refused), "TOKEN_MISSING");
    }
}

TEST_F(DriverRpcTest, AServiceThatIsNotHostedIsNotFound) {
    for (const auto& refused : ask(operator_token(), "nosuch"))
        EXPECT_EQ(reason_of(refused), "NOT_FOUND");
}

TEST_F(DriverRpcTest, WhereSeveralAreHostedTheServiceIsNeeded) {
    host_another();
    for (const auto& refused : ask(operator_token(), "")) {
        EXPECT_EQ(reason_of(refused), "INVALID_ARGUMENT");
        EXPECT_EQ(refused.message(),
                  "service: is required, since this process serves several; name one of toy, toy");
    }
}

TEST_F(DriverRpcTest, APartitionThatIsNotThereIsNamedWithTheRange) {
    const auto answers = ask(operator_token(), "", Stage::partitions);
    EXPECT_EQ(answers.at(0).code(), grpc::StatusCode::OK) << answers.at(0).message();
    for (const auto& refused : {answers.at(1), answers.at(2)}) {
        EXPECT_EQ(reason_of(refused), "INVALID_ARGUMENT");
        EXPECT_EQ(refused.message(), "partition: must be 0 to 1");
        google::rpc::BadRequest bad;
        for (const auto& any : refused.details()) any.UnpackTo(&bad);
        ASSERT_EQ(bad.field_violations_size(), 1);
        EXPECT_EQ(bad.field_violations(0).field(), "partition");
    }
}

}  // namespace
}  // namespace tocsin::sim
