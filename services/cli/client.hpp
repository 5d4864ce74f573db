// Calls of the services by descriptors: JSON in, JSON out, no code per method.
#pragma once

#include "cli/failure.hpp"
#include "cli/options.hpp"

#include <google/protobuf/descriptor.h>
#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace tocsin::cli {

using Json = nlohmann::ordered_json;

class Client {
public:
    explicit Client(const Options& options);

    // `method` such as `GetMessage`, of the service's own API or of the ledger's. A change gets a
    // request id, and is repeated with it while the answer is "not now". Throws Failure.
    Json call(const std::string& service, const std::string& method, Json request);

    // Feeds each message of the drafting stream to `each` until it returns false; returns how the
    // stream ended.
    grpc::Status watch(const std::string& incident, const std::function<bool(const Json&)>& each);

private:
    std::shared_ptr<grpc::Channel> channel(const std::string& service);
    void authenticate(grpc::ClientContext& context);

    const Options& options_;
    std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
    std::string token_;
    std::string position_;  // of the last change: later reads of this run see it
};

// Of the service's own API or of the ledger's; throws Failure when there is none.
const google::protobuf::ServiceDescriptor* service_of(const std::string& service);
const google::protobuf::MethodDescriptor* method_of(const std::string& service,
                                                    const std::string& method);

Exit exit_of(grpc::StatusCode code);
// Code, reason, field violations and what to do, one a line.
std::string words_of(const grpc::Status& status);

}  // namespace tocsin::cli
