// A service whose methods take their requests as bytes: the generated handlers would parse what
// anybody sends before somebody has looked at the token.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>

#include <google/protobuf/descriptor.h>

#include <stdexcept>
#include <utility>

namespace tocsin::runtime {

// `Generated` is the service as it was generated, such as v1::ApprovalService.
template <class Generated>
class RawService : public Generated::CallbackService {
protected:
    using Context = grpc::CallbackServerContext;
    using Bytes = grpc::ByteBuffer;

    static const google::protobuf::ServiceDescriptor& service() {
        return *google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
            Generated::service_full_name());
    }

    // The method that takes `request`; no two take the same. Throws std::logic_error where there is
    // none.
    static const google::protobuf::MethodDescriptor& method_of(
        const google::protobuf::Descriptor* request) {
        for (int i = 0; i < service().method_count(); ++i)
            if (service().method(i)->input_type() == request) return *service().method(i);
        throw std::logic_error(service().full_name() + " has no method that takes " +
                               request->full_name());
    }

    // `handler(Context*, const Bytes*, Bytes*)` returns a grpc::ServerUnaryReactor*.
    template <class Handler>
    void serve(const google::protobuf::MethodDescriptor& method, Handler handler) {
        this->MarkMethodRawCallback(
            method.index(),
            new grpc::internal::CallbackUnaryHandler<Bytes, Bytes>(std::move(handler)));
    }

    // `handler(Context*, const Bytes*)` returns a grpc::ServerWriteReactor<Response>*.
    template <class Response, class Handler>
    void serve_stream(const google::protobuf::MethodDescriptor& method, Handler handler) {
        this->MarkMethodRawCallback(
            method.index(), new grpc::internal::CallbackServerStreamingHandler<Bytes, Response>(
                                std::move(handler)));
    }
};

}  // namespace tocsin::runtime
