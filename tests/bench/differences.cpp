#include "bench/differences.hpp"

#include "all_ledgers.hpp"
#include "runtime/base/digest.hpp"
#include "services.inc"
#include "tocsin/content/v1/content.pb.h"

#include <memory>

namespace tocsin::bench {

using google::protobuf::Message;

static void collect_times(const Message& message, std::set<std::int64_t>& seconds) {
    if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
        // Shorter ones are durations or unset; the others are as long in every copy.
        if (time->seconds() > 300'000'000) seconds.insert(time->seconds());
        return;
    }
    const auto& reflection = *message.GetReflection();
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const auto* field : fields) {
        if (field->name() == "content" && field->type() == field->TYPE_BYTES) {
            content::v1::Content content;
            if (content.ParseFromString(reflection.GetString(message, field)))
                collect_times(content, seconds);
        }
        if (field->cpp_type() != field->CPPTYPE_MESSAGE) continue;
        if (!field->is_repeated()) {
            collect_times(reflection.GetMessage(message, field), seconds);
            continue;
        }
        for (int i = 0; i < reflection.FieldSize(message, field); ++i)
            collect_times(reflection.GetRepeatedMessage(message, field, i), seconds);
    }
}

static std::unique_ptr<Message> event_of(const std::string& service) {
#define TOCSIN_EVENT(name) \
    if (service == #name) return std::make_unique<name::v1::Event>();
    TOCSIN_SERVICES(TOCSIN_EVENT)
#undef TOCSIN_EVENT
    throw std::logic_error("no service " + service);
}

void collect_times(const std::string& service, const std::string& bytes,
                   std::set<std::int64_t>& seconds) {
    const auto event = event_of(service);
    if (event->ParseFromString(bytes)) collect_times(*event, seconds);
}

Differences::Differences(const Specimen& specimen, const std::set<std::int64_t>& seconds)
    : numbered_{specimen.message_id, specimen.release_id, Specimen::number},
      seconds_(seconds.begin(), seconds.end()),
      digest_(runtime::sha256(specimen.content)) {
    numbered_.insert(numbered_.end(), specimen.keys.begin(), specimen.keys.end());
    needles_ = values(std::nullopt, std::chrono::seconds(0), digest_);
    content_.emplace(specimen.content, needles_);
}

std::vector<std::string> Differences::copy(std::int64_t number, std::chrono::seconds age) const {
    // The content holds neither of its digests, so any will do to make it.
    const std::string content = content_->copy(values(number, age, digest_));
    return values(number, age, runtime::sha256(content));
}

std::vector<std::string> Differences::values(std::optional<std::int64_t> number,
                                             std::chrono::seconds age,
                                             const std::string& digest) const {
    std::vector<std::string> all;
    for (const std::string& text : numbered_)
        all.push_back(number ? numbered(text, *number) : text);
    for (const std::int64_t second : seconds_)
        all.push_back(timestamp_prefix(second - age.count()));
    all.push_back(digest);
    all.push_back(runtime::hex(digest));
    return all;
}

}  // namespace tocsin::bench
