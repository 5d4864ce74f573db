#include "sim/canonical.hpp"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <memory>

namespace tocsin::sim {

// By the name that an event has in every service.
std::function<std::string(const std::string&)> canonical_of(const std::string& service) {
    namespace pb = google::protobuf;
    const auto* type = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(
        fmt::format("tocsin.{}.v1.Event", service));
    const pb::Message* blank = pb::MessageFactory::generated_factory()->GetPrototype(type);
    return [blank](const std::string& bytes) {
        const std::unique_ptr<pb::Message> event(blank->New());
        if (!event->ParseFromString(bytes)) return bytes;
        std::string text;
        pb::io::StringOutputStream stream(&text);
        pb::io::CodedOutputStream coded(&stream);
        coded.SetSerializationDeterministic(true);
        event->SerializeToCodedStream(&coded);
        coded.Trim();
        return text;
    };
}

}  // namespace tocsin::sim
