// Transport credentials for gRPC. Certificates come from files and are read again when they change.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace tocsin::runtime {

// Plain text when `cert` is empty. With a client CA every caller must show a certificate of it.
std::shared_ptr<grpc::ServerCredentials> server_credentials(const std::string& cert,
                                                            const std::string& key,
                                                            const std::string& client_ca);

// Plain text when `ca` is empty. With `cert` and `key` this side shows a certificate too.
std::shared_ptr<grpc::ChannelCredentials> client_credentials(const std::string& ca,
                                                             const std::string& cert,
                                                             const std::string& key);

}  // namespace tocsin::runtime
