// The Connect protocol, unary, over the descriptors: `POST /tocsin.<service>.v1.<Service>/<Method>`
// with JSON or binary protobuf becomes one gRPC call.
#pragma once

#include "gateway/http_answers.hpp"
#include "gateway/route.hpp"
#include "gateway/upstreams.hpp"

#include <google/protobuf/descriptor.h>

#include <chrono>
#include <expected>
#include <optional>

namespace tocsin::gateway {

enum class Codec { json, proto };

// Nothing: neither of the two.
std::optional<Codec> codec_of(std::string_view content_type);

// `Connect-Timeout-Ms`: 1 to 10 digits; 5 s when absent, at most 30 s.
std::expected<std::chrono::milliseconds, ConnectError> timeout_of(
    std::optional<std::string_view> header);

// The request message, strictly read.
std::expected<std::unique_ptr<google::protobuf::Message>, ConnectError> read_message(
    Codec codec, std::string_view body, const google::protobuf::Descriptor* type);

class Connect {
public:
    explicit Connect(Upstreams& upstreams) : upstreams_(upstreams) {}

    asio::awaitable<HttpResponse> handle(const HttpRequest& request, const Route& route,
                                         Served& served);

private:
    struct Plan {
        const google::protobuf::MethodDescriptor* method = nullptr;
        Codec codec = Codec::json;
        UpstreamCall call;
    };
    std::expected<Plan, HttpResponse> plan(const HttpRequest& request, const Route& route,
                                           Served& served) const;
    std::expected<void, ConnectError> fill(Plan& plan, const HttpRequest& request,
                                           const Route& route, Served& served) const;
    static HttpResponse reply(const Plan& plan, const UpstreamReply& reply, Served& served);

    Upstreams& upstreams_;
};

}  // namespace tocsin::gateway
