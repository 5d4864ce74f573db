// The gateway: HTTP in, gRPC out. It keeps no state; any number of them may run.
//
// Lifecycle: construct (binds), start(), stop() (drains), destroy. One thread of its own serves all
// connections, a few more read what is large; start and stop are called from one other thread.
#pragma once

#include "gateway/gateway_config.hpp"
#include "runtime/edge/identity.hpp"
#include "runtime/host/metrics.hpp"
#include "runtime/service.hpp"

#include <grpcpp/grpcpp.h>

#include <memory>

namespace tocsin::gateway {

// Sidecar::stop returns when all requests under way are answered, or cut off after the drain time.
class Gateway : public runtime::Sidecar {
public:
    // From now on it dials its own port: health fails when nothing answers there, and in the end
    // the process ends.
    virtual void dial_itself() = 0;
};

// Without `tokens` only the services check them, after the body was read. Throws
// std::runtime_error when it cannot listen, or may open too few files to be of use.
std::unique_ptr<Gateway> make_gateway(const GatewayConfig& config, runtime::Metrics& metrics,
                                      const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                      std::unique_ptr<runtime::TokenVerifier> tokens = nullptr);

// The gateway inside a process that hosts the services.
runtime::SidecarDefinition sidecar();

}  // namespace tocsin::gateway
