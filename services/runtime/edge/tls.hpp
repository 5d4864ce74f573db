// Transport credentials for gRPC. Certificates come from files and are read again when they change.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace tocsin::runtime {

// Throws std::runtime_error naming the file that cannot be used. Empty names are passed over.
void check_certificates(const std::string& cert, const std::string& key, const std::string& ca);

// These throw like check_certificates. Files that change later are taken within two seconds, for
// new connections; key and certificate are replaced together, by renaming.

// Plain text when `cert` is empty. With a client CA every caller must show a certificate of it.
std::shared_ptr<grpc::ServerCredentials> server_credentials(const std::string& cert,
                                                            const std::string& key,
                                                            const std::string& client_ca);

// Plain text when `ca` is empty. With `cert` and `key` this side shows a certificate too.
std::shared_ptr<grpc::ChannelCredentials> client_credentials(const std::string& ca,
                                                             const std::string& cert,
                                                             const std::string& key);

}  // namespace tocsin::runtime
