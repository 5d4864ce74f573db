#include "gateway/dispatcher.hpp"

#include "gateway/connect_error.hpp"
#include "runtime/host/logs.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace tocsin::gateway {

namespace logs = runtime::logs;

// Of what takes no body.
static constexpr std::size_t other_body_bytes_max = 1024;

// Of one address, where requests have a limit at all. A supervisor needs far fewer; without a limit
// such requests, a few dozen bytes each, would keep the one thread busy.
static constexpr double probes_per_second_max = 200;

static bool is_probe(const Route& route) {
    return route.kind == Route::Kind::health || route.kind == Route::Kind::live;
}

static std::string_view service_of(const Route& route) {
    if (is_probe(route)) return "health";
    return route.kind == Route::Kind::rpc || route.kind == Route::Kind::none ? "none" : "feeds";
}

Dispatcher::Dispatcher(const GatewayConfig& config, GatewayMetrics& metrics, Upstreams& upstreams,
                       WorkPool& readers, WorkPool& writers, runtime::TokenVerifier* tokens)
    : metrics_(metrics),
      by_address_(static_cast<double>(config.requests_per_address_max)),
      probes_by_address_(config.requests_per_address_max > 0 ? probes_per_second_max : 0),
      upstreams_(upstreams),
      connect_(upstreams, readers, writers, tokens,
               {static_cast<double>(config.requests_per_caller_max),
                static_cast<double>(config.refused_tokens_per_address_max),
                static_cast<std::size_t>(config.body_bytes_max)}),
      feeds_(upstreams) {}

std::expected<Admitted, HttpResponse> Dispatcher::admit(const HttpHead& head, const Peer& peer) {
    const auto begin = Clock::now();
    Served served;
    const Route route = route_of({head.target().data(), head.target().size()});
    auto admitted = admit(head, route, peer, served);
    if (admitted) return admitted;
    note(head, admitted.error(), served, Clock::now() - begin);
    return admitted;
}

std::optional<ConnectError> Dispatcher::too_often(const Route& route, const Peer& peer) {
    // Other callers at the address of probes must not keep these out.
    Rates& rates = is_probe(route) ? probes_by_address_ : by_address_;
    const auto wait = rates.take(peer.address, Clock::now());
    if (!wait) return std::nullopt;
    return come_again(
        grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS",
        is_probe(route) ? fmt::format("too many probes from this address: {} a second are answered",
                                      probes_per_second_max)
                        : "too many requests from this address (gateway-requests-per-address-max)",
        *wait);
}

std::expected<Admitted, HttpResponse> Dispatcher::admit(const HttpHead& head, const Route& route,
                                                        const Peer& peer, Served& served) {
    if (const auto refused = too_often(route, peer)) {
        served.limited_by = "requests_of_address";
        served.service = service_of(route);
        HttpResponse response = answer(*refused, served);
        if (served.service == "feeds") open_to_all_origins(response);
        response.keep_alive(false);
        return std::unexpected(std::move(response));
    }
    if (route.kind == Route::Kind::rpc) return connect_.admit(head, route, peer, served);
    return Admitted{other_body_bytes_max, {}};
}

asio::awaitable<HttpResponse> Dispatcher::handle(const HttpRequest& request, Peer& peer) {
    const auto begin = Clock::now();
    Served served;
    HttpResponse response;
    const Route route = route_of({request.target().data(), request.target().size()});
    try {
        response = co_await dispatch(request, route, served, peer);
    } catch (const std::exception& error) {
        logs::error(
            "request failed",
            {{"service", served.service}, {"method", served.method}, {"why", error.what()}});
        response = answer(
            refusal(grpc::StatusCode::INTERNAL, "INTERNAL", "the gateway failed; its log says why"),
            served);
    }
    note(request, response, served, Clock::now() - begin);
    co_return response;
}

// What is too large is not read, so that no field of the request is known.
static ConnectError refusal_of(http::status status, const std::string& field, std::string why) {
    if (status == http::status::service_unavailable)
        return refusal(grpc::StatusCode::UNAVAILABLE, "TOO_MANY_CONNECTIONS", std::move(why));
    if (status == http::status::payload_too_large)
        return bad_field("BAD_REQUEST", field, std::move(why),
                         grpc::StatusCode::RESOURCE_EXHAUSTED);
    if (!field.empty()) return bad_field("BAD_REQUEST", field, std::move(why));
    return refusal(grpc::StatusCode::INVALID_ARGUMENT, "BAD_REQUEST", std::move(why));
}

HttpResponse Dispatcher::refuse(http::status status, const std::string& field,
                                std::string_view why) {
    Served served;
    HttpResponse response = answer(refusal_of(status, field, std::string(why)), served, status);
    metrics_.answered(served);
    if (status == http::status::payload_too_large) limited("body_bytes");
    if (status == http::status::request_header_fields_too_large) limited("header_bytes");
    return response;
}

void Dispatcher::limited(std::string_view limit) { metrics_.limited(limit); }

asio::awaitable<HttpResponse> Dispatcher::dispatch(const HttpRequest& request, const Route& route,
                                                   Served& served, Peer& peer) {
    switch (route.kind) {
        case Route::Kind::rpc:
            co_return co_await connect_.handle(request, route, served, peer);
        case Route::Kind::feed:
        case Route::Kind::alert:
            co_return co_await feeds_.handle(request, route, served, peer);
        case Route::Kind::health:
            co_return co_await health(request, served);
        case Route::Kind::live:
            served.service = "health";
            if (!reads(request)) co_return wrong_method("GET, HEAD", served);
            co_return answer(http::status::ok, "application/json", R"({"status":"alive"})");
        case Route::Kind::none:
            break;
    }
    co_return answer(
        refusal(grpc::StatusCode::UNIMPLEMENTED, "NOT_FOUND", "there is no such address; check it"),
        served, http::status::not_found);
}

asio::awaitable<HttpResponse> Dispatcher::health(const HttpRequest& request, Served& served) {
    served.service = "health";
    if (!reads(request)) co_return wrong_method("GET, HEAD", served);
    const auto services = co_await upstreams_.health();
    const auto is_serving = [](const auto& one) { return one.second == Health::serving; };
    const bool serving =
        reachable_ && !services.empty() && std::ranges::all_of(services, is_serving);
    nlohmann::json words = nlohmann::json::object();
    for (const auto& [service, health] : services) words[service] = word_of(health);
    const nlohmann::json body{{"status", word_of(serving ? Health::serving : Health::not_serving)},
                              {"services", std::move(words)}};
    if (!serving) served.code = "unavailable";
    HttpResponse response = answer(serving ? http::status::ok : http::status::service_unavailable,
                                   "application/json", body.dump());
    response.set(http::field::cache_control, "no-store");
    co_return response;
}

void Dispatcher::note(const HttpHead& request, const HttpResponse& response, const Served& served,
                      Clock::duration took) {
    const double seconds = std::chrono::duration<double>(took).count();
    metrics_.answered(served);
    metrics_.took(served, seconds);
    const auto method = request.method_string();
    logs::debug("request", {{"http_method", std::string(method.data(), method.size())},
                            {"service", served.service},
                            {"method", served.method},
                            {"code", served.code},
                            {"limited_by", served.limited_by},
                            {"status", response.result_int()},
                            {"seconds", seconds},
                            {"trace_id", logs::trace_id(served.traceparent)}});
}

}  // namespace tocsin::gateway
