// The services that the gateway speaks for, found by their descriptors: no code per method.
#pragma once

#include <google/protobuf/descriptor.h>

#include <memory>
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

std::unique_ptr<google::protobuf::Message> new_message(const google::protobuf::Descriptor* type);

}  // namespace tocsin::gateway
