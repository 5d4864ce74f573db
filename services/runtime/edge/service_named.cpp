#include "runtime/edge/service_named.hpp"

#include <fmt/format.h>

namespace tocsin::runtime {

const google::protobuf::ServiceDescriptor* service_named(std::string_view name) {
    const auto* file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(
        fmt::format("tocsin/{0}/v1/{0}_service.proto", name));
    return file == nullptr ? nullptr : file->service(0);
}

}  // namespace tocsin::runtime
