#include "gateway/connect.hpp"

#include "gateway/catalog.hpp"
#include "runtime/base/digest.hpp"
#include "runtime/base/new_message.hpp"
#include "runtime/base/traceparent.hpp"
#include "runtime/edge/errors.hpp"
#include "runtime/host/clock.hpp"

#include <absl/strings/numbers.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>

namespace tocsin::gateway {

namespace protobuf = google::protobuf;
using grpc::StatusCode;

static constexpr std::chrono::milliseconds timeout_default{5000};
static constexpr std::chrono::milliseconds timeout_max{30'000};

// What is longer is read, and written, by the pool.
static constexpr std::size_t read_here_bytes_max = std::size_t{4} << 10;

static std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

static std::optional<std::string_view> header(const HttpHead& head, std::string_view name) {
    const auto found = head.find(beast::string_view(name.data(), name.size()));
    if (found == head.end()) return std::nullopt;
    return view(found->value());
}

std::expected<std::chrono::milliseconds, ConnectError> timeout_of(
    std::optional<std::string_view> header) {
    if (!header) return timeout_default;
    std::int64_t ms = 0;
    const auto [end, error] = std::from_chars(header->begin(), header->end(), ms);
    if (header->empty() || header->size() > 10 || error != std::errc{} || end != header->end() ||
        header->front() == '-')
        return std::unexpected(bad_field("BAD_TIMEOUT", "connect-timeout-ms",
                                         "Connect-Timeout-Ms: 1 to 10 digits are expected"));
    return std::min(std::chrono::milliseconds(ms), timeout_max);
}

static std::string ledger_names() {
    std::vector<std::string_view> names;
    for (const CatalogEntry& entry : catalog())
        if (!entry.name.empty()) names.emplace_back(entry.name);
    return fmt::format("{}", fmt::join(names, ", "));
}

// Where one process speaks for several services the request must say which ledger is meant: to
// guess would be to act on another one than the operator has in mind.
static std::expected<std::string, ConnectError> name_ledger(protobuf::Message& message,
                                                            const Route& route) {
    const auto* field = message.GetDescriptor()->FindFieldByName("service");
    std::string service = message.GetReflection()->GetString(message, field);
    if (service.empty()) service = query_value(route.query, "service").value_or("");
    if (service.empty())
        return std::unexpected(
            bad_field("INVALID_ARGUMENT", "service",
                      fmt::format("service: is required; name one of {}", ledger_names())));
    if (std::ranges::find(catalog(), service, &CatalogEntry::name) == catalog().end())
        return std::unexpected(bad_field("UNKNOWN_SERVICE", "service",
                                         fmt::format("there is no service `{}`", service)));
    message.GetReflection()->SetString(&message, field, service);
    return service;
}

// What gRPC would refuse to send, it must not be given: it ends the process over it.
static bool printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char letter) { return letter >= 0x20 && letter <= 0x7e; });
}

std::expected<void, ConnectError> Connect::read_head(Plan& plan, const HttpHead& head,
                                                     Served& served) {
    if (const auto version = header(head, "connect-protocol-version"); version && version != "1")
        return std::unexpected(bad_field("BAD_PROTOCOL_VERSION", "connect-protocol-version",
                                         "Connect-Protocol-Version: 1 is expected"));
    if (const auto encoding = header(head, "content-encoding"); encoding && encoding != "identity")
        return std::unexpected(refusal(StatusCode::UNIMPLEMENTED, "UNKNOWN_ENCODING",
                                       "no compression is supported: send the body as it is"));
    if (plan.method->client_streaming() || plan.method->server_streaming())
        return std::unexpected(refusal(StatusCode::UNIMPLEMENTED, "STREAM",
                                       "streams are not served here: call the service by gRPC"));
    const auto timeout = timeout_of(header(head, "connect-timeout-ms"));
    if (!timeout) return std::unexpected(timeout.error());
    plan.call.timeout = *timeout;
    for (const std::string_view name : {"authorization", "tocsin-after"}) {
        const auto value = joined(head, name);
        // A caller without a token can read only what is public, which waits for no position.
        if (!value || (name == "tocsin-after" && !header(head, "authorization"))) continue;
        if (!printable(*value))
            return std::unexpected(bad_field("BAD_HEADER", std::string(name),
                                             fmt::format("{}: not printable ASCII", name)));
        plan.call.metadata.emplace_back(name, *value);
    }
    // One that comes twice, which reads as a list, is none (W3C Trace Context).
    const auto trace = joined(head, "traceparent");
    served.traceparent =
        trace && runtime::valid_traceparent(*trace) ? *trace : runtime::new_traceparent();
    plan.call.metadata.emplace_back("traceparent", served.traceparent);
    return {};
}

std::expected<Connect::Plan, HttpResponse> Connect::plan(const HttpHead& head, const Route& route,
                                                         Served& served) {
    const CatalogEntry* entry = find_service(route.service);
    const auto* method =
        entry == nullptr ? nullptr : entry->service->FindMethodByName(route.method);
    if (method == nullptr)
        return std::unexpected(
            answer(refusal(StatusCode::UNIMPLEMENTED, "NO_SUCH_METHOD",
                           fmt::format("there is no /{}/{}", route.service, route.method)),
                   served, http::status::not_found));
    served.service = entry->name.empty() ? "ledger" : entry->name;
    served.method = method->name();
    if (head.method() != http::verb::post) return std::unexpected(wrong_method("POST", served));
    const auto codec = codec_of(view(head[http::field::content_type]));
    if (!codec) {
        HttpResponse response =
            answer(refusal(StatusCode::INVALID_ARGUMENT, "UNKNOWN_MEDIA_TYPE",
                           "Content-Type: application/json or application/proto is expected"),
                   served, http::status::unsupported_media_type);
        response.set("Accept-Post", "application/json, application/proto");
        return std::unexpected(std::move(response));
    }
    Plan plan{method, *codec, {}};
    plan.call.service = entry->name;
    plan.call.answer_bytes = answer_bytes(*method);
    plan.call.may_change = may_change(*method);
    plan.call.path = fmt::format("/{}/{}", entry->service->full_name(), method->name());
    if (const auto read = read_head(plan, head, served); !read) {
        HttpResponse response = answer(read.error(), served);
        if (header(head, "content-encoding")) response.set("Accept-Encoding", "identity");
        return std::unexpected(std::move(response));
    }
    return plan;
}

// A limit, by the name of what it bounds and of what may be done about it.
static ConnectError too_many_tokens(const TokenChecks::Refused& refused, Served& served) {
    const bool of_address = refused.limit == TokenChecks::Limit::of_address;
    served.limited_by = of_address ? "refused_tokens" : "refused_tokens_of_all";
    return come_again(
        StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS",
        of_address ? "too many tokens from this address were refused "
                     "(gateway-refused-tokens-per-address-max); repeat it as it is"
                   : fmt::format("too many tokens of all addresses together were refused (at most "
                                 "{} a second are checked); repeat it as it is",
                                 TokenChecks::in_all_max),
        refused.wait);
}

static TokenChecks::Verdict verdict_of(const std::expected<runtime::Caller, std::string>& caller) {
    if (caller) return TokenChecks::Verdict::good;
    const bool unchecked =
        caller.error() == "token_malformed" || caller.error() == "token_key_unknown";
    return unchecked ? TokenChecks::Verdict::not_checked : TokenChecks::Verdict::refused;
}

// The service checks the token again: it is what the gateway must not be trusted with.
std::expected<runtime::Caller, ConnectError> Connect::caller_of(std::string_view authorization,
                                                                const std::string& service,
                                                                const Peer& peer, Served& served) {
    const auto now = std::chrono::steady_clock::now();
    const auto refused = [&](std::string_view reason) {
        return std::unexpected(from_grpc(runtime::edge_status(reason), service));
    };
    if (authorization.empty()) return refused("token_missing");
    const std::string digest = runtime::sha256(authorization);
    const auto seen = seen_.find(digest, now);
    if (seen && !seen->refused.empty()) return refused(seen->refused);
    std::expected<TokenChecks::Check, TokenChecks::Refused> check;
    if (!seen) check = checks_.begin(peer.address, now);
    if (!check) return std::unexpected(too_many_tokens(check.error(), served));
    auto caller = tokens_->verify(authorization, runtime::SystemClock().now());
    if (!seen) checks_.end(*check, peer.address, verdict_of(caller), now);
    // A key that is not known yet may be a moment later; that costs no check either.
    if (caller || caller.error() != "token_key_unknown")
        seen_.keep(digest, caller ? std::string{} : caller.error(), now);
    if (!caller) return refused(caller.error());
    return std::move(*caller);
}

std::expected<Connect::Payer, ConnectError> Connect::payer_of(const Plan& plan,
                                                              const HttpHead& head,
                                                              const Peer& peer, Served& served) {
    if (tokens_ == nullptr || is_public(*plan.method)) return Payer{{}, "at " + peer.address};
    const auto caller =
        caller_of(header(head, "authorization").value_or(""), plan.call.service, peer, served);
    if (!caller) return std::unexpected(caller.error());
    const auto wait =
        by_caller_.take(caller->realm + '\n' + caller->actor, std::chrono::steady_clock::now());
    if (!wait) return Payer{caller->realm, caller->realm + '\n' + caller->actor};
    served.limited_by = "requests_of_caller";
    return std::unexpected(
        come_again(StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS",
                   "too many requests by this caller (gateway-requests-per-caller-max)", *wait));
}

std::expected<Admitted, ConnectError> Connect::place_for(const HttpHead& head, const Payer& payer,
                                                         std::size_t bytes_max, Served& served) {
    // Without a length it may be of any.
    std::size_t bytes = bytes_max;
    if (const auto length = header(head, "content-length"))
        if (std::size_t announced = 0;
            absl::SimpleAtoi(absl::string_view(length->data(), length->size()), &announced))
            bytes = std::min(announced, bytes);
    if (bytes <= read_here_bytes_max) return Admitted{bytes_max, {}};
    if (auto place = large_.take(payer.realm, payer.name, bytes))
        return Admitted{bytes_max, std::move(place)};
    served.limited_by = "large_requests";
    return std::unexpected(come_again(StatusCode::UNAVAILABLE, "GATEWAY_BUSY",
                                      "too many large requests at once; repeat it as it is",
                                      std::chrono::seconds(1)));
}

std::expected<Admitted, HttpResponse> Connect::admit(const HttpHead& head, const Route& route,
                                                     const Peer& peer, Served& served) {
    const auto planned = plan(head, route, served);
    if (!planned) return std::unexpected(planned.error());
    const std::size_t bytes_max = std::min(body_bytes_max(*planned->method), body_bytes_max_);
    const auto payer = payer_of(*planned, head, peer, served);
    auto admitted = payer ? place_for(head, *payer, bytes_max, served)
                          : std::unexpected<ConnectError>(payer.error());
    if (admitted) return std::move(*admitted);
    HttpResponse response = answer(admitted.error(), served);
    // A caller that keeps using up its address's allowance has to connect again.
    if (served.limited_by == "refused_tokens") response.keep_alive(false);
    return std::unexpected(std::move(response));
}

std::expected<void, ConnectError> Connect::read_body(Plan& plan, const std::string& body,
                                                     const Route& route) {
    auto message = read_message(plan.codec, body, plan.method->input_type());
    if (!message) return std::unexpected(message.error());
    if (plan.call.service.empty()) {
        auto service = name_ledger(**message, route);
        if (!service) return std::unexpected(service.error());
        plan.call.service = *service;
    }
    plan.call.body = (*message)->SerializeAsString();
    return {};
}

HttpResponse Connect::reply(const Plan& plan, const UpstreamReply& reply, Served& served) {
    if (!reply.status.ok()) return answer(from_grpc(reply.status, plan.call.service), served);
    const auto message = runtime::new_message(plan.method->output_type());
    if (!message->ParseFromString(reply.body))
        return answer(refusal(StatusCode::INTERNAL, "BAD_ANSWER",
                              fmt::format("`{}` sent an answer that is not a {}", plan.call.service,
                                          plan.method->output_type()->full_name())),
                      served);
    HttpResponse response;
    if (plan.codec == Codec::proto) {
        response = answer(http::status::ok, "application/proto", reply.body);
    } else {
        std::string text;
        const auto status = protobuf::util::MessageToJsonString(*message, &text);
        if (!status.ok())
            return answer(
                refusal(StatusCode::INTERNAL, "BAD_ANSWER", "the answer cannot be written as JSON"),
                served);
        response = answer(http::status::ok, "application/json", std::move(text));
    }
    const auto* position = message->GetDescriptor()->FindFieldByName("position");
    if (position != nullptr && position->type() == protobuf::FieldDescriptor::TYPE_STRING) {
        const std::string value = message->GetReflection()->GetString(*message, position);
        if (!value.empty() && printable(value)) response.set("tocsin-position", value);
    }
    return response;
}

asio::awaitable<HttpResponse> Connect::handle(const HttpRequest& request, const Route& route,
                                              Served& served, Peer& peer) {
    auto planned = plan(request, route, served);
    if (!planned) co_return std::move(planned.error());
    std::expected<void, ConnectError> read;
    const auto read_it = [&] { read = read_body(*planned, request.body(), route); };
    if (request.body().size() <= read_here_bytes_max) {
        read_it();
    } else {
        co_await readers_.run(read_it);
    }
    if (!read) co_return answer(read.error(), served);
    if (!upstreams_.knows(planned->call.service))
        co_return answer(refusal(StatusCode::UNIMPLEMENTED, "NOT_SERVED",
                                 fmt::format("`{}` is not served here", planned->call.service)),
                         served);
    const UpstreamReply got = co_await upstreams_.call(planned->call, peer);
    served.limited_by = got.limited_by;
    HttpResponse response;
    const auto write_it = [&] { response = reply(*planned, got, served); };
    if (got.body.size() <= read_here_bytes_max)
        write_it();
    else
        co_await writers_.run(write_it);
    response.set("traceparent", served.traceparent);
    if (!got.stale_seconds.empty()) response.set("tocsin-stale-seconds", got.stale_seconds);
    co_return response;
}

}  // namespace tocsin::gateway
