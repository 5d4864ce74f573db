#include "runtime/edge/received.hpp"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/support/proto_buffer_reader.h>

namespace tocsin::runtime {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

enum class Fields { enough, too_many, unreadable };

// Goes through the fields of a message and of those in it; `left` is how many more there may be.
Fields count_fields(CodedInputStream& in, const Descriptor* type, std::size_t& left);

Fields count_inside(CodedInputStream& in, const Descriptor* type, std::size_t& left) {
    int length = 0;
    if (!in.ReadVarintSizeAsInt(&length)) return Fields::unreadable;
    if (type == nullptr) return in.Skip(length) ? Fields::enough : Fields::unreadable;
    const auto [limit, deeper] = in.IncrementRecursionDepthAndPushLimit(length);
    if (deeper < 0) return Fields::unreadable;
    const Fields inside = count_fields(in, type, left);
    if (inside != Fields::enough) return inside;
    return in.DecrementRecursionDepthAndPopLimit(limit) ? Fields::enough : Fields::unreadable;
}

Fields count_fields(CodedInputStream& in, const Descriptor* type, std::size_t& left) {
    while (const std::uint32_t tag = in.ReadTag()) {
        if (left == 0) return Fields::too_many;
        --left;
        if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
            // Groups are of no proto of ours, and what is in one would go uncounted.
            if (WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_START_GROUP ||
                !WireFormatLite::SkipField(&in, tag))
                return Fields::unreadable;
            continue;
        }
        const FieldDescriptor* field =
            type->FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
        const Descriptor* inner = field ? field->message_type() : nullptr;
        if (const Fields inside = count_inside(in, inner, left); inside != Fields::enough)
            return inside;
    }
    return Fields::enough;
}

}  // namespace

std::string parse(const grpc::ByteBuffer& bytes, google::protobuf::Message& request) {
    const std::string no_request =
        fmt::format("the bytes of the request are no {}", request.GetDescriptor()->full_name());
    // It reads from the buffer, and changes nothing of it.
    auto* buffer = const_cast<grpc::ByteBuffer*>(&bytes);
    {
        grpc::ProtoBufferReader reader(buffer);
        if (!reader.status().ok()) return no_request;
        CodedInputStream in(&reader);
        std::size_t left = received_fields_max;
        switch (count_fields(in, request.GetDescriptor(), left)) {
            case Fields::enough:
                break;
            case Fields::too_many:
                return fmt::format("the request has more than {} fields; send less at once",
                                   received_fields_max);
            case Fields::unreadable:
                return no_request;
        }
    }
    grpc::ProtoBufferReader reader(buffer);
    return reader.status().ok() && request.ParseFromZeroCopyStream(&reader) ? "" : no_request;
}

void bound_received(grpc::ServerBuilder& builder) {
    builder.SetMaxReceiveMessageSize(received_bytes_max);
    grpc::ResourceQuota quota("received");
    quota.Resize(received_memory_bytes_max);
    builder.SetResourceQuota(quota);
}

void bound_connections(grpc::ServerBuilder& builder, const ConnectionBounds& bounds) {
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               bounds.ping_interval);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, bounds.streams);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, bounds.handshake);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, bounds.idle);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, bounds.age);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, bounds.grace);
}

}  // namespace tocsin::runtime
