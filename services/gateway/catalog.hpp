// The services that the gateway speaks for, found by their descriptors: no code per method.
#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::gateway {

struct CatalogEntry {
    std::string name;  // short, such as `drafting`; empty for the ledger service that all have
    const google::protobuf::ServiceDescriptor* service = nullptr;
};

const std::vector<CatalogEntry>& catalog();

// By full name; null where there is none.
const CatalogEntry* find_service(std::string_view full_name);

// Whether anybody may call it, without a token.
bool is_public(const google::protobuf::MethodDescriptor& method);

// Whether it may change something, so that its caller wants its answer in any case.
bool may_change(const google::protobuf::MethodDescriptor& method);

// How long its request may be, in bytes, where the settings allow it.
std::size_t body_bytes_max(const google::protobuf::MethodDescriptor& method);

// How long its answer may well be; 0: it is short.
std::size_t answer_bytes(const google::protobuf::MethodDescriptor& method);

}  // namespace tocsin::gateway
