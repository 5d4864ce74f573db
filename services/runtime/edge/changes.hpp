// The methods of a service that change something: one handler serves them all. What each takes says
// its descriptor, who may call it the option beside it, and what becomes of it decides the decider.
#pragma once

#include "runtime/edge/method_rules.hpp"
#include "runtime/edge/rpc.hpp"

#include <grpcpp/impl/codegen/server_callback_handlers.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>

namespace tocsin::runtime {

// `Generated` is the service as it was generated, such as v1::ApprovalService; the oneof of
// `Command` has a field of the request of each method that changes something. What derives from it
// has the methods that read.
template <class Generated, class Command>
class Edge : public Generated::CallbackService {
public:
    using Context = grpc::CallbackServerContext;
    using Reactor = grpc::ServerUnaryReactor;

protected:
    explicit Edge(Rpc& rpc) : rpc_(rpc) {
        using Bytes = grpc::ByteBuffer;
        for (int i = 0; i < service().method_count(); ++i) {
            const auto& method = *service().method(i);
            if (method_rules(*method.input_type()).access() != rules::v1::ACCESS_CHANGE) continue;
            const auto& body = Rpc::body_field(*Command::descriptor(), *method.input_type());
            const Rpc::Change& change =
                changes_.emplace(method.input_type(), Rpc::Change{&method, &blank_, &body, {}, {}})
                    .first->second;
            serve(i, [this, &change](Context* context, const Bytes* request, Bytes* response) {
                return rpc_.change(context, change, *request, *response);
            });
        }
    }

    // Has a method refused by what only this process knows, once it is asked again for `patience`.
    // Before the service is served. `refused(const Rpc::Asked&, const Request&)`.
    template <class Request, class Refused>
    void check(Refused refused, std::chrono::milliseconds patience = {}) {
        Rpc::Change& change = changes_.at(Request::descriptor());
        change.check = [refused = std::move(refused)](const Rpc::Asked& asked,
                                                      const google::protobuf::Message& request) {
            return refused(asked, static_cast<const Request&>(request));
        };
        change.patience = patience;
    }

    // Answers from what a view holds of the caller's realm, with `reader(const Caller&, const
    // Realm&, const Request&, Response&)`.
    template <class View, class Request, class Response, class Reader>
    Reactor* read(const View& view, Context* context, const Request* request, Response* response,
                  Reader reader) {
        return rpc_.read(context, request, response,
                         [&view, reader](const Caller& caller, const Request& in, Response& out) {
                             return view.read(caller.realm, [&](const auto& realm) -> grpc::Status {
                                 return reader(caller, realm, in, out);
                             });
                         });
    }

    // In place of the generated handler, which would parse what anybody sends.
    // `handler(Context*, const grpc::ByteBuffer*, grpc::ByteBuffer*)`.
    template <class Handler>
    void serve_raw(const std::string& method, Handler handler) {
        serve(service().FindMethodByName(method)->index(), std::move(handler));
    }

    Rpc& rpc_;

private:
    static const google::protobuf::ServiceDescriptor& service() {
        return *google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
            Generated::service_full_name());
    }

    // In place of the generated handler, which would also need a function for each method.
    template <class Handler>
    void serve(int index, Handler handler) {
        using Bytes = grpc::ByteBuffer;
        this->MarkMethodRawCallback(
            index, new grpc::internal::CallbackUnaryHandler<Bytes, Bytes>(std::move(handler)));
    }

    const Command blank_;
    std::map<const google::protobuf::Descriptor*, Rpc::Change> changes_;  // by request
};

}  // namespace tocsin::runtime
