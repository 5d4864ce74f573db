// The services behind the gateway: one channel each, unary calls of serialised messages, health.
// All methods belong to the thread that runs `io`; gRPC's own threads only post results to it.
#pragma once

#include "gateway/peer.hpp"
#include "runtime/base/call_slots.hpp"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::gateway {

struct UpstreamReply {
    grpc::Status status = {};
    std::string body = {};           // serialised response
    std::string stale_seconds = {};  // how old a read is while Kafka is away; empty: it is current
    // Of the memory for answers, until its response is on its way, where unsent.hpp counts it.
    runtime::CallSlots::Slot room = {};
    std::string_view limited_by = {};  // the limit that it was refused for, see limits.hpp
};

struct UpstreamCall {
    std::string service;                                        // short name
    std::string path;                                           // `/package.Service/Method`
    std::string body;                                           // serialised request
    std::vector<std::pair<std::string, std::string>> metadata;  // lower case keys
    std::chrono::milliseconds timeout{5000};
    // How long the answer may well be; for what is longer, room is found when it is there. 0: it is
    // short, and never refused for want of room.
    std::size_t answer_bytes = 0;
    // It is answered even where the caller closed its own side: it may have taken effect.
    bool may_change = false;
};

// What a service says of itself, or why it says nothing.
enum class Health { serving, not_serving, no_health_service, unreachable };

// As `/healthz` names it.
std::string_view word_of(Health health);

class Upstreams {
public:
    // Addresses by short service name, each `host:port` or several with commas between.
    Upstreams(boost::asio::io_context& io, const std::map<std::string, std::string>& addresses,
              const std::shared_ptr<grpc::ChannelCredentials>& credentials);

    bool knows(const std::string& service) const { return stubs_.contains(service); }
    // Cancelled when `peer` leaves, for whom it is: the answer has no reader then. UNAVAILABLE
    // where the answers to its address, or all together, have no room left.
    boost::asio::awaitable<UpstreamReply> call(UpstreamCall call, Peer& peer);
    // Of each service; at most a second old.
    boost::asio::awaitable<std::map<std::string, Health>> health();
    // Ends what is under way with CANCELLED.
    void cancel();
    bool idle() const { return calls_.empty(); }

private:
    using Done = std::function<void(UpstreamReply)>;
    struct Running;

    boost::asio::awaitable<UpstreamReply> send(const UpstreamCall& call, Peer& peer);
    // `done` is called once, on the thread of `io`.
    std::shared_ptr<Running> start(const UpstreamCall& call, Done done);
    void check(const std::string& service, const std::string& health_name);
    void checked(const std::string& service, Health verdict);

    // Answers from before they are asked for until they are being sent. One address may take a
    // quarter.
    static constexpr std::size_t answers_bytes_max = std::size_t{128} << 20;
    static constexpr std::size_t calls_max = std::numeric_limits<std::size_t>::max();  // no limit

    boost::asio::io_context& io_;
    runtime::CallSlots answers_{{.all = calls_max, .realm = calls_max, .bytes = answers_bytes_max}};
    std::map<std::string, std::unique_ptr<grpc::GenericStub>> stubs_;
    std::set<std::shared_ptr<Running>> calls_;

    std::map<std::string, Health> health_;
    std::map<std::string, Health> health_so_far_;
    std::chrono::steady_clock::time_point health_at_{};
    bool checking_ = false;
    boost::asio::steady_timer checks_done_;
};

// gRPC target for `host:port[,host:port...]`.
std::string target_of(const std::string& addresses);

}  // namespace tocsin::gateway
