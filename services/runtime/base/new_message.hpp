// A message of a type that is known by its descriptor only.
#pragma once

#include <google/protobuf/message.h>

#include <memory>

namespace tocsin::runtime {

// Blank; `type` is one that this program has the code of.
inline std::unique_ptr<google::protobuf::Message> new_message(
    const google::protobuf::Descriptor* type) {
    auto* factory = google::protobuf::MessageFactory::generated_factory();
    return std::unique_ptr<google::protobuf::Message>(factory->GetPrototype(type)->New());
}

}  // namespace tocsin::runtime
