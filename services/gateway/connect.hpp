// The Connect protocol, unary, over the descriptors: `POST /tocsin.<service>.v1.<Service>/<Method>`
// with JSON or binary protobuf becomes one gRPC call.
#pragma once

#include "gateway/connect_message.hpp"
#include "gateway/http_answers.hpp"
#include "gateway/rates.hpp"
#include "gateway/route.hpp"
#include "gateway/seen_tokens.hpp"
#include "gateway/token_checks.hpp"
#include "gateway/upstreams.hpp"
#include "gateway/work_pool.hpp"
#include "runtime/base/call_slots.hpp"
#include "runtime/edge/identity.hpp"

#include <google/protobuf/descriptor.h>

#include <chrono>
#include <expected>
#include <optional>

namespace tocsin::gateway {

// `Connect-Timeout-Ms`: 1 to 10 digits; 5 s when absent, at most 30 s.
std::expected<std::chrono::milliseconds, ConnectError> timeout_of(
    std::optional<std::string_view> header);

struct ConnectLimits {
    double requests_per_caller = 1'000;      // a second; 0: no limit
    double refused_tokens_per_address = 50;  // the same
    std::size_t body_bytes_max = std::size_t{2} << 20;
};

class Connect {
public:
    // `tokens` null: the services alone check them.
    // Large answers have threads of their own: who reads much must not keep out who writes.
    Connect(Upstreams& upstreams, WorkPool& readers, WorkPool& writers,
            runtime::TokenVerifier* tokens, const ConnectLimits& limits)
        : upstreams_(upstreams),
          readers_(readers),
          writers_(writers),
          tokens_(tokens),
          by_caller_(limits.requests_per_caller),
          body_bytes_max_(limits.body_bytes_max),
          checks_(limits.refused_tokens_per_address) {}

    // By the head alone: whether there is such a method, who calls, how often and how much at once.
    std::expected<Admitted, HttpResponse> admit(const HttpHead& head, const Route& route,
                                                const Peer& peer, Served& served);
    // What was admitted.
    asio::awaitable<HttpResponse> handle(const HttpRequest& request, const Route& route,
                                         Served& served, Peer& peer);

private:
    static constexpr std::size_t large_bytes_max = std::size_t{128} << 20;

    struct Plan {
        const google::protobuf::MethodDescriptor* method = nullptr;
        Codec codec = Codec::json;
        UpstreamCall call;
    };
    // As far as the head says it.
    static std::expected<Plan, HttpResponse> plan(const HttpHead& head, const Route& route,
                                                  Served& served);
    static std::expected<void, ConnectError> read_head(Plan& plan, const HttpHead& head,
                                                       Served& served);
    // To whom a request is charged. Of no realm, and known by the address, where no token is
    // needed.
    struct Payer {
        std::string realm, name;
    };
    std::expected<Payer, ConnectError> payer_of(const Plan& plan, const HttpHead& head,
                                                const Peer& peer, Served& served);
    // For a body of up to `bytes_max`.
    std::expected<Admitted, ConnectError> place_for(const HttpHead& head, const Payer& payer,
                                                    std::size_t bytes_max, Served& served);
    // Who calls. A token that was not seen before is checked here and now, see token_checks.hpp.
    std::expected<runtime::Caller, ConnectError> caller_of(std::string_view authorization,
                                                           const std::string& service,
                                                           const Peer& peer, Served& served);
    static std::expected<void, ConnectError> read_body(Plan& plan, const std::string& body,
                                                       const Route& route);
    static HttpResponse reply(const Plan& plan, const UpstreamReply& reply, Served& served);

    Upstreams& upstreams_;
    WorkPool& readers_;  // of requests
    WorkPool& writers_;  // of answers
    runtime::TokenVerifier* tokens_;
    Rates by_caller_;
    std::size_t body_bytes_max_;
    // Requests whose body is large, from the head until they are handled: nobody keeps the others
    // out, or takes the memory, with bodies that never end.
    runtime::CallSlots large_{{.all = 256, .realm = 64, .actor = 16, .bytes = large_bytes_max}};
    SeenTokens seen_;
    TokenChecks checks_;
};

}  // namespace tocsin::gateway
