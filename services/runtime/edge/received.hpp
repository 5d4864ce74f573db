// What a server takes of calls, and how a request is read whose sender may want to harm it.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <string>

namespace tocsin::runtime {

// Of one message: more than any command may have, so that what is a little too long is refused with
// its largest field. What is beyond even that gRPC refuses, with a text of its own. It reads every
// message to its end first, whatever it takes; nothing is parsed before somebody has looked at the
// token (a field that nobody knows takes some thirty times its bytes). The memory of all calls is
// bounded by itself.
inline constexpr int received_bytes_max = 2 << 20;
inline constexpr std::size_t received_memory_bytes_max = 512u << 20;
void bound_received(grpc::ServerBuilder& builder);

// What one connection may hold, and for how long, in milliseconds. A connection that does not say
// which protocol it speaks, has nothing to do, or is old is ended; so is one that sends pings more
// often than every `ping_interval` while nothing is under way.
struct ConnectionBounds {
    // A gateway has one connection for everybody's calls, as many as it has connections by default.
    int streams = 4096;
    int handshake = 10'000;
    int idle = 10 * 60'000;
    // A stream that is open then goes on for `grace`; the next call connects anew.
    int age = 60 * 60'000;
    int grace = 60 * 60'000;
    int ping_interval = 10'000;
};
void bound_connections(grpc::ServerBuilder& builder, const ConnectionBounds& bounds = {});

// Fields of a request, those of its submessages included: an empty one takes two bytes, and a
// hundred in memory. The longest roster has half as many.
inline constexpr std::size_t received_fields_max = 200'000;

// Why the bytes are no request; empty: `request` is it. Nothing is allocated for what has too many
// fields.
std::string parse(const grpc::ByteBuffer& bytes, google::protobuf::Message& request);

}  // namespace tocsin::runtime
