#include "runtime/edge/tls.hpp"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <memory>
#include <stdexcept>

namespace tocsin::runtime {

using grpc::experimental::FileWatcherCertificateProvider;

static constexpr unsigned refresh_seconds = 2;

void check_certificates(const std::string& cert, const std::string& key, const std::string& ca) {
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_method()),
                                                               SSL_CTX_free);
    const auto need = [](bool good, const std::string& file, const char* what) {
        if (!good) throw std::runtime_error(fmt::format("{}: {}", file, what));
    };
    if (!cert.empty()) {
        need(SSL_CTX_use_certificate_chain_file(context.get(), cert.c_str()) == 1, cert,
             "is no certificate chain (PEM) that can be read");
        need(SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) == 1 &&
                 SSL_CTX_check_private_key(context.get()) == 1,
             key, "is no private key (PEM) of that certificate");
    }
    if (!ca.empty())
        need(SSL_CTX_load_verify_locations(context.get(), ca.c_str(), nullptr) == 1, ca,
             "holds no CA certificates (PEM) that can be read");
}

std::shared_ptr<grpc::ServerCredentials> server_credentials(const std::string& cert,
                                                            const std::string& key,
                                                            const std::string& client_ca) {
    if (cert.empty()) return grpc::InsecureServerCredentials();
    // gRPC would go on without them, and refuse everybody.
    check_certificates(cert, key, client_ca);
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
    check_certificates(cert, key, ca);
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
