#include "gateway/upstreams.hpp"

#include "gateway/catalog.hpp"
#include "gateway/connect_error.hpp"
#include "runtime/base/invariant.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tocsin::gateway {

namespace asio = boost::asio;

static constexpr std::chrono::milliseconds health_timeout{700};
static constexpr std::chrono::milliseconds health_age_max{1000};

std::string_view word_of(Health health) {
    switch (health) {
        case Health::serving:
            return "serving";
        case Health::not_serving:
            return "not_serving";
        case Health::no_health_service:
            return "no_health_service";
        case Health::unreachable:
            return "unreachable";
    }
    runtime::end_at_broken_invariant("a health is one of those that there are");
}

struct Upstreams::Running {
    grpc::ClientContext context;
    grpc::ByteBuffer request;
    grpc::ByteBuffer response;
    Done done;
};

std::string target_of(const std::string& addresses) {
    if (addresses.find(',') == std::string::npos) return addresses;
    return (addresses.starts_with('[') ? "ipv6:" : "ipv4:") + addresses;
}

static grpc::ChannelArguments channel_arguments() {
    grpc::ChannelArguments arguments;
    arguments.SetLoadBalancingPolicyName("round_robin");
    // A restarted service is found again at once, not after gRPC's default of many seconds.
    arguments.SetInt("grpc.initial_reconnect_backoff_ms", 100);
    arguments.SetInt("grpc.min_reconnect_backoff_ms", 1000);
    arguments.SetInt("grpc.max_reconnect_backoff_ms", 1000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
    // Two gateways in one process must not share a connection that one of them closes.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return arguments;
}

Upstreams::Upstreams(asio::io_context& io, const std::map<std::string, std::string>& addresses,
                     const std::shared_ptr<grpc::ChannelCredentials>& credentials)
    : io_(io), checks_done_(io) {
    for (const auto& [service, list] : addresses) {
        if (list.empty()) continue;
        const bool known = std::any_of(catalog().begin(), catalog().end(),
                                       [&](const auto& entry) { return entry.name == service; });
        if (!known) throw std::invalid_argument("no such service: " + service);
        stubs_[service] = std::make_unique<grpc::GenericStub>(
            grpc::CreateCustomChannel(target_of(list), credentials, channel_arguments()));
    }
}

static std::string bytes_of(const grpc::ByteBuffer& buffer) {
    std::vector<grpc::Slice> slices;
    std::string bytes;
    if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
    bytes.reserve(buffer.Length());
    for (const grpc::Slice& slice : slices)
        bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    return bytes;
}

static std::string stale_of(const grpc::ClientContext& context) {
    const auto& metadata = context.GetServerInitialMetadata();
    const auto found = metadata.find("tocsin-stale-seconds");
    return found == metadata.end() ? std::string{}
                                   : std::string(found->second.data(), found->second.size());
}

std::shared_ptr<Upstreams::Running> Upstreams::start(const UpstreamCall& call, Done done) {
    auto running = std::make_shared<Running>();
    running->done = std::move(done);
    for (const auto& [key, value] : call.metadata) running->context.AddMetadata(key, value);
    running->context.set_deadline(std::chrono::system_clock::now() + call.timeout);
    const grpc::Slice slice(call.body);
    running->request = grpc::ByteBuffer(&slice, 1);
    calls_.insert(running);
    Running& raw = *running;
    auto finished = [this, running](grpc::Status status) {
        auto deliver = [this, running, status = std::move(status)] {
            calls_.erase(running);
            std::exchange(running->done, nullptr)({.status = status,
                                                   .body = bytes_of(running->response),
                                                   .stale_seconds = stale_of(running->context)});
        };
        asio::post(io_, std::move(deliver));
    };
    stubs_.at(call.service)
        ->UnaryCall(&raw.context, call.path, grpc::StubOptions(), &raw.request, &raw.response,
                    std::move(finished));
    return running;
}

static grpc::Status status_of(const ConnectError& error) {
    return {error.code, error.message, error.details.SerializeAsString()};
}

static UpstreamReply no_room() {
    return {.status = status_of(come_again(
                grpc::StatusCode::UNAVAILABLE, "GATEWAY_BUSY",
                "too many large answers at once; repeat the request as it is, or ask for smaller "
                "pages",
                std::chrono::seconds(1))),
            .limited_by = "large_answers"};
}

static UpstreamReply cancelled() {
    return {.status = status_of(refusal(
                grpc::StatusCode::CANCELLED, "CANCELLED",
                "you closed your side of the connection and the answer was not there soon "
                "after; the request may have taken effect: repeat exactly the same request, "
                "and close nothing before its answer"))};
}

asio::awaitable<UpstreamReply> Upstreams::call(UpstreamCall call, Peer& peer) {
    auto room = answers_.take(peer.address, {}, call.answer_bytes);
    if (!room) co_return no_room();
    UpstreamReply reply = co_await send(call, peer);
    if (call.answer_bytes > 0 && reply.body.size() > call.answer_bytes) {
        room.reset();
        room = answers_.take(peer.address, {}, reply.body.size());
        if (!room) co_return no_room();
    }
    reply.room = std::move(room);
    co_return reply;
}

asio::awaitable<UpstreamReply> Upstreams::send(const UpstreamCall& call, Peer& peer) {
    peer.answer_anyway = call.may_change;
    if (peer.gone) co_return cancelled();
    auto initiate = [this, &call, &peer](auto handler) {
        // std::function copies; the handler only moves.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const auto running =
            start(call, [shared](UpstreamReply reply) { std::move (*shared)(std::move(reply)); });
        peer.when_gone = [running] { running->context.TryCancel(); };
    };
    UpstreamReply reply =
        co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(UpstreamReply)>(
            initiate, asio::use_awaitable);
    peer.when_gone = nullptr;
    if (peer.gone && reply.status.error_code() == grpc::StatusCode::CANCELLED)
        co_return cancelled();
    co_return reply;
}

void Upstreams::cancel() {
    for (const auto& running : calls_) running->context.TryCancel();
}

// grpc.health.v1.HealthCheckRequest{service = 1}, at most 127 bytes long.
static std::string health_request(const std::string& service) {
    std::string bytes;
    if (service.empty()) return bytes;
    bytes += '\x0a';
    bytes += static_cast<char>(service.size());
    return bytes + service;
}

static Health health_of(const UpstreamReply& reply) {
    if (reply.status.error_code() == grpc::StatusCode::UNIMPLEMENTED)
        return Health::no_health_service;
    if (!reply.status.ok()) return Health::unreachable;
    // HealthCheckResponse{status = 1}, where 1 is SERVING.
    return reply.body == "\x08\x01" ? Health::serving : Health::not_serving;
}

void Upstreams::check(const std::string& service, const std::string& health_name) {
    UpstreamCall call{
        service, "/grpc.health.v1.Health/Check", health_request(health_name), {}, health_timeout};
    start(call, [this, service, health_name](const UpstreamReply& reply) {
        // A server that only speaks for the whole process does not know the name.
        if (reply.status.error_code() == grpc::StatusCode::NOT_FOUND && !health_name.empty())
            return check(service, "");
        checked(service, health_of(reply));
    });
}

void Upstreams::checked(const std::string& service, Health verdict) {
    health_so_far_[service] = verdict;
    if (health_so_far_.size() < stubs_.size()) return;
    health_ = std::move(health_so_far_);
    health_so_far_.clear();
    health_at_ = std::chrono::steady_clock::now();
    checking_ = false;
    checks_done_.cancel();
}

asio::awaitable<std::map<std::string, Health>> Upstreams::health() {
    const bool fresh = health_at_ != std::chrono::steady_clock::time_point{} &&
                       std::chrono::steady_clock::now() - health_at_ < health_age_max;
    if (stubs_.empty() || (fresh && !checking_)) co_return health_;
    if (!checking_) {
        checking_ = true;
        checks_done_.expires_at(asio::steady_timer::time_point::max());
        for (const CatalogEntry& entry : catalog())
            if (knows(entry.name)) check(entry.name, entry.service->full_name());
    }
    boost::system::error_code ignored;
    co_await checks_done_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return health_;
}

}  // namespace tocsin::gateway
