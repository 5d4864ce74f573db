#include "gateway/catalog.hpp"

#include "google/rpc/error_details.pb.h"
#include "runtime/edge/method_rules.hpp"
#include "runtime/edge/page.hpp"
#include "runtime/edge/service_named.hpp"
#include "services.inc"

#include <stdexcept>
#include <string>

namespace tocsin::gateway {

static const google::protobuf::ServiceDescriptor* descriptor_of(const std::string& name) {
    const auto* service = runtime::service_named(name);
    if (service == nullptr) throw std::logic_error(name + " is not in this program");
    return service;
}

const std::vector<CatalogEntry>& catalog() {
    static const std::vector<CatalogEntry> entries{
#define TOCSIN_ENTRY(service) {#service, descriptor_of(#service)},
        TOCSIN_SERVICES(TOCSIN_ENTRY)
#undef TOCSIN_ENTRY
            {"", descriptor_of("ledger")},
    };
    return entries;
}

const CatalogEntry* find_service(std::string_view full_name) {
    for (const CatalogEntry& entry : catalog())
        if (entry.service->full_name() == full_name) return &entry;
    return nullptr;
}

static const rules::v1::MethodRules& rules_of(const google::protobuf::MethodDescriptor& method) {
    return runtime::method_rules(*method.input_type());
}

bool is_public(const google::protobuf::MethodDescriptor& method) {
    return rules_of(method).access() == rules::v1::ACCESS_PUBLIC;
}

bool may_change(const google::protobuf::MethodDescriptor& method) {
    const auto access = rules_of(method).access();
    return access == rules::v1::ACCESS_CHANGE || access == rules::v1::ACCESS_OPERATOR;
}

std::size_t body_bytes_max(const google::protobuf::MethodDescriptor& method) {
    constexpr std::size_t of_strangers = std::size_t{8} << 10;
    constexpr std::size_t most = std::size_t{128} << 10;
    constexpr std::size_t large = std::size_t{4} << 20;
    if (is_public(method)) return of_strangers;
    return rules_of(method).large() ? large : most;
}

std::size_t answer_bytes(const google::protobuf::MethodDescriptor& method) {
    constexpr std::size_t of_one_thing = std::size_t{256} << 10;
    if (rules_of(method).access() == rules::v1::ACCESS_CHANGE) return 0;
    const bool list = method.output_type()->FindFieldByName("next_page_token") != nullptr;
    return list ? runtime::page_bytes_max : of_one_thing;
}

}  // namespace tocsin::gateway
