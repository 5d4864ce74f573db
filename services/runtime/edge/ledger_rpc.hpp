// LedgerService: where the deciders of this process stand, for operators.
#pragma once

#include "runtime/edge/raw_service.hpp"
#include "runtime/edge/rpc.hpp"
#include "runtime/ledger/ledger_process.hpp"
#include "tocsin/ledger/v1/ledger_service.grpc.pb.h"

#include <expected>
#include <string>
#include <vector>

namespace tocsin::runtime {

class LedgerRpc final : public RawService<ledger::v1::LedgerService> {
public:
    struct Hosted {
        LedgerProcess* ledger;
        Rpc* rpc;
    };
    explicit LedgerRpc(std::string instance);
    void add(Hosted hosted) { hosted_.push_back(hosted); }

private:
    // What an operator asks of one service, or why not. The role comes first: nobody else hears
    // what is hosted here.
    struct Asked {
        LedgerProcess* ledger;
        Caller caller;
    };
    grpc::Status not_hosted(const std::string& service) const;
    // `request` is then what its bytes say.
    template <class Request>
    std::expected<Asked, grpc::Status> asked(const Context& context, const Bytes& bytes,
                                             Request& request) const;
    grpc::ServerUnaryReactor* get_status(Context* context, const Bytes& bytes, Bytes& response);
    template <class Request, class Response>
    grpc::ServerUnaryReactor* operate(Context* context, const Bytes& bytes, Bytes& response,
                                      LedgerProcess::Word word);

    std::string instance_;
    std::vector<Hosted> hosted_;
};

}  // namespace tocsin::runtime
