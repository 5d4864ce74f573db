#include "gateway/server_tls.hpp"

#include "runtime/edge/tls.hpp"
#include "runtime/host/logs.hpp"

#include <filesystem>
#include <stdexcept>

namespace tocsin::gateway {

namespace ssl = boost::asio::ssl;

ServerTls::ServerTls(std::string cert, std::string key)
    : cert_(std::move(cert)), key_(std::move(key)), stamp_(stamp()), context_(load()) {}

// Of both files; by mixing, so that a change of either shows.
std::uint64_t ServerTls::stamp() const {
    std::uint64_t mixed = 0;
    for (const std::string& file : {cert_, key_}) {
        std::error_code missing;
        const auto time = std::filesystem::last_write_time(file, missing);
        mixed = mixed * 31 +
                (missing ? 0 : static_cast<std::uint64_t>(time.time_since_epoch().count()));
    }
    return mixed;
}

std::shared_ptr<ssl::context> ServerTls::load() const {
    runtime::check_certificates(cert_, key_, {});
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    context->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                         ssl::context::no_tlsv1_1);
    context->use_certificate_chain_file(cert_);
    context->use_private_key_file(key_, ssl::context::pem);
    return context;
}

std::shared_ptr<ssl::context> ServerTls::current() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_look_) return context_;
    next_look_ = now + std::chrono::seconds(1);
    const std::uint64_t found = stamp();
    if (found == stamp_) return context_;
    try {
        context_ = load();
        stamp_ = found;
        runtime::logs::info("certificate replaced", {{"file", cert_}});
    } catch (const std::exception& error) {  // Half replaced, most likely: looked at again.
        runtime::logs::warn("certificate cannot be used; the old one stays",
                            {{"why", error.what()}});
    }
    return context_;
}

}  // namespace tocsin::gateway
