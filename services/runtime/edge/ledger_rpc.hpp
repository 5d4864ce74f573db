// LedgerService: where the deciders of this process stand, for operators.
#pragma once

#include "runtime/edge/rpc.hpp"
#include "runtime/ledger/ledger_process.hpp"
#include "tocsin/ledger/v1/ledger_service.grpc.pb.h"

#include <expected>
#include <string>
#include <vector>

namespace tocsin::runtime {

class LedgerRpc final : public ledger::v1::LedgerService::CallbackService {
public:
    struct Hosted {
        LedgerProcess* ledger;
        Rpc* rpc;
    };
    explicit LedgerRpc(std::string instance) : instance_(std::move(instance)) {}
    void add(Hosted hosted) { hosted_.push_back(hosted); }

    grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                        const ledger::v1::GetStatusRequest* request,
                                        ledger::v1::GetStatusResponse* response) override;
    grpc::ServerUnaryReactor* RestartInput(grpc::CallbackServerContext* context,
                                           const ledger::v1::RestartInputRequest* request,
                                           ledger::v1::RestartInputResponse* response) override;
    grpc::ServerUnaryReactor* OverrideClock(grpc::CallbackServerContext* context,
                                            const ledger::v1::OverrideClockRequest* request,
                                            ledger::v1::OverrideClockResponse* response) override;

private:
    // What an operator asks of one service, or why not. The role comes first: nobody else hears
    // what is hosted here.
    struct Asked {
        LedgerProcess* ledger;
        Caller caller;
    };
    grpc::Status not_hosted(const std::string& service) const;
    template <class Request>
    std::expected<Asked, grpc::Status> asked(const grpc::CallbackServerContext& context,
                                             const Request& request) const;
    template <class Request, class Response>
    grpc::ServerUnaryReactor* operate(grpc::CallbackServerContext* context, const Request* request,
                                      Response* response, LedgerProcess::Word word);
    grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext* context, grpc::Status status);

    std::string instance_;
    std::vector<Hosted> hosted_;
};

}  // namespace tocsin::runtime
