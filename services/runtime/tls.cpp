#include "runtime/tls.hpp"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <stdexcept>

namespace tocsin::runtime {

using grpc::experimental::FileWatcherCertificateProvider;

static constexpr unsigned refresh_seconds = 10;

std::shared_ptr<grpc::ServerCredentials> server_credentials(const std::string& cert,
                                                            const std::string& key,
                                                            const std::string& client_ca) {
    if (cert.empty()) return grpc::InsecureServerCredentials();
    auto provider = client_ca.empty() ? std::make_shared<FileWatcherCertificateProvider>(
                                            key, cert, refresh_seconds)
                                      : std::make_shared<FileWatcherCertificateProvider>(
                                            key, cert, client_ca, refresh_seconds);
    grpc::experimental::TlsServerCredentialsOptions options(provider);
    options.watch_identity_key_cert_pairs();
    if (!client_ca.empty()) {
        options.watch_root_certs();
        options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    }
    auto credentials = grpc::experimental::TlsServerCredentials(options);
    if (!credentials) throw std::runtime_error("tls-cert, tls-key: cannot be used");
    return credentials;
}

std::shared_ptr<grpc::ChannelCredentials> client_credentials(const std::string& ca,
                                                             const std::string& cert,
                                                             const std::string& key) {
    if (ca.empty()) return grpc::InsecureChannelCredentials();
    auto provider =
        cert.empty()
            ? std::make_shared<FileWatcherCertificateProvider>(ca, refresh_seconds)
            : std::make_shared<FileWatcherCertificateProvider>(key, cert, ca, refresh_seconds);
    grpc::experimental::TlsChannelCredentialsOptions options;
    options.set_certificate_provider(provider);
    options.watch_root_certs();
    if (!cert.empty()) options.watch_identity_key_cert_pairs();
    return grpc::experimental::TlsCredentials(options);
}

}  // namespace tocsin::runtime
