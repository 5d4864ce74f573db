// The methods of a service. Of each that changes something its descriptor says what it takes, and
// the option beside it who may call it; one handler serves them all. Those that read are a function
// each, over what a view holds.
#pragma once

#include "runtime/edge/method_rules.hpp"
#include "runtime/edge/raw_service.hpp"
#include "runtime/edge/rpc.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>

namespace tocsin::runtime {

// The oneof of `Command` has a field of the request of each method that changes something. What
// derives from it registers its reads as it is made.
template <class Generated, class Command>
class Edge : public RawService<Generated> {
public:
    using Context = grpc::CallbackServerContext;
    using Reactor = grpc::ServerUnaryReactor;

protected:
    using Bytes = grpc::ByteBuffer;

    explicit Edge(Rpc& rpc) : rpc_(rpc) {
        for (int i = 0; i < this->service().method_count(); ++i) {
            const auto& method = *this->service().method(i);
            if (method_rules(*method.input_type()).access() != rules::v1::ACCESS_CHANGE) continue;
            const auto& body = Rpc::body_field(*Command::descriptor(), *method.input_type());
            const Rpc::Change& change =
                changes_.emplace(method.input_type(), Rpc::Change{&method, &blank_, &body, {}, {}})
                    .first->second;
            this->serve(method,
                        [this, &change](Context* context, const Bytes* request, Bytes* response) {
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

    // A method that reads what a view holds of the caller's realm. The reader, here and below, is a
    // function or a lambda whose types are written out:
    // grpc::Status(const Caller&, const Realm&, const Request&, Response&).
    template <class View, class Reader>
    void read(const View& view, Reader reader) {
        read_realm(view, std::function(std::move(reader)), nullptr);
    }
    // On a thread of its own (`Rpc::Apart`).
    template <class View, class Reader>
    void read_apart(Rpc::Apart& apart, const View& view, Reader reader) {
        read_realm(view, std::function(std::move(reader)), &apart);
    }
    // For anybody: grpc::Status(const Request&, Response&).
    template <class Reader>
    void read_public(Reader reader) {
        read_as_anybody(std::function(std::move(reader)));
    }
    // A stream: grpc::ServerWriteReactor<Response>*(Context*, const std::expected<Caller,
    // grpc::Status>&, const Request&).
    template <class Watch>
    void watch(Watch handler) {
        watch_as(std::function(std::move(handler)));
    }

    Rpc& rpc_;

private:
    template <class View, class Realm, class Request, class Response>
    void read_realm(
        const View& view,
        std::function<grpc::Status(const Caller&, const Realm&, const Request&, Response&)> reader,
        Rpc::Apart* apart) {
        const auto of_realm = [&view, reader = std::move(reader)](
                                  const Caller& caller, const Request& in, Response& out) {
            return view.read(caller.realm, [&](const Realm& realm) -> grpc::Status {
                return reader(caller, realm, in, out);
            });
        };
        this->serve(
            this->method_of(Request::descriptor()),
            [this, of_realm, apart](Context* context, const Bytes* request, Bytes* response) {
                return rpc_.read<Request, Response>(context, *request, *response, of_realm, apart);
            });
    }
    template <class Request, class Response>
    void read_as_anybody(std::function<grpc::Status(const Request&, Response&)> reader) {
        this->serve(this->method_of(Request::descriptor()),
                    [this, reader = std::move(reader)](Context* context, const Bytes* request,
                                                       Bytes* response) {
                        return rpc_.read_public<Request, Response>(context, *request, *response,
                                                                   reader);
                    });
    }
    template <class Response, class Request>
    void watch_as(std::function<grpc::ServerWriteReactor<Response>*(
                      Context*, const std::expected<Caller, grpc::Status>&, const Request&)>
                      handler) {
        this->template serve_stream<Response>(
            this->method_of(Request::descriptor()),
            [this, handler = std::move(handler)](Context* context, const Bytes* bytes) {
                Request request;
                const auto caller = rpc_.authenticate(*context, *bytes, request);
                return handler(context, caller, request);
            });
    }

    const Command blank_;
    std::map<const google::protobuf::Descriptor*, Rpc::Change> changes_;  // by request
};

}  // namespace tocsin::runtime
