// The bare gRPC server that the benchmarks compare with: it answers CreateIncident at once, with an
// answer of the size that drafting gives, and does nothing else. Its argument is the file to which
// it writes its port.
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

namespace v1 = tocsin::drafting::v1;

namespace {

class Echo final : public v1::DraftingService::CallbackService {
    grpc::ServerUnaryReactor* CreateIncident(
        grpc::CallbackServerContext* context, const v1::CreateIncidentRequest*,
        tocsin::ledger::v1::ChangeResponse* response) override {
        response->set_id("inc-0123456789abcdefghij");
        response->set_etag("1");
        response->set_position("drafting/7/123456");
        auto* reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: tocsin-bench-echo PORTS_FILE\n";
        return 2;
    }
    Echo echo;
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&echo);
    const auto server = builder.BuildAndStart();
    if (!server || port == 0) return 1;
    const std::string path = argv[1];
    std::ofstream(path + ".new") << "{\"grpc\":" << port << "}\n";
    std::rename((path + ".new").c_str(), path.c_str());
    server->Wait();
}
